import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RouteTable, type RouteOptions } from '../../src/routes/table.ts'
import { cpuMs } from './cpu-time.ts'
import { templateWith, values, variableLists } from './arbitraries.ts'

type Inbound = RouteOptions['inbound'][number]
type Outbound = Extract<RouteOptions['outbound'][number], { channel: string }>
type ToStream = Extract<RouteOptions['outbound'][number], { stream: string }>

const codec = 'json-string'
const inbound = (channel: string, destination: string, more: Partial<Inbound> = {}): Inbound => ({
  channel,
  destination,
  codec,
  subscribe: 'on-demand',
  ...more,
})
const outbound = (destination: string, channel: string, more: Partial<Outbound> = {}): Outbound => ({
  destination,
  channel,
  codec,
  ...more,
})

const toStream = (destination: string, stream: string, more: Partial<ToStream> = {}): ToStream => ({
  destination,
  stream,
  codec: 'raw',
  maxLength: 100,
  fields: { message: 'body' },
  constants: {},
  groups: [],
  ...more,
})

function tableOf(options: Partial<RouteOptions>, applicationPrefixes = ['/app'], brokerPrefixes = ['/topic']) {
  const all = { outbound: [], inbound: [], convention: false, conventionCodec: codec, ...options } as const
  return new RouteTable(all, applicationPrefixes, brokerPrefixes)
}

/** `channel GREETING`, `pattern prices:*`. */
const interestsOf = (table: RouteTable, destination: string) =>
  table.interests(destination).map(({ kind, name }) => `${kind} ${name}`)

/** All destinations that the table gives a payload which came in on that channel. */
const destinationsOf = (table: RouteTable, channel: string) =>
  new Set(
    table
      .interests('**')
      .map(({ route }) => table.destinationOf(route, channel))
      .filter((destination) => destination !== undefined),
  )

describe('outbound routes', () => {
  const table = tableOf({
    outbound: [
      outbound('/app/greet', 'GREETING'),
      outbound('/app/orders/new', 'orders:new', { codec: 'json' }),
      outbound('/app/orders/{id}', 'orders:{id}:out', { codec: 'raw' }),
      outbound('/app/orders/{*rest}', 'orders-rest:{*rest}'),
    ],
    convention: true,
    conventionCodec: 'envelope',
  })

  it.each([
    ['/app/greet', 'GREETING', 'json-string'],
    ['/app/orders/new', 'orders:new', 'json'],
    ['/app/orders/42', 'orders:42:out', 'raw'],
    ['/app/orders/*', 'orders:*:out', 'raw'],
    ['/app/orders/4:2', 'orders:4:2:out', 'raw'],
    ['/app/orders/4/2', 'orders-rest:4/2', 'json-string'],
    ['/app/other', 'app:other', 'envelope'],
    ['/app/other/deep:er', 'app:other/deep:er', 'envelope'],
    ['/app/Greet', 'app:Greet', 'envelope'],
  ])('%s goes to channel %s as %s: the first that matches, the convention last', (destination, channel, codec) => {
    expect(table.outbound(destination)).toMatchObject({ channel, codec })
  })

  it.each(['/app', '/app/', '/topic/a', '/other/a', ''])('no route takes "%s"', (destination) => {
    expect(table.outbound(destination)).toBeUndefined()
  })

  it('without the convention take only what they name', () => {
    expect(tableOf({ outbound: [outbound('/app/greet', 'GREETING')] }).outbound('/app/other')).toBeUndefined()
  })

  it('by convention have a channel per application prefix', () => {
    const table = tableOf({ convention: true }, ['/app', '/a/b'])
    expect(table.outbound('/a/b/x')?.channel).toBe('a:b:x')
    expect(table.outbound('/app/x')?.channel).toBe('app:x')
  })
})

