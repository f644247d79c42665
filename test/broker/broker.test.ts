import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MessageTemplate, Version, type Frame } from '../../frames/index.ts'
import { Broker, type BrokerOptions } from '../../src/broker/broker.ts'
import { BusRefusedError } from '../../src/bus/bus.ts'
import { ProtocolError } from '../../src/errors.ts'
import { Metrics } from '../../src/metrics.ts'
import type { HeaderPair, OutboundMessage } from '../../src/routes/payload.ts'
import { RouteTable, type RouteOptions } from '../../src/routes/table.ts'
import { FakeBus, type FakeBusOptions } from '../support/fake-bus.ts'
import { FakeLog } from '../support/fake-log.ts'
import { framesOf } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'
import { bodyOf, FakeMeter, FakeNetwork, type FakeSubscriber } from './fake-subscriber.ts'

const { V1_0, V1_1, V1_2 } = Version

const OPTIONS: BrokerOptions = {
  prefixes: ['/topic', '/queue'],
  applicationPrefixes: ['/app'],
  broadcastChannel: 'BROADCAST',
  joinFrames: true,
  releaseDelayMs: 1000,
  slowClients: [],
}

const ROUTES: RouteOptions = {
  outbound: [
    { destination: '/app/greet', channel: 'GREETING_OUT', codec: 'json-string' },
    { destination: '/app/json/{x}', channel: 'json:{x}', codec: 'json' },
  ],
  inbound: [
    { channel: 'GREETING_IN', destination: '/topic/greetings', codec: 'json-string', subscribe: 'on-demand' },
    { channel: 'raw:{x}', destination: '/topic/raw/{x}', codec: 'raw', subscribe: 'on-demand' },
    { channel: 'env:{x}', destination: '/topic/env/{x}', codec: 'envelope', subscribe: 'on-demand' },
    { channel: 'always', destination: '/topic/always', codec: 'raw', subscribe: 'always', contentType: 'text/x' },
  ],
  convention: true,
  conventionCodec: 'json-string',
}

function setUp({
  options = {},
  routes = {},
  bus: busOptions = {},
}: { options?: Partial<BrokerOptions>; routes?: Partial<RouteOptions>; bus?: FakeBusOptions } = {}) {
  const bus = new FakeBus(busOptions)
  const log = new FakeLog()
  const metrics = new Metrics()
  const all = { ...OPTIONS, ...options }
  const table = new RouteTable({ ...ROUTES, ...routes }, all.applicationPrefixes, all.prefixes)
  const broker = new Broker(all, table, bus, 'node', log, metrics, new FakeMeter())
  const network = new FakeNetwork()
  for (const transport of ['websocket', 'tcp'] as const) broker.attachFanout(transport, network[transport])
  broker.start()

  const subscribe = (
    destination: string,
    options: { id?: string | undefined; version?: Version; subscriber?: FakeSubscriber; acknowledges?: boolean } = {},
  ) => {
    const defaults = { id: '0', version: V1_2, subscriber: network.subscriber(), acknowledges: false }
    const wanted = { ...defaults, destination, ...options }
    return { ...wanted, subscription: broker.subscribe(wanted).subscription }
  }
  type Subscribed = ReturnType<typeof subscribe>
  /** What this subscriber has got when the turn is over, for all of its subscriptions. */
  const framesFor = async ({ subscriber, version }: Subscribed): Promise<Frame[]> => {
    await turn()
    return subscriber.frames(version)
  }
  const bodiesFor = async (subscribed: Subscribed) => (await framesFor(subscribed)).map(bodyOf)
  return { bus, log, metrics, broker, table, network, subscribe, framesFor, bodiesFor }
}

const outbound = (destination: string, body = 'Test', headers: readonly HeaderPair[] = []): OutboundMessage => ({
  destination,
  body: new TextEncoder().encode(body),
  headers,
  session: 'node-1',
  user: undefined,
})

const broadcast = (topic: string, message: unknown, headers?: unknown) => JSON.stringify({ topic, message, headers })

/** All but `content-length`, which stands where the encoder likes. */
const headersOf = (frame: Frame | undefined) =>
  [...(frame?.headers ?? [])].filter(([name]) => name !== 'content-length')

