import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BusRefusedError } from '../../src/bus/bus.ts'
import { numberOf, type LogTarget } from '../../src/history/log.ts'
import { RECORDED_CHANNEL } from '../../src/history/channels.ts'
import { Recorder } from '../bus/recorder.ts'
import { logContract } from '../history/contract.ts'
import { enqueueContract } from '../history/enqueue-contract.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { busForTest, redisForTest, startBus } from './support.ts'

let redis: RedisServer
let outside: Redis
beforeAll(async () => {
  redis = await startRedis()
  outside = await redis.client()
})
afterAll(() => redis.stop())

for (const keyPrefix of ['', 'p{x}:']) {
  logContract(keyPrefix === '' ? 'RedisLog' : 'RedisLog with a key prefix', async () => {
    await outside.flushall()
    const recorder = new Recorder()
    const { bus } = startBus(redis.url, { keyPrefix }, { recorder })
    await recorder.untilAvailable()
    return {
      bus,
      log: bus.log,
      recorder,
      expire: (destination) => outside.del(`${keyPrefix}stomp-bridge:history:{${destination}}:log`),
      stop: () => bus.close(),
    }
  })
}

enqueueContract('RedisLog', async () => {
  const recorder = new Recorder()
  const { bus } = startBus(redis.url, {}, { recorder })
  await recorder.untilAvailable()
  return {
    bus,
    log: bus.log,
    recorder,
    entries: async (stream) => {
      const entries = await outside.xrange(stream, '-', '+')
      return entries.map(([, fields]) =>
        Object.fromEntries(fields.flatMap((name, i) => (i % 2 ? [] : [[name, fields[i + 1]!]]))),
      )
    },
    removeOldest: async (stream) => outside.xdel(stream, (await outside.xrange(stream, '-', '+', 'COUNT', 1))[0]![0]),
    stop: () => bus.close(),
  }
})