describe('interests', () => {
  const table = tableOf({
    inbound: [
      inbound('GREETING', '/topic/greetings'),
      inbound('prices:{symbol}', '/topic/prices/{symbol}'),
      inbound('all-prices', '/topic/prices/all'),
      inbound('news:{*path}', '/topic/news/{*path}'),
    ],
    convention: true,
  })

  it.each([
    ['/topic/greetings', ['channel GREETING']],
    ['/topic/prices/EUR', ['channel prices:EUR']],
    ['/topic/prices/all', ['channel prices:all', 'channel all-prices']],
    ['/topic/news/a/b', ['channel news:a/b']],
    ['/topic/other', ['channel topic:other']],
    ['/topic/prices/EUR/x', ['channel topic:prices/EUR/x']],
    ['/topic/[a]', ['channel topic:[a]']],
    ['/other/x', []],
  ])('of %s are %j', (destination, expected) => {
    expect(interestsOf(table, destination)).toEqual(expected)
  })

  it.each([
    ['/topic/prices/*', ['pattern prices:*', 'channel all-prices', 'pattern topic:*']],
    ['/topic/prices/E*', ['pattern prices:*', 'pattern topic:*']],
    ['/topic/greet*', ['channel GREETING', 'pattern topic:*']],
    ['/topic/news/**', ['pattern news:*', 'pattern topic:*']],
    ['/topic/**', ['channel GREETING', 'pattern prices:*', 'channel all-prices', 'pattern news:*', 'pattern topic:*']],
    ['/other/**', []],
  ])('of the pattern %s are %j', (destination, expected) => {
    expect(interestsOf(table, destination)).toEqual(expected)
  })

  it('of a route whose text has glob characters are escaped', () => {
    const table = tableOf({ inbound: [inbound('a[1]?*\\:{x}', '/topic/{x}')] })
    expect(interestsOf(table, '/topic/*')).toEqual(['pattern a\\[1\\]\\?\\*\\\\:*'])
    expect(interestsOf(table, '/topic/b')).toEqual(['channel a[1]?*\\:b'])
  })

  it('that are permanent are those of the routes that are always subscribed', () => {
    const table = tableOf({
      inbound: [
        inbound('fixed', '/topic/fixed', { subscribe: 'always' }),
        inbound('prices:{symbol}', '/topic/prices/{symbol}', { subscribe: 'always' }),
        inbound('other', '/topic/other'),
      ],
      convention: true,
    })
    expect(table.permanentInterests().map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'channel fixed',
      'pattern prices:*',
    ])
  })
})

describe('destinationOf', () => {
  const table = tableOf({
    inbound: [
      inbound('prices:{symbol}', '/topic/prices/{symbol}'),
      inbound('topic:special', '/topic/somewhere/else'),
      inbound('GREETING', '/topic/greetings'),
    ],
    convention: true,
  })

  it.each([
    ['prices:EUR', ['/topic/prices/EUR']],
    ['prices:a:b', ['/topic/prices/a:b']],
    ['GREETING', ['/topic/greetings']],
    ['topic:other', ['/topic/other']],
    ['topic:a/b', ['/topic/a/b']],
    ['topic:', []],
    ['prices:a/b', []],
    ['unknown', []],
  ])('of channel %s is %j', (channel, expected) => {
    expect([...destinationsOf(table, channel)]).toEqual(expected)
  })

  it('by convention is nothing where a route claims the channel or the destination', () => {
    expect([...destinationsOf(table, 'topic:special')]).toEqual(['/topic/somewhere/else'])
    expect([...destinationsOf(table, 'topic:prices/EUR')]).toEqual([])
    expect([...destinationsOf(table, 'topic:greetings')]).toEqual([])
  })
})

describe('a route', () => {
  it('feeds a destination from the channel that a subscription to it asks for, whatever the templates and values are', () => {
    const routes = variableLists.chain((variables) =>
      fc.record({
        channel: templateWith(variables),
        // Another order on the other side.
        destination: templateWith(variables.at(-1)?.startsWith('*') ? variables : [...variables].reverse()),
        given: fc.tuple(...variables.map(() => values)),
        variables: fc.constant(variables),
      }),
    )
    let fed = 0
    fc.assert(
      fc.property(routes, ({ channel, destination, given, variables }) => {
        const table = tableOf({ inbound: [inbound(channel, destination)], outbound: [outbound(destination, channel)] })
        const fill = (template: string) =>
          variables.reduce((text, name, i) => text.replace(`{${name}}`, () => given[i]!), template)
        // What comes in on a channel goes to a destination; who subscribes to that must get it.
        for (const { route } of table.interests('**')) {
          const found = table.destinationOf(route, fill(channel))
          if (found === undefined || /[*?]/.test(found)) continue
          fed++
          expect(interestsOf(table, found), `${fill(channel)} gives ${found}`).toEqual([`channel ${fill(channel)}`])
          expect(table.outbound(found)?.channel).toBe(fill(channel))
        }
        const sent = table.outbound(fill(destination))
        if (sent) expect([...destinationsOf(table, sent.channel)]).toEqual([fill(destination)])
      }),
      { numRuns: 500 },
    )
    expect(fed).toBeGreaterThan(20)
  })

  it('takes no longer than a moment for a long destination that almost matches', () => {
    const table = tableOf({
      outbound: [outbound('/app/{a}-{b}-{c}-{d}', 'x:{a}:{b}:{c}:{d}')],
      inbound: [inbound('x:{a}:{b}:{c}:{d}', '/topic/{a}-{b}-{c}-{d}')],
    })
    const askAll = () => {
      for (const char of ['-', ':', 'a']) {
        table.outbound(`/app/${char.repeat(8000)}/`)
        table.interests(`/topic/${char.repeat(8000)}/`)
        destinationsOf(table, `x:${char.repeat(8000)}/`)
      }
    }
    expect(cpuMs(askAll)).toBeLessThan(500)
  })
})

