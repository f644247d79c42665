/** Entries that the log adds to streams of backends, and the consumer groups of those. */
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { BusRefusedError, BusUnavailableError } from '../../src/bus/bus.ts'
import type { LoggedMessage } from '../../src/history/log.ts'
import type { RedisServer } from '../support/redis.ts'
import { startRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { busForTest, IMPATIENT, redisForTest } from './support.ts'

const STREAM = 'TEST_EVENT_TO_BACKEND'
const CHANNEL = 'GREETING'

let redis: RedisServer
let outside: Redis
beforeAll(async () => {
  redis = await startRedis()
  outside = await redis.client()
})
afterAll(() => redis.stop())
beforeEach(async () => {
  await outside.flushall()
})

type Options = Parameters<typeof busForTest>[1]

async function logOn(url: string, groups: readonly string[] = ['G'], options: Options = {}) {
  const started = busForTest(url, options, { streams: [{ name: STREAM, groups }] })
  await started.recorder.untilAvailable()
  return { ...started, events: started.bus.log }
}

const entryOf = (payload: string | Uint8Array, more: Partial<LoggedMessage> = {}): LoggedMessage => ({
  channel: STREAM,
  payload,
  entry: {
    maxLength: 1000,
    groups: ['G'],
    fields: [
      ['message', undefined],
      ['_class', 'a.B'],
    ],
  },
  ...more,
})

const published = (payload: string, more: Partial<LoggedMessage> = {}): LoggedMessage => ({
  channel: CHANNEL,
  payload,
  ...more,
})

async function messagesIn(client: Redis, stream = STREAM): Promise<string[]> {
  return (await client.xrange(stream, '-', '+')).map(([, fields]) => fields[1]!)
}

async function groupsOf(client: Redis, stream = STREAM): Promise<string[]> {
  const groups = (await client.xinfo('GROUPS', stream).catch(() => [])) as (string | number)[][]
  return groups.map(([, name]) => String(name))
}

describe('an entry of a stream', () => {
  it('has the fields in their order, and a binary payload survives', async () => {
    const { events } = await logOn(redis.url)
    const octets = Uint8Array.from({ length: 256 }, (_, i) => i)
    await events.publish([entryOf(octets)])
    const [[, fields]] = (await outside.xrangeBuffer(STREAM, '-', '+')) as unknown as [[Buffer, Buffer[]]]
    expect(fields.map(String).filter((_, i) => i !== 1)).toEqual(['message', '_class', 'a.B'])
    expect([...fields[1]!]).toEqual([...octets])
  })

  it('is one of about so many', async () => {
    const { events } = await logOn(redis.url)
    const entry = { ...entryOf('x').entry!, maxLength: 200 }
    for (let i = 0; i < 10; i++)
      await Promise.all(Array.from({ length: 100 }, () => events.publish([entryOf('x', { entry })])))
    expect(await outside.xlen(STREAM)).toBeGreaterThanOrEqual(200)
    expect(await outside.xlen(STREAM)).toBeLessThan(400)
  })

  it('has its place in what was published before and after', async () => {
    const { bus, events, recorder } = await logOn(redis.url)
    await bus.subscribe(CHANNEL)
    await bus.psubscribe('__keyspace@0__:*')
    await outside.config('SET', 'notify-keyspace-events', 'Kt')
    const done: Promise<unknown>[] = []
    for (let i = 0; i < 20; i++) {
      done.push(bus.publish(CHANNEL, `${i}`))
      done.push(events.publish([entryOf(`${i}`)]))
      if (i % 7 === 6) await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(done)
    await recorder.untilReceived(40)
    expect(recorder.texts()).toEqual(Array.from({ length: 20 }, (_, i) => [`${i}`, 'xadd']).flat())
    await outside.config('SET', 'notify-keyspace-events', '')
    expect(await messagesIn(outside)).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`))
  })

  it('is in its order also when Redis forgets the script', async () => {
    const { events } = await logOn(redis.url)
    const done: Promise<void>[] = []
    for (let i = 0; i < 60; i++) {
      if (i % 20 === 0) await outside.script('FLUSH')
      done.push(events.publish([entryOf(`${i}`)]))
      if (i % 5 === 4) await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(done)
    expect(await messagesIn(outside)).toEqual(Array.from({ length: 60 }, (_, i) => `${i}`))
  })

  it('begins with the key prefix, and so does its group', async () => {
    const { events } = await logOn(redis.url, ['G'], { keyPrefix: 'p:' })
    expect(await groupsOf(outside, `p:${STREAM}`)).toEqual(['G'])
    await events.publish([entryOf('x')])
    expect(await outside.keys('*')).toEqual([`p:${STREAM}`])
  })

  it('is added once under one name', async () => {
    const { events } = await logOn(redis.url)
    await events.publish([entryOf('a', { once: 'x' })])
    await events.publish([entryOf('a', { once: 'x' })])
    await events.publish([entryOf('b', { once: 'y' }), published('c', { once: 'x' })])
    expect(await messagesIn(outside)).toEqual(['a', 'b'])
  })

  it('is refused where something else has the name, and may then be tried again', async () => {
    const { events } = await logOn(redis.url, [])
    await outside.set(STREAM, 'x')
    await expect(events.publish([entryOf('a', { once: 'x' })])).rejects.toThrow(BusRefusedError)
    await outside.del(STREAM)
    await events.publish([entryOf('a', { once: 'x' })])
    expect(await messagesIn(outside)).toEqual(['a'])
  })

  it('is refused while Redis has no memory', async () => {
    const { events } = await logOn(redis.url)
    await outside.config('SET', 'maxmemory', '1')
    await expect(events.publish([entryOf('a')])).rejects.toThrow(BusUnavailableError)
    await outside.config('SET', 'maxmemory', '0')
    await events.publish([entryOf('a')])
    expect(await messagesIn(outside)).toEqual(['a'])
  })
})

describe('entries and messages together', () => {
  const target = { destination: '/topic/a', size: 5, ttlSeconds: 100 }

  it('take effect in one step', async () => {
    const { bus, events, recorder } = await logOn(redis.url)
    await bus.subscribe(CHANNEL)
    await events.publish([
      published('1'),
      entryOf('2'),
      published('{"text":"3"}', { target }),
      entryOf('4', { channel: 'OTHER' }),
      published('5'),
    ])
    await recorder.untilReceived(3)
    expect(recorder.texts().map((text) => text.slice(0, 11))).toEqual(['1', '{"text":"3"', '5'])
    expect(await messagesIn(outside)).toEqual(['2'])
    expect(await messagesIn(outside, 'OTHER')).toEqual(['4'])
    expect(await groupsOf(outside, 'OTHER')).toEqual(['G'])
  })

  it.each<[string, (client: Redis) => Promise<unknown>, (client: Redis) => Promise<unknown>]>([
    ['memory', (client) => client.config('SET', 'maxmemory', '1'), (client) => client.config('SET', 'maxmemory', '0')],
    ['a stream of that name', (client) => client.set('OTHER', 'x'), (client) => client.del('OTHER')],
  ])('have none where there is no %s for one of them', async (_, take, give) => {
    const { bus, events, recorder } = await logOn(redis.url)
    await bus.subscribe(CHANNEL)
    await take(outside)
    const all = [
      published('1', { once: 'x' }),
      entryOf('2'),
      published('{"text":"3"}', { target }),
      entryOf('4', { channel: 'OTHER' }),
    ]
    await expect(events.publish(all)).rejects.toThrow()
    await give(outside)
    expect(await outside.xlen(STREAM)).toBe(0)
    await events.publish(all)
    await recorder.untilReceived(2)
    expect(recorder.texts().map((text) => text.slice(0, 11))).toEqual(['1', '{"text":"3"'])
    expect(await messagesIn(outside)).toEqual(['2'])
  })

  it('have none where the access rules forbid one of them, as far as Redis can tell', async () => {
    const rules = ['+@all', `~${STREAM}`, '~stomp-bridge:*', 'resetchannels', '&stomp-bridge:*', '&GREETING']
    await outside.acl('SETUSER', 'bridge', 'on', '>pw', ...rules)
    const { bus, events, recorder } = await logOn(`redis://bridge:pw@127.0.0.1:${redis.port}`)
    await bus.subscribe(CHANNEL)
    const forbidden = [entryOf('x', { channel: 'OTHER' }), published('x', { channel: 'SECRET' })]
    for (const each of forbidden) {
      await expect(events.publish([entryOf('2'), each])).rejects.toThrow(BusRefusedError)
      await expect(events.publish([each])).rejects.toThrow(BusRefusedError)
    }
    await expect(events.publish([published('1'), forbidden[0]!])).rejects.toThrow(BusRefusedError)
    // Older ones say only afterwards that a channel is forbidden.
    const isTold = Number(/redis_version:(\d+)/.exec(await outside.info('server'))?.[1]) >= 7
    if (isTold) await expect(events.publish([published('1'), forbidden[1]!])).rejects.toThrow(BusRefusedError)
    expect(await outside.xlen(STREAM)).toBe(0)
    await events.publish([published('end')])
    await recorder.untilReceived(1)
    expect(recorder.texts()).toEqual(['end'])
  })
})

describe('a Redis that allows no more than it must', () => {
  // As docs/operations.md says.
  const RIGHTS = ['+eval', '+evalsha', '+script|load', '+xadd', '+xgroup|create', '+xinfo|groups', '+xdel', '+exists']
  const BEFORE_7 = RIGHTS.map((right) => (/\|/.test(right) ? right.replace(/\|.*/, '') : right))

  it('takes entries, and has their groups', async () => {
    const isOld = Number(/redis_version:(\d+)/.exec(await outside.info('server'))?.[1]) < 7
    const rules = [
      'resetchannels',
      '&stomp-bridge:*',
      `~${STREAM}`,
      '-@all',
      '+subscribe',
      '+publish',
      '+ping',
      '+role',
    ]
    await outside.acl('SETUSER', 'small', 'on', '>pw', ...rules, ...(isOld ? BEFORE_7 : RIGHTS))
    const { events, log } = await logOn(`redis://small:pw@127.0.0.1:${redis.port}`)
    expect(await groupsOf(outside)).toEqual(['G'])
    await outside.flushall()
    await events.publish([entryOf('a'), entryOf('b')])
    expect(await groupsOf(outside)).toEqual(['G'])
    expect(await messagesIn(outside)).toEqual(['a', 'b'])
    expect(log.entries.filter(({ level }) => level === 'warn')).toEqual([])
  })
})

describe('the consumer groups of a stream', () => {
  it('are there as soon as Redis is, and read from the first entry on', async () => {
    await outside.xadd(STREAM, '*', 'message', 'earlier')
    const { events } = await logOn(redis.url, ['G', 'H'])
    expect(await groupsOf(outside)).toEqual(['G', 'H'])
    await events.publish([entryOf('later')])
    const read = (await outside.xreadgroup('GROUP', 'H', 'me', 'STREAMS', STREAM, '>')) as [
      string,
      [string, string[]][],
    ][]
    expect(read[0]![1].map(([, fields]) => fields[1])).toEqual(['earlier', 'later'])
  })

  it('are there with the first entry after a flush, on the same connection', async () => {
    const { events } = await logOn(redis.url)
    for (let round = 0; round < 3; round++) {
      const done = Array.from({ length: 50 }, (_, i) => events.publish([entryOf(`${i}`)]))
      await outside.flushall()
      await Promise.all(done)
      await events.publish([entryOf('end')])
      expect(await groupsOf(outside)).toEqual(['G'])
      const read = (await outside.xreadgroup('GROUP', 'G', 'me', 'STREAMS', STREAM, '>')) as [
        string,
        [string, string[]][],
      ][]
      expect(read[0]![1].map(([, fields]) => fields[1])).toEqual(await messagesIn(outside))
    }
  })

  it('come back after a flush although nothing is sent, or others have begun the stream anew', async () => {
    await logOn(redis.url, ['G'], IMPATIENT)
    await outside.flushall()
    await eventually(async () => expect(await groupsOf(outside)).toEqual(['G']))
    await outside.del(STREAM)
    await outside.xadd(STREAM, '*', 'message', 'x')
    await eventually(async () => expect(await groupsOf(outside)).toEqual(['G']))
  })

  it('make no errors in Redis', async () => {
    await outside.config('RESETSTAT')
    await logOn(redis.url, ['G'], IMPATIENT)
    await logOn(redis.url, ['G'], IMPATIENT)
    await eventually(async () =>
      expect(Number(/cmdstat_evalsha:calls=(\d+)/.exec(await outside.info('commandstats'))?.[1])).toBeGreaterThan(5),
    )
    expect(await outside.info('errorstats')).not.toMatch(/errorstat_(BUSYGROUP|ERR)/)
  })

  it('come back with a new connection, also to a Redis that has lost everything', async () => {
    const own = await redisForTest()
    const { recorder } = await logOn(own.url)
    await own.crash()
    await recorder.untilAway()
    await own.restart()
    await recorder.untilAvailable()
    expect(await groupsOf(await own.client())).toEqual(['G'])
  })

  it('that Redis refuses are logged once, and when it takes them', async () => {
    await outside.set(STREAM, 'x')
    const { log } = await logOn(redis.url, ['G'], IMPATIENT)
    const about = (message: string) => log.entries.filter((entry) => entry.message === message)
    await eventually(() => expect(about('Redis refuses the consumer groups of a stream')).toHaveLength(1))
    await outside.del(STREAM)
    await eventually(() => expect(about('The consumer groups of a stream are there')).toHaveLength(1))
    expect(about('Redis refuses the consumer groups of a stream')).toMatchObject([
      { level: 'warn', fields: { stream: STREAM, error: expect.stringContaining('WRONGTYPE') } },
    ])
  })
})