describe('a log in Redis', () => {
  it('adds nothing to a queue whose name something else has, and says so', async () => {
    const recorder = new Recorder()
    const { bus } = busForTest(redis.url, {}, { recorder })
    await recorder.untilAvailable()
    await bus.subscribe('topic')
    await outside.set('queue:text', 'x')
    const entry = { maxLength: 3, isQueue: true, groups: [], fields: [['body', undefined] as const] }
    const together = [
      { channel: 'topic', payload: 'unheard' },
      { channel: 'queue:good', payload: 'x', entry, once: 'good' },
      { channel: 'queue:text', payload: 'x', entry },
    ]
    await expect(bus.log.publish(together)).rejects.toBeInstanceOf(BusRefusedError)
    expect([await outside.exists('queue:good'), await outside.get('queue:text')]).toEqual([0, 'x'])
    await bus.log.publish(together.slice(0, 2))
    await recorder.untilReceived(1)
    expect(await outside.xlen('queue:good')).toBe(1)
  })

  const CHANNEL = 'BROADCAST'

  async function logOn(url: string, options: Parameters<typeof busForTest>[1] = {}, nodeId?: string) {
    const recorder = new Recorder()
    const { bus } = busForTest(url, options, { recorder, ...(nodeId === undefined ? {} : { nodeId }) })
    await recorder.untilAvailable()
    return { bus, log: bus.log, recorder }
  }

  let destinations = 0
  const newTarget = (): LogTarget => ({ destination: `/topic/${++destinations}`, size: 5, ttlSeconds: 100 })
  const message = (text: string, target: LogTarget) => ({ channel: CHANNEL, payload: JSON.stringify({ text }), target })
  const all = { from: { kind: 'oldest' }, maxEntries: 1000, maxLength: 1_000_000 } as const
  const textsOf = (page: { readonly entries: readonly { readonly payload: string }[] } | undefined): string[] =>
    page?.entries.map(({ payload }) => (JSON.parse(payload) as { text: string }).text) ?? []

  it('lets every key expire', async () => {
    await outside.flushall()
    const { log } = await logOn(redis.url)
    await log.begin()
    const target = newTarget()
    await log.publish([{ ...message('a', target), once: 'x' }])
    await log.record(CHANNEL, target, [{ payload: '{"text":"b"}', source: 's' }], 0)
    await log.clear(target.destination, 100)
    await log.publish([message('a', newTarget())])
    await log.read('/topic/asked', { ...all, beginForSeconds: 100 })
    const keys = await outside.keys('*')
    expect(keys.length).toBeGreaterThan(5)
    for (const key of keys) expect([key, (await outside.pttl(key)) > 0]).toEqual([key, true])
  })

  it('asking renews nothing', async () => {
    const { log } = await logOn(redis.url)
    const target = newTarget()
    await log.publish([message('a', target)])
    const keys = ['log', 'position'].map((name) => `stomp-bridge:history:{${target.destination}}:${name}`)
    for (const key of keys) await outside.pexpire(key, 50_000)
    await log.read(target.destination, { ...all, beginForSeconds: 100 })
    for (const key of keys) expect(await outside.pttl(key)).toBeLessThanOrEqual(50_000)
  })

  it('keeps the order of what is published while its script is unknown', async () => {
    const { bus, log, recorder } = await logOn(redis.url)
    await bus.subscribe(CHANNEL)
    const target = { ...newTarget(), size: 1000 }
    for (let round = 0; round < 3; round++) {
      await outside.script('FLUSH')
      const published: Promise<void>[] = []
      for (let i = 0; i < 20; i++) {
        published.push(log.publish([message(`${round}-${i}`, target)]))
        // Some leave in a later write, some while the first refusals are on their way.
        if (i % 5 === 4) await new Promise((resolve) => setImmediate(resolve))
      }
      await Promise.all(published)
    }
    const expected = [0, 1, 2].flatMap((round) => Array.from({ length: 20 }, (_, i) => `${round}-${i}`))
    await recorder.untilReceived(expected.length)
    expect(recorder.texts().map((text) => (JSON.parse(text) as { text: string }).text)).toEqual(expected)
    expect(textsOf(await log.read(target.destination, all))).toEqual(expected)
  })

  it('reads, records and clears although its scripts are unknown', async () => {
    const { log } = await logOn(redis.url)
    const target = newTarget()
    await outside.script('FLUSH')
    await log.record(CHANNEL, target, [{ payload: '{"text":"b"}', source: 's' }], 0)
    await outside.script('FLUSH')
    expect(textsOf(await log.read(target.destination, all))).toEqual(['b'])
    await outside.script('FLUSH')
    await log.clear(target.destination, 100)
    expect(textsOf(await log.read(target.destination, all))).toEqual([])
  })

  it('has another epoch after a flush, and when its position was evicted', async () => {
    const { log } = await logOn(redis.url)
    const target = newTarget()
    const epochs: string[] = []
    const note = async (): Promise<void> => {
      await log.publish([message('a', target)])
      const page = (await log.read(target.destination, all))!
      epochs.push(page.epoch)
      expect(numberOf(page.newest)).toBe(1)
      expect(page.entries).toHaveLength(1)
    }
    await note()
    await outside.flushall()
    await note()
    await outside.del(`stomp-bridge:history:{${target.destination}}:position`)
    await note()
    expect(new Set(epochs).size).toBe(3)
  })

  it('knows how many are missing when its entries were evicted', async () => {
    const { log } = await logOn(redis.url)
    const target = newTarget()
    await log.publish([message('a', target), message('b', target)])
    await outside.del(`stomp-bridge:history:{${target.destination}}:log`)
    const page = (await log.read(target.destination, all))!
    expect([numberOf(page.newest), page.before, page.entries]).toEqual([2, undefined, []])
  })

  it('has another epoch when it has gone back behind what was heard', async () => {
    const { log } = await logOn(redis.url)
    const target = newTarget()
    await log.publish([message('a', target), message('b', target)])
    const { epoch, newest } = (await log.read(target.destination, all))!
    const [time, number] = newest.split('-')
    const position = (offset: string) => ({ ...all, heard: { epoch, offset } })
    expect((await log.read(target.destination, position(newest)))!.epoch).toBe(epoch)
    const ahead = (await log.read(target.destination, position(`${time}-${Number(number) + 1}`)))!
    expect(ahead.epoch).not.toBe(epoch)
    const other = { ...all, heard: { epoch: ahead.epoch, offset: `${Number(time) - 1}-${number}` } }
    expect((await log.read(target.destination, other))!.epoch).not.toBe(ahead.epoch)
    // Who has heard of another epoch changes nothing.
    const last = (await log.read(target.destination, all))!
    expect((await log.read(target.destination, position(`${time}-99`)))!.epoch).toBe(last.epoch)
  })

  it('lets one node record at a time, and never two the same', async () => {
    const first = await logOn(redis.url, {}, 'nodea')
    const second = await logOn(redis.url, {}, 'nodeb')
    const target = newTarget()
    const one = [{ payload: '{"text":"m"}', source: 's' }]
    await second.bus.subscribe(`${RECORDED_CHANNEL}nodeb`)
    expect(await first.log.record(CHANNEL, target, one, 0)).toEqual({ kind: 'recorded', recorded: 1 })
    const held = await second.log.record(CHANNEL, target, one, 0)
    expect(held).toMatchObject({ kind: 'held' })
    expect((held as { forMs: number }).forMs).toBeGreaterThan(0)
    expect((held as { forMs: number }).forMs).toBeLessThanOrEqual(3000)
    await outside.del(`stomp-bridge:history:{${target.destination}}:recorder`)
    // It has not heard of the one that was recorded.
    expect(await second.log.record(CHANNEL, target, one, 0)).toEqual({ kind: 'behind', recorded: 1 })
    await second.recorder.untilReceived(1)
    expect(second.recorder.texts()).toEqual([`1 ${target.destination}`])
    expect(await second.log.record(CHANNEL, target, one, 1)).toEqual({ kind: 'recorded', recorded: 2 })
    expect(textsOf(await first.log.read(target.destination, all))).toEqual(['m', 'm'])
  })

  it('does nothing of what is published together if the access rules forbid a part, where Redis can tell', async () => {
    const own = await redisForTest()
    const admin = await own.client()
    await admin.call(
      'ACL',
      'SETUSER',
      'bridge',
      'on',
      '>secret',
      '~*',
      '+@all',
      'resetchannels',
      `&${CHANNEL}`,
      '&stomp-bridge:*',
    )
    const { log } = await logOn(own.url.replace('redis://', 'redis://bridge:secret@'))
    const target = newTarget()
    const together = log.publish([message('a', target), { channel: 'forbidden', payload: 'x' }])
    await expect(together).rejects.toBeInstanceOf(BusRefusedError)
    const isTold = Number(/redis_version:(\d+)/.exec(await admin.info('server'))![1]) >= 7
    if (isTold) expect(await log.read(target.destination, all)).toBeUndefined()
    await log.publish([message('b', target)])
    expect(textsOf(await log.read(target.destination, all)).at(-1)).toBe('b')
  })

  it('works with the rights that docs/operations.md says', async () => {
    const own = await redisForTest()
    const admin = await own.client()
    const docs = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
    const rights = /`(\+eval \+evalsha \+hmget [^`]+)`/.exec(docs)![1]!.split(/\s+/)
    const plain = ['resetchannels', `&${CHANNEL}`, '&stomp-bridge:*', '~stomp-bridge:*', '-@all']
    await admin.call(
      'ACL',
      'SETUSER',
      'small',
      'on',
      '>pw',
      ...plain,
      '+subscribe',
      '+publish',
      '+ping',
      '+role',
      ...rights,
    )
    const { log, bus, recorder } = await logOn(own.url.replace('redis://', 'redis://small:pw@'))
    await bus.subscribe(CHANNEL)
    const target = newTarget()
    await log.begin()
    await log.publish([message('a', target), { ...message('b', target), once: 'b' }])
    await log.record(CHANNEL, target, [{ payload: '{"text":"c"}', source: 's' }], 0)
    for (const from of [
      { kind: 'before', offset: '9999999999999-9' },
      { kind: 'newest', count: 9 },
    ] as const) {
      expect(textsOf(await log.read(target.destination, { ...all, from }))).toEqual(['a', 'b', 'c'])
    }
    await log.clear(target.destination, 100)
    await recorder.untilReceived(3)
    expect(textsOf(await log.read(target.destination, all))).toEqual([])
  })

  it('keeps nothing of what was refused, and lets it be tried again under its name', async () => {
    const own = await redisForTest()
    const admin = await own.client()
    const { log } = await logOn(own.url)
    const target = newTarget()
    await log.publish([message('a', target)])
    await admin.config('SET', 'maxmemory', '1')
    await expect(log.publish([{ ...message('b', target), once: 'b' }])).rejects.toThrow('OOM')
    await admin.config('SET', 'maxmemory', '0')
    await log.publish([{ ...message('b', target), once: 'b' }])
    expect(textsOf(await log.read(target.destination, all))).toEqual(['a', 'b'])
  })

  it('refuses at once while Redis is away', async () => {
    const own = await redisForTest()
    const { log, recorder } = await logOn(own.url)
    await own.stop()
    await recorder.untilAway()
    await expect(log.publish([message('a', newTarget())])).rejects.toThrow()
    await expect(log.read('/topic/a', all)).rejects.toThrow()
  })
})