const failureOf = (attempt: () => unknown): unknown => {
  try {
    attempt()
  } catch (error) {
    return error
  }
  return undefined
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('broker: who gets what', () => {
  it('#58 #76 #79 #63 delivers with the exact destination, an own id for each message, the subscription and the content type', async () => {
    const { bus, subscribe, framesFor } = setUp()
    const destination = '/topic/Ünï code/../a%2F//é '
    const subscribed = subscribe(destination, { id: 'sub-0' })
    bus.deliver('BROADCAST', broadcast(destination, 'one'))
    bus.deliver('BROADCAST', broadcast(destination, 'three'))
    const received = await framesFor(subscribed)
    expect(received.map(({ headers }) => headers.get('content-length'))).toEqual(['3', '5'])
    expect(received.map(headersOf)).toEqual([
      [
        ['subscription', 'sub-0'],
        ['message-id', 'node-1'],
        ['destination', destination],
        ['content-type', 'text/plain;charset=UTF-8'],
      ],
      [
        ['subscription', 'sub-0'],
        ['message-id', 'node-2'],
        ['destination', destination],
        ['content-type', 'text/plain;charset=UTF-8'],
      ],
    ])
  })

  it('#80 delivers to nobody who has not subscribed, and to nobody who has left', async () => {
    const { bus, broker, network, metrics, subscribe } = setUp()
    const { subscription, subscriber } = subscribe('/topic/a')
    bus.deliver('BROADCAST', broadcast('/topic/b', 'no'))
    bus.deliver('BROADCAST', broadcast('/topic/a/b', 'no'))
    broker.unsubscribe(subscription)
    bus.deliver('BROADCAST', broadcast('/topic/a', 'no'))
    await turn()
    expect(network.websocket.published).toEqual([])
    expect(subscriber.received).toEqual([])
    expect(metrics.count.messagesReceived).toBe(3)
    expect(metrics.count.messagesDelivered).toBe(0)
  })

  it.each([
    ['/topic/greetings', 'GREETING_IN', '"Test"', undefined, 'Test'],
    ['/topic/raw/1', 'raw:1', 'Test', undefined, 'Test'],
    ['/topic/raw/*', 'raw:1', 'Test', 'raw:*', 'Test'],
    ['/topic/other', 'topic:other', '"Test"', undefined, 'Test'],
    ['/topic/**', 'topic:a/b', '"Test"', 'topic:*', 'Test'],
    ['/queue/x', 'queue:x', '"Test"', undefined, 'Test'],
    ['/topic/always', 'always', 'Test', undefined, 'Test'],
  ])('delivers to %s what comes on channel %s', async (destination, channel, payload, pattern, body) => {
    const { bus, subscribe, bodiesFor } = setUp()
    const subscribed = subscribe(destination)
    bus.deliver(channel, payload, pattern)
    expect(await bodiesFor(subscribed)).toEqual([body])
  })

  it('subscribes the channels of a subscription on the bus and gives them back', () => {
    const { bus, broker, subscribe } = setUp()
    expect(bus.commands.splice(0)).toEqual(['subscribe BROADCAST', 'subscribe always'])
    const { subscription } = subscribe('/topic/raw/1')
    broker.unsubscribe(subscription)
    vi.advanceTimersByTime(OPTIONS.releaseDelayMs)
    expect(bus.commands).toEqual(['subscribe raw:1', 'unsubscribe raw:1'])
  })

  it('never gives up the broadcast channel, also where a subscription asks for the channel of that name', async () => {
    const { bus, broker, subscribe, bodiesFor } = setUp({ options: { broadcastChannel: 'topic:all' } })
    const { subscription } = subscribe('/topic/all')
    broker.unsubscribe(subscription)
    vi.advanceTimersByTime(10 * OPTIONS.releaseDelayMs)
    expect(bus.channels).toContain('topic:all')
    const other = subscribe('/topic/a')
    bus.deliver('topic:all', broadcast('/topic/a', 'Test'))
    expect(await bodiesFor(other)).toEqual(['Test'])
  })

  it('takes a broadcast once where a route has a pattern for every channel', async () => {
    const routes = [
      { channel: '{*any}', destination: '/topic/any/{*any}', codec: 'json', subscribe: 'on-demand' },
    ] as const
    const { bus, metrics, subscribe, bodiesFor } = setUp({ routes: { inbound: routes } })
    const everything = subscribe('/topic/**')
    bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'))
    bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'), '*')
    expect(await bodiesFor(everything)).toEqual(['Test'])
    expect(metrics.count.payloadsMalformed).toBe(0)
  })

  it('#67 delivers twice to a subscriber with two ids, once for each', async () => {
    const { bus, network, subscribe, framesFor } = setUp()
    const subscriber = network.subscriber()
    const subscribed = subscribe('/topic/a', { id: '1', subscriber })
    subscribe('/topic/a', { id: '2', subscriber })
    subscribe('/topic/*', { id: '3', subscriber })
    subscribe('/topic/a', { id: '2' }) // so that it gets some through the fan-out and some by itself
    bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'))
    const received = await framesFor(subscribed)
    expect(received.map(({ headers }) => headers.get('subscription')).sort()).toEqual(['1', '2', '3'])
  })

  it('keeps the order of what comes, over channels and routes', async () => {
    const { bus, subscribe, bodiesFor } = setUp()
    const subscribed = subscribe('/topic/**')
    const expected: string[] = []
    for (let i = 0; i < 100; i++) {
      if (i % 2) bus.deliver('BROADCAST', broadcast('/topic/raw/1', `${i}`))
      else bus.deliver('raw:1', `${i}`, 'raw:*')
      expected.push(`${i}`)
    }
    expect(await bodiesFor(subscribed)).toEqual(expected)
  })

  it('says how long a subscription takes to go live', async () => {
    const { broker, network } = setUp({ bus: { goesLive: false } })
    const subscriber = network.subscriber()
    const wanted = { destination: '/topic/a', id: '1', version: V1_2, subscriber, acknowledges: false }
    const first = broker.subscribe(wanted)
    expect(first.liveness).toBeDefined()
    const live = vi.fn()
    void first.liveness?.live.then(live)
    broker.unsubscribe(first.subscription)
    await vi.waitFor(() => expect(live).toHaveBeenCalled())
  })
})

describe('broker: groups', () => {
  it('share one publish among all with the same version, id and destination', async () => {
    const { bus, network, metrics, subscribe, bodiesFor } = setUp()
    const all = Array.from({ length: 50 }, () => subscribe('/topic/a', { id: 'sub-0' }))
    bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'))
    await turn()
    expect(network.websocket.published).toHaveLength(1)
    expect(metrics.count.messagesDelivered).toBe(50)
    for (const each of all) expect(await bodiesFor(each)).toEqual(['Test'])
  })

  it('share one encode among all with the same version, id and destination', async () => {
    const { bus, broker, subscribe } = setUp()
    const all = Array.from({ length: 50 }, () => subscribe('/topic/a', { id: 'sub-0' }).subscriber)
    const stamp = vi.spyOn(MessageTemplate.prototype, 'stamp')
    const { channel, payload } = broker.route({ ...outbound('/topic/a'), body: Uint8Array.of(0, 255) })
    bus.deliver(channel, payload)
    await turn()
    expect(stamp).toHaveBeenCalledTimes(1)
    const [first] = all[0]!.received
    expect(first).toBeInstanceOf(Uint8Array)
    for (const { received } of all) {
      expect(received).toHaveLength(1)
      expect(received[0]).toBe(first)
    }
  })

  it('are apart for another id, version or destination string', async () => {
    const { bus, network, subscribe, framesFor } = setUp()
    const wanted = [
      ['/topic/a', { id: '1' }],
      ['/topic/a', { id: '2' }],
      ['/topic/a', { id: '1', version: V1_1 }],
      ['/topic/a', { id: '1', version: V1_0 }],
      ['/topic/a', { id: undefined, version: V1_0 }],
      ['/topic/*', { id: '1' }],
    ] as const
    // Two of each: what has one member only is in no group of the fan-out.
    const all = [...wanted, ...wanted].map(([destination, options]) => subscribe(destination, options))
    const groups = all.map(({ subscriber }) => [...subscriber.groups].join())
    expect(new Set(groups).size).toBe(6)
    expect(groups.slice(0, 6)).toEqual(groups.slice(6))
    bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'))
    const ids = []
    for (const each of all) ids.push((await framesFor(each)).map(({ headers }) => headers.get('subscription')))
    expect(network.websocket.published.map(({ group }) => group).sort()).toEqual([...new Set(groups)].sort())
    const expected = [['1'], ['2'], ['1'], ['1'], [undefined], ['1']]
    expect(ids).toEqual([...expected, ...expected])
  })

  it('#30 escape for their version', async () => {
    const { bus, subscribe } = setUp()
    const all = [V1_0, V1_1, V1_2].map((version) => subscribe('/topic/a', { id: 'a:b', version }).subscriber)
    bus.deliver('BROADCAST', broadcast('/topic/a', 'Test', [['x', 'a:b\\\r\n']]))
    await turn()
    const texts = all.map(({ received }) => received.join(''))
    expect(texts.map((text) => text.split('\n').filter((line) => /^(x|subscription):/.test(line)))).toEqual([
      ['subscription:a:b', 'x:a:b\\\r'],
      ['subscription:a\\cb', 'x:a\\cb\\\\\\n'],
      ['subscription:a\\cb', 'x:a\\cb\\\\\\r\\n'],
    ])
  })

  it('are published on the transports that have members, and on no other', async () => {
    const { bus, broker, network, metrics, subscribe } = setUp()
    const deliver = async (body: string) => {
      bus.deliver('BROADCAST', broadcast('/topic/a', body))
      await turn()
      return [network.websocket.published.length, network.tcp.published.length]
    }
    const websockets = [subscribe('/topic/a'), subscribe('/topic/a')]
    expect(await deliver('websocket')).toEqual([1, 0])
    const tcp = subscribe('/topic/a', { subscriber: network.subscriber('tcp') })
    expect(await deliver('both')).toEqual([2, 1])
    expect(metrics.count.messagesDelivered).toBe(5)
    for (const { subscription } of websockets) broker.unsubscribe(subscription)
    expect(await deliver('tcp')).toEqual([2, 2])
    broker.unsubscribe(tcp.subscription)
    expect(await deliver('nobody')).toEqual([2, 2])
    expect(metrics.count.messagesDelivered).toBe(6)
    expect(tcp.subscriber.frames(V1_2).map(bodyOf)).toEqual(['both', 'tcp'])
    for (const { subscriber } of websockets) {
      expect(subscriber.frames(V1_2).map(bodyOf)).toEqual(['websocket', 'both'])
    }
  })

  it('of one member are written to it directly, on whichever transport', async () => {
    const { bus, network, metrics, subscribe, bodiesFor } = setUp()
    const all = (['websocket', 'tcp'] as const).map((transport) =>
      subscribe(`/topic/${transport}`, { subscriber: network.subscriber(transport) }),
    )
    for (const { destination } of all) bus.deliver('BROADCAST', broadcast(destination, destination))
    for (const each of all) {
      expect(await bodiesFor(each)).toEqual([each.destination])
      expect(each.subscriber.groups.size).toBe(0)
    }
    expect([network.websocket.published, network.tcp.published]).toEqual([[], []])
    expect(metrics.count.messagesDelivered).toBe(2)
  })

  it('keep delivering to the others when one leaves', async () => {
    const { bus, broker, subscribe, bodiesFor } = setUp()
    const [one, other] = [subscribe('/topic/a'), subscribe('/topic/a')]
    broker.unsubscribe(one.subscription)
    bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'))
    expect(await bodiesFor(other)).toEqual(['Test'])
    expect(await bodiesFor(one)).toEqual([])
  })

  it('tell how much was published to a subscription through the fan-out since it came', async () => {
    const { bus, broker, network, subscribe, bodiesFor } = setUp()
    const first = subscribe('/topic/a')
    bus.deliver('BROADCAST', broadcast('/topic/a', 'one'))
    const second = subscribe('/topic/a')
    const acknowledging = subscribe('/topic/a', { acknowledges: true })
    expect(broker.published(first.subscription)).toBe(0) // it counts itself what is written to it directly
    expect(broker.published(second.subscription)).toBe(0)
    bus.deliver('BROADCAST', broadcast('/topic/a', 'a longer one'))
    expect(await bodiesFor(first)).toEqual(['one', 'a longer one'])
    expect(await bodiesFor(second)).toEqual(['a longer one'])
    const [only, ...more] = network.websocket.published
    expect(more).toEqual([])
    expect(broker.published(first.subscription)).toBe(only!.data.length)
    expect(broker.published(second.subscription)).toBe(only!.data.length)
    expect(broker.published(acknowledging.subscription)).toBe(0)
    const third = subscribe('/topic/a')
    bus.deliver('BROADCAST', broadcast('/topic/a', 'x'))
    await turn()
    const last = network.websocket.published[1]!.data.length
    expect(broker.published(first.subscription)).toBe(only!.data.length + last)
    expect(broker.published(third.subscription)).toBe(last)
  })

  it.each([
    [
      'two spellings of one pattern',
      '/topic/a/**',
      '/topic/a/**/**',
      { id: undefined, version: V1_0 },
      { id: undefined, version: V1_0 },
    ],
    [
      'two ids that look alike in 1.1',
      '/topic/a/x',
      '/topic/a/x',
      { id: 'a', version: V1_1 },
      { id: 'a\r', version: V1_1 },
    ],
  ])('#67 #72 stay apart for one subscriber with %s', async (_name, first, second, firstIs, secondIs) => {
    const { bus, broker, network, subscribe } = setUp()
    const subscriber = network.subscriber()
    const one = subscribe(first, { ...firstIs, subscriber })
    const other = subscribe(second, { ...secondIs, subscriber })
    const deliver = async () => {
      const before = subscriber.received.length
      bus.deliver('BROADCAST', broadcast('/topic/a/x', 'Test'))
      await turn()
      return subscriber.received.length - before
    }
    expect(await deliver()).toBe(2)
    const others = [subscribe(first, firstIs), subscribe(second, secondIs)]
    expect(await deliver()).toBe(2)
    broker.unsubscribe(one.subscription)
    expect(await deliver()).toBe(1)
    broker.unsubscribe(other.subscription)
    expect(await deliver()).toBe(0)
    expect(others.map((each) => each.subscriber.received.length)).toEqual([3, 3])
  })
})

describe('broker: subscriptions that acknowledge', () => {
  it('get each message by themselves, with its id, and no group', async () => {
    const { bus, broker, network, metrics, subscribe } = setUp()
    const one = subscribe('/topic/a', { id: '1', acknowledges: true })
    const other = subscribe('/topic/*', { id: '2', version: V1_1, acknowledges: true })
    bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'))
    await turn()
    expect(one.subscriber.groups.size).toBe(0)
    expect(network.websocket.published).toEqual([])
    expect([one.subscriber.direct, other.subscriber.direct]).toEqual([[], []])
    expect(one.subscriber.delivered.map(({ id, messageId }) => [id, messageId])).toEqual([['1', 'node-1']])
    expect(other.subscriber.delivered.map(({ id, messageId }) => [id, messageId])).toEqual([['2', 'node-1']])
    expect(metrics.count.messagesDelivered).toBe(2)
    broker.unsubscribe(one.subscription)
    bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'))
    expect(one.subscriber.delivered).toHaveLength(1)
    expect(other.subscriber.delivered).toHaveLength(2)
  })
})

describe('broker: headers', () => {
  const given: HeaderPair[] = [
    ['x', '1'],
    ['message-id', 'forged'],
    ['subscription', 'forged'],
    ['ack', 'forged'],
    ['content-length', '1'],
    ['destination', 'forged'],
    ['receipt', 'forged'],
    ['transaction', 'forged'],
    ['user-name', 'forged'],
    ['x', '2'],
    ['Subscription', 'is another name'],
    ['heart-beat', 'is nothing special'],
  ]

  it('#59 #60 of a SEND pass, in order and repeated, except those that only the server may set', async () => {
    const { bus, broker, subscribe, framesFor } = setUp()
    const subscribed = subscribe('/topic/a')
    const { channel, payload } = broker.route(outbound('/topic/a', 'Test', given))
    bus.deliver(channel, payload)
    expect(headersOf((await framesFor(subscribed))[0])).toEqual([
      ['subscription', '0'],
      ['message-id', 'node-1'],
      ['destination', '/topic/a'],
      ['x', '1'],
      ['x', '2'],
      ['Subscription', 'is another name'],
      ['heart-beat', 'is nothing special'],
    ])
  })

  it('#60 of a backend pass, except those that only the server may set', async () => {
    const { bus, subscribe, framesFor } = setUp()
    const subscribed = subscribe('/topic/env/1')
    bus.deliver('env:1', JSON.stringify({ body: 'Test', headers: Object.fromEntries(given) }))
    expect(headersOf((await framesFor(subscribed))[0]).map(([name]) => name)).toEqual([
      'subscription',
      'message-id',
      'destination',
      'content-type',
      'x',
      'Subscription',
      'heart-beat',
    ])
  })

  it.each([
    ['1.0', V1_0, 'con:tent-length'],
    ['1.0', V1_0, 'a\nck'],
    ['1.0', V1_0, 'content-length\0'],
    ['1.1', V1_1, 'content-length\r'],
    ['1.1', V1_1, '\rack'],
    ['1.1', V1_1, 'mess\0age-id'],
    ['1.2', V1_2, 'content-length\0'],
    ['1.2', V1_2, 'user-name\0'],
    ['a client that trims', V1_1, ' content-length'],
    ['a client that trims', V1_2, 'ack\t '],
  ])('#60 cannot become a reserved one in %s, which leaves out what it cannot carry', async (_name, version, name) => {
    const { bus, subscribe } = setUp()
    const { subscriber } = subscribe('/topic/a', { id: '1', version })
    bus.deliver('BROADCAST', broadcast('/topic/a', 'ab\0MESSAGE\n\nforged\0', [[name, '2']]))
    await turn()
    const text = subscriber.received.join('')
    const names = text
      .slice(0, text.indexOf('\n\n'))
      .split('\n')
      .slice(1)
      .map((line) => line.slice(0, line.indexOf(':')))
    expect(names.sort()).toEqual(['content-length', 'destination', 'message-id', 'subscription'])
    expect(framesOf([text], version)).toHaveLength(1)
  })

  it('say the content type of a route that has one', async () => {
    const { bus, subscribe, framesFor } = setUp()
    const subscribed = subscribe('/topic/always')
    bus.deliver('always', 'Test')
    expect((await framesFor(subscribed))[0]?.headers.get('content-type')).toBe('text/x')
  })

  it('#63 #121 of a SEND without a content type stay without one, its octets as they are', async () => {
    const { bus, broker, subscribe, framesFor } = setUp()
    const subscribed = subscribe('/topic/a')
    const body = Uint8Array.of(0, 255, 254, 10)
    const { channel, payload } = broker.route({ ...outbound('/topic/a'), body })
    bus.deliver(channel, payload)
    const [frame] = await framesFor(subscribed)
    expect(frame?.headers.has('content-type')).toBe(false)
    expect([...(frame?.body ?? [])]).toEqual([...body])
    expect(subscribed.subscriber.received[0]).toBeInstanceOf(Uint8Array)
  })
})

describe('broker: payloads that cannot be read', () => {
  it.each([
    ['of a route', 'GREETING_IN', 'no JSON', '"Test"', '/topic/greetings'],
    ['of a route by pattern', 'topic:greet', 'no JSON', '"Test"', '/topic/gree?'],
    ['on the broadcast channel', 'BROADCAST', '{"topic":1}', broadcast('/topic/a', 'Test'), '/topic/a'],
    ['with no text in it', 'GREETING_IN', Uint8Array.of(0x22, 0xff, 0x22), '"Test"', '/topic/greetings'],
    ['with nothing in it', 'GREETING_IN', '', '"Test"', '/topic/greetings'],
  ])(
    '%s are logged and counted, and the next one is delivered',
    async (_name, channel, malformed, good, destination) => {
      const { bus, log, metrics, subscribe, bodiesFor } = setUp()
      const subscribed = subscribe(destination)
      const pattern = destination.includes('?') ? 'topic:*' : undefined
      bus.deliver(channel, malformed, pattern)
      bus.deliver(channel, good, pattern)
      expect(await bodiesFor(subscribed)).toEqual(['Test'])
      expect(metrics.count.payloadsMalformed).toBe(1)
      expect(log.entries).toMatchObject([
        { level: 'warn', message: 'Malformed payload was skipped', fields: { channel } },
      ])
    },
  )

  it('are quoted in the log, but not at length', () => {
    const { bus, log, subscribe } = setUp()
    subscribe('/topic/greetings')
    bus.deliver('GREETING_IN', `no JSON ${'x'.repeat(100_000)}`)
    const { fields } = log.entries[0]!
    expect(fields).toMatchObject({ bytes: 100_008 })
    expect((fields['payload'] as string).length).toBeLessThanOrEqual(120)
  })

  it('are logged a few times when there are many, and all counted', () => {
    const { bus, log, metrics, subscribe } = setUp()
    subscribe('/topic/greetings')
    for (let i = 0; i < 500; i++) bus.deliver('GREETING_IN', 'no JSON')
    expect(metrics.count.payloadsMalformed).toBe(500)
    expect(log.entries.length).toBeGreaterThan(0)
    expect(log.entries.length).toBeLessThan(50)
  })

  it('name the broadcast for a destination that the bridge does not deliver', async () => {
    const { bus, network, log, metrics, subscribe } = setUp()
    const { subscriber } = subscribe('/topic/**')
    for (const topic of ['/app/a', '/topic', '/topic/', '/topicx/a', 'topic/a', ''])
      bus.deliver('BROADCAST', broadcast(topic, 'x'))
    await turn()
    expect(network.websocket.published).toEqual([])
    expect(subscriber.received).toEqual([])
    expect(metrics.count.payloadsMalformed).toBe(6)
    expect(log.messages('warn')).toHaveLength(6)
  })

  it('do not keep another route from the same payload', async () => {
    const inbound = [
      { channel: 'both', destination: '/topic/json', codec: 'json', subscribe: 'on-demand' },
      { channel: 'both', destination: '/topic/raw', codec: 'raw', subscribe: 'on-demand' },
    ] as const
    const { bus, metrics, subscribe, bodiesFor } = setUp({ routes: { inbound } })
    subscribe('/topic/json')
    const raw = subscribe('/topic/raw')
    bus.deliver('both', 'no JSON')
    expect(await bodiesFor(raw)).toEqual(['no JSON'])
    expect(metrics.count.payloadsMalformed).toBe(1)
  })

  it('and a subscriber that fails are logged as errors, and the next message is delivered', async () => {
    const { bus, log, subscribe, bodiesFor } = setUp()
    const failing = subscribe('/topic/a', { acknowledges: true })
    const deliver = vi.spyOn(failing.subscriber, 'deliver').mockImplementation(() => {
      throw new Error('broken')
    })
    bus.deliver('BROADCAST', broadcast('/topic/a', 'one'))
    deliver.mockRestore()
    const good = subscribe('/topic/a')
    bus.deliver('BROADCAST', broadcast('/topic/a', 'two'))
    expect(await bodiesFor(good)).toEqual(['two'])
    expect(log.messages('error')).toEqual(['A payload could not be delivered'])
  })
})

describe('broker: SEND', () => {
  it.each([
    ['/app/greet', 'Test', 'GREETING_OUT', '"Test"'],
    ['/app/json/1', '{"a":1}', 'json:1', '{"a":1}'],
    ['/app/other/deep', 'Test', 'app:other/deep', '"Test"'],
    ['/topic/a', 'Test', 'BROADCAST', '{"topic":"/topic/a","message":"Test","headers":[]}'],
    ['/queue/a', 'Test', 'BROADCAST', '{"topic":"/queue/a","message":"Test","headers":[]}'],
    ['/topic/*', 'Test', 'BROADCAST', '{"topic":"/topic/*","message":"Test","headers":[]}'],
  ])('to %s goes to its channel', (destination, body, channel, payload) => {
    expect(setUp().broker.route(outbound(destination, body))).toEqual({ channel, payload })
  })

  it.each(['/other/a', '/app', '/app/', '/appx/a', '/topic', '/topic/', '', 'app/greet', '/APP/greet'])(
    '#61 to "%s" is refused with no-route',
    (destination) => {
      const error = failureOf(() => setUp().broker.route(outbound(destination)))
      expect(error).toBeInstanceOf(ProtocolError)
      expect(error).toMatchObject({ code: 'no-route' })
    },
  )

  it('#61 without the convention is refused with no-route where no route takes it', () => {
    const { broker } = setUp({ routes: { convention: false } })
    expect(failureOf(() => broker.route(outbound('/app/other')))).toMatchObject({ code: 'no-route' })
  })

  it('#61 with a body that the codec cannot carry is refused with bad-body', () => {
    expect(failureOf(() => setUp().broker.route(outbound('/app/json/1', 'no JSON')))).toMatchObject({
      code: 'bad-body',
    })
  })

  it('resolves when the bus has it, and counts it then', async () => {
    const { bus, broker, metrics } = setUp({ bus: { accepts: false } })
    const published = vi.fn()
    const done = broker.publish({ channel: 'a', payload: 'x' }).then(published)
    await Promise.resolve()
    expect(published).not.toHaveBeenCalled()
    expect(metrics.count.messagesPublished).toBe(0)
    bus.handedOver[0]!.accept()
    await done
    expect(metrics.count.messagesPublished).toBe(1)
  })

  it('rejects with bus-unavailable, and counts that, when the bus does not take it', async () => {
    const { broker, bus, metrics, log } = setUp()
    bus.setReason('no connection to 10.0.0.1')
    const failed = broker.publish({ channel: 'a', payload: 'x' })
    await expect(failed).rejects.toMatchObject({ name: 'ProtocolError', code: 'bus-unavailable' })
    await expect(failed).rejects.not.toThrow(/10\.0\.0\.1/)
    expect(metrics.count).toMatchObject({ messagesPublished: 0, busFailures: 1 })
    expect(log.entries).toMatchObject([
      { message: 'The bus did not accept a message', fields: { reason: 'no connection to 10.0.0.1' } },
    ])
  })

  it.each(['publish', 'publishAll'] as const)(
    'rejects %s with bus-refused, in words of the client, when Redis refuses the channel',
    async (call) => {
      const { bus, broker, metrics } = setUp({ bus: { accepts: false } })
      const message = { channel: 'a', payload: 'x' }
      const failed = call === 'publish' ? broker.publish(message) : broker.publishAll([message])
      bus.handedOver[0]!.refuse(new BusRefusedError('NOPERM No permissions to access a channel'))
      await expect(failed).rejects.toMatchObject({ name: 'ProtocolError', code: 'bus-refused' })
      await expect(failed).rejects.not.toThrow(/NOPERM|permission/)
      expect(metrics.count).toMatchObject({ messagesPublished: 0, busFailures: 1 })
    },
  )

  it('passes on what is no fault of the bus', async () => {
    const { bus, broker } = setUp({ bus: { accepts: false } })
    const failed = broker.publish({ channel: 'a', payload: 'x' })
    bus.handedOver[0]!.refuse(new TypeError('a bug'))
    await expect(failed).rejects.toThrow(TypeError)
  })

  it('#94 of a whole transaction is handed over at once, in order', async () => {
    const { bus, broker, metrics } = setUp()
    const messages = [1, 2, 3].map((n) => ({ channel: `c${n}`, payload: `${n}` }))
    await broker.publishAll(messages)
    expect(bus.handedOver).toHaveLength(1)
    expect(bus.published).toEqual(['c1 1', 'c2 2', 'c3 3'])
    expect(metrics.count.messagesPublished).toBe(3)
    bus.setReason('away')
    await expect(broker.publishAll(messages)).rejects.toMatchObject({ code: 'bus-unavailable' })
    expect(metrics.count).toMatchObject({ messagesPublished: 3, busFailures: 1 })
  })
})

describe('broker: SUBSCRIBE', () => {
  it.each(['/app/a', '/other', '/topic', '/topic/', '/topicx/a', '', '/**', '*'])(
    '#70 to "%s" is refused with bad-destination',
    (destination) => {
      const { broker, bus, subscribe } = setUp()
      const before = [...bus.commands]
      expect(failureOf(() => subscribe(destination))).toMatchObject({ code: 'bad-destination' })
      expect(bus.commands).toEqual(before)
      expect(broker.isBrokerDestination(destination)).toBe(false)
    },
  )

  it.each([
    ['too long', `/topic/${'a'.repeat(300)}*`],
    ['of too many segments', `/topic${'/**/*'.repeat(10)}`],
  ])('#70 to a pattern that is %s is refused with bad-destination', (_name, destination) => {
    const { subscribe } = setUp()
    expect(failureOf(() => subscribe(destination))).toMatchObject({ code: 'bad-destination' })
  })

  it.each([
    ['too long', `/topic/${'a'.repeat(1100)}`],
    ['of too many segments', `/topic${'/a'.repeat(100)}`],
  ])(
    'to a destination that is %s is refused with bad-destination, as SEND and a notification are',
    async (_name, destination) => {
      const { broker, subscribe } = setUp()
      expect(failureOf(() => subscribe(destination))).toMatchObject({ code: 'bad-destination' })
      expect(failureOf(() => broker.route(outbound(destination)))).toMatchObject({ code: 'bad-destination' })
      await expect(broker.notify(destination, '"x"')).rejects.toMatchObject({ code: 'bad-destination' })
    },
  )
})

describe('broker: what the bus cannot take', () => {
  it('#70 fails a subscription with bus-refused, in words of the client', async () => {
    const { broker, bus, network } = setUp({ bus: { goesLive: false } })
    const wanted = { destination: '/topic/greetings', id: '1', version: V1_2, acknowledges: false }
    const { liveness } = broker.subscribe({ ...wanted, subscriber: network.subscriber() })
    bus.refuseSubscription('GREETING_IN')
    await expect(liveness?.live).rejects.toMatchObject({ name: 'ProtocolError', code: 'bus-refused' })
    await expect(liveness?.live).rejects.toThrow('/topic/greetings')
    await expect(liveness?.live).rejects.not.toThrow('permission')
  })

  it('is limited in bytes that wait: beyond it senders are refused until some is accepted', async () => {
    const { broker, bus, metrics } = setUp({ bus: { accepts: false } })
    const payload = 'x'.repeat(40 * 1024 * 1024)
    const first = broker.publish({ channel: 'a', payload })
    await expect(broker.publish({ channel: 'a', payload })).rejects.toMatchObject({ code: 'bus-unavailable' })
    expect(metrics.count.busFailures).toBe(1)
    bus.handedOver[0]!.accept()
    await first
    const second = broker.publish({ channel: 'a', payload })
    bus.handedOver[1]!.refuse()
    await expect(second).rejects.toMatchObject({ code: 'bus-unavailable' })
    const third = broker.publish({ channel: 'a', payload })
    bus.handedOver[2]!.accept()
    await third
  })

  it('counts transactions in what waits, and all of their messages', async () => {
    const { bus, broker } = setUp({ bus: { accepts: false } })
    const message = { channel: 'a', payload: 'x'.repeat(20 * 1024 * 1024) }
    const overloaded = { code: 'bus-unavailable', message: expect.stringContaining('too much is waiting') }
    const transaction = broker.publishAll([message, message])
    await expect(broker.publishAll([message, message])).rejects.toMatchObject(overloaded)
    const single = broker.publish(message)
    await expect(broker.publish(message)).rejects.toMatchObject(overloaded)
    expect(bus.handedOver).toHaveLength(2)
    bus.handedOver[0]!.refuse()
    await expect(transaction).rejects.toMatchObject({ code: 'bus-unavailable' })
    const next = broker.publishAll([message, message])
    for (const handedOver of bus.handedOver.slice(1)) handedOver.accept()
    await Promise.all([single, next])
  })
})

describe('broker: notifications', () => {
  it.each([
    ['"Test"', '{"topic":"/topic/a","message":"Test"}'],
    ['{"a": 1.0}', '{"topic":"/topic/a","message":{"a": 1.0}}'],
    ['null', '{"topic":"/topic/a","message":null}'],
  ])('of %s go over the broadcast channel as topic and message', async (json, payload) => {
    const { bus, broker } = setUp()
    await broker.notify('/topic/a', json)
    expect(bus.published).toEqual([`BROADCAST ${payload}`])
  })

  it.each(['/app/a', '/topic', '/other/a', ''])('to "%s" are refused with bad-destination', async (topic) => {
    const { bus, broker } = setUp()
    await expect(broker.notify(topic, '"x"')).rejects.toMatchObject({ code: 'bad-destination' })
    expect(bus.published).toEqual([])
  })

  it('reject with bus-unavailable while the bus is away', async () => {
    const { broker } = setUp({ bus: { isAvailable: false } })
    await expect(broker.notify('/topic/a', '"x"')).rejects.toMatchObject({ code: 'bus-unavailable' })
    expect(broker.unavailableReason).toBe('away')
  })
})

describe('broker: gauges', () => {
  it('show the live subscriptions and whether the bus is there', async () => {
    const { bus, broker, metrics, subscribe } = setUp()
    const { subscription } = subscribe('/topic/a')
    subscribe('/topic/b', { acknowledges: true })
    expect(await metrics.render()).toMatch(/^stomp_bridge_subscriptions 2$/m)
    broker.unsubscribe(subscription)
    bus.setReason('away')
    const text = await metrics.render()
    expect(text).toMatch(/^stomp_bridge_subscriptions 1$/m)
    expect(text).toMatch(/^stomp_bridge_bus_available 0$/m)
  })
})

describe('broker: what is seen from outside', () => {
  const watcher = () => {
    const told: string[] = []
    return {
      told,
      live: () => void told.push('live'),
      unavailable: (reason: string) => void told.push(reason),
      message: (payload: Uint8Array) => void told.push(`"${new TextDecoder().decode(payload)}"`),
      ended: () => void told.push('ended'),
    }
  }

  it('a watched channel gives its payloads once, also where a pattern covers it, and subscribers get what they got', async () => {
    const { bus, broker, subscribe, bodiesFor } = setUp()
    const patterns = subscribe('/topic/raw/*')
    const [one, other] = [watcher(), watcher()]
    broker.watches.add('raw:x', one)
    broker.watches.add('BROADCAST', other)
    const exact = subscribe('/topic/raw/x', { id: '1' })
    await turn()
    for (const payload of ['first', 'second']) {
      bus.deliver('raw:x', payload)
      bus.deliver('raw:x', payload, 'raw:*')
    }
    bus.deliver('BROADCAST', broadcast('/topic/raw/x', 'third'))
    expect(one.told).toEqual(['live', '"first"', '"second"'])
    expect(other.told).toEqual(['live', `"${broadcast('/topic/raw/x', 'third')}"`])
    expect(await bodiesFor(patterns)).toEqual(['first', 'second', 'third'])
    expect(await bodiesFor(exact)).toEqual(['first', 'second', 'third'])
  })

  it('a watched channel that no route knows is delivered to nobody', async () => {
    const { bus, broker, metrics, log } = setUp()
    const one = watcher()
    broker.watches.add('elsewhere', one)
    await turn()
    bus.deliver('elsewhere', 'x')
    expect(one.told).toEqual(['live', '"x"'])
    expect([metrics.count.messagesReceived, metrics.count.payloadsMalformed, log.entries]).toEqual([0, 0, []])
  })

  it('a payload that its route cannot read is still seen', async () => {
    const { bus, broker, subscribe, metrics } = setUp()
    subscribe('/topic/greetings')
    const one = watcher()
    broker.watches.add('GREETING_IN', one)
    await turn()
    bus.deliver('GREETING_IN', 'no JSON')
    expect(one.told).toEqual(['live', '"no JSON"'])
    expect(metrics.count.payloadsMalformed).toBe(1)
  })

  it('a watch that is over hears nothing more, and the others go on', async () => {
    const { bus, broker } = setUp()
    const [one, other] = [watcher(), watcher()]
    const stop = broker.watches.add('x', one)
    broker.watches.add('x', other)
    await turn()
    stop()
    stop()
    bus.deliver('x', '1')
    broker.close()
    expect([one.told, other.told]).toEqual([['live'], ['live', '"1"', 'ended']])
  })

  it('counts the subscriptions of each destination', () => {
    const { broker, network, subscribe } = setUp()
    subscribe('/topic/greetings', { id: '1' })
    subscribe('/topic/greetings', { id: '2' })
    subscribe('/topic/greetings', { id: '3', acknowledges: true })
    const gone = subscribe('/topic/raw/x')
    subscribe('/topic/**', { subscriber: network.subscriber('tcp') })
    expect(new Map(broker.subscriptionCounts())).toEqual(
      new Map([
        ['/topic/greetings', 3],
        ['/topic/raw/x', 1],
        ['/topic/**', 1],
      ]),
    )
    expect(broker.subscriptionCount).toBe(5)
    broker.unsubscribe(gone.subscription)
    expect([...broker.subscriptionCounts()].map(([name]) => name)).toEqual(['/topic/greetings', '/topic/**'])
    expect(broker.subscriptionCount).toBe(4)
  })

  it('counts the messages of each route, whoever gets them', () => {
    const { bus, broker, table, subscribe } = setUp()
    subscribe('/topic/**')
    for (const destination of ['/app/greet', '/app/json/1', '/app/greet', '/app/other', '/topic/x']) {
      broker.route(outbound(destination, '1'))
    }
    bus.deliver('GREETING_IN', '"x"')
    bus.deliver('GREETING_IN', 'malformed')
    bus.deliver('raw:a', 'x', 'raw:*')
    bus.deliver('topic:z', '"x"', 'topic:*')
    const counts = table.messageCounts()
    const named = table.views().map(({ destination }, i) => `${destination} ${counts[i]}`)
    expect(named).toEqual([
      '/app/greet 2',
      '/app/json/{x} 1',
      '/app/{*name} 1',
      '/topic/greetings 2',
      '/topic/raw/{x} 1',
      '/topic/env/{x} 0',
      '/topic/always 0',
      '/topic/{*name} 1',
      '/queue/{*name} 0',
    ])
  })
})