describe('describe', () => {
  it('says one line per route, with its codec', () => {
    const table = tableOf({
      outbound: [outbound('/app/greet', 'GREETING')],
      inbound: [inbound('prices:{symbol}', '/topic/prices/{symbol}', { codec: 'raw' })],
      convention: true,
      conventionCodec: 'json',
    })
    expect(table.describe()).toEqual([
      'SEND /app/greet -> channel GREETING  (json-string)',
      'SEND /app/{*name} -> channel app:{*name}  (json, by convention)',
      'channel prices:{symbol} -> /topic/prices/{symbol}  (raw)',
      'channel topic:{*name} -> /topic/{*name}  (json, by convention)',
      'channel user:{user}:{*name} -> /user/{user}/queue/{*name}  (json, by convention)',
      'channel group:{group}:{*name} -> /group/{group}/{*name}  (json, by convention)',
      'channel session:{session}:{*name} -> /session/{session}/queue/{*name}  (json, by convention)',
    ])
  })
})

describe('routes to a stream', () => {
  const table = tableOf({
    outbound: [
      toStream('/app/test', 'TEST', { groups: ['a', 'b'] }),
      toStream('/app/again', 'TEST', { groups: ['b', 'c'] }),
      toStream('/app/orders/{region}/{id}', 'orders:{region}', { groups: ['d'] }),
      outbound('/app/greet', 'GREETING'),
    ],
  })

  it('give the stream its name', () => {
    expect(table.outbound('/app/test')).toMatchObject({ channel: 'TEST', codec: 'raw' })
    expect(table.outbound('/app/orders/eu/7')).toMatchObject({ channel: 'orders:eu', codec: 'raw' })
    expect(table.outbound('/app/greet')!.route.entry).toBeUndefined()
  })

  it('give it the groups of all routes that lead to it', () => {
    expect(table.outbound('/app/test')!.route.entry!.groups).toEqual(['a', 'b', 'c'])
    expect(table.streams()).toEqual([{ name: 'TEST', groups: ['a', 'b', 'c'] }])
    expect(tableOf({ outbound: [outbound('/app/greet', 'GREETING')] }).streams()).toBeUndefined()
  })

  it('are shown as such', () => {
    expect(table.views()[0]).toEqual({
      direction: 'outbound',
      destination: '/app/test',
      kind: 'stream',
      channel: 'TEST',
      codec: 'raw',
      isConvention: false,
    })
    expect(table.describe()[0]).toBe('SEND /app/test -> stream TEST  (raw)')
  })
})

describe('views', () => {
  it('are the routes as they are written, with how many messages have taken each', () => {
    const table = tableOf({
      outbound: [outbound('/app/greet', 'GREETING')],
      inbound: [inbound('prices:{symbol}', '/topic/prices/{symbol}', { codec: 'raw' })],
      convention: true,
    })
    const kind = 'channel'
    expect(table.views().slice(0, 4)).toEqual([
      { direction: 'outbound', destination: '/app/greet', kind, channel: 'GREETING', codec, isConvention: false },
      { direction: 'outbound', destination: '/app/{*name}', kind, channel: 'app:{*name}', codec, isConvention: true },
      {
        direction: 'inbound',
        destination: '/topic/prices/{symbol}',
        channel: 'prices:{symbol}',
        codec: 'raw',
        kind: 'channel',
        isConvention: false,
      },
      {
        direction: 'inbound',
        destination: '/topic/{*name}',
        kind,
        channel: 'topic:{*name}',
        codec,
        isConvention: true,
      },
    ])
    expect(table.messageCounts()).toEqual([0, 0, 0, 0, 0, 0, 0])
    for (const destination of ['/app/greet', '/app/a', '/app/greet']) table.outbound(destination)!.route.messages++
    table.interests('/topic/prices/EUR')[0]!.route.messages++
    expect(table.messageCounts()).toEqual([2, 1, 1, 0, 0, 0, 0])
  })
})
