/** What the bus on Redis does when Redis, or the way to it, fails; on a real Redis. */
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Redis } from 'ioredis'
import { BusRefusedError, BusUnavailableError } from '../../src/bus/bus.ts'
import { startRedis, type RedisServer, type RedisServerOptions } from '../support/redis.ts'
import { startProxy } from './proxy.ts'
import { startBus, type StartedBus } from './support.ts'

/** Finds a dead connection soon. */
const IMPATIENT = { commandTimeoutMs: 300, probeIntervalMs: 200 }
const DETECTED_WITHIN_MS = IMPATIENT.commandTimeoutMs + IMPATIENT.probeIntervalMs
/** For a busy machine. */
const SLACK_MS = 1500
const FROM_OLDEST = { from: { kind: 'oldest' }, maxEntries: 1, maxLength: 1 } as const

const unhandled: unknown[] = []
const note = (error: unknown) => void unhandled.push(error)
beforeAll(() => void process.on('unhandledRejection', note))
afterAll(() => {
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})
afterEach(() => new Promise((resolve) => setImmediate(resolve))) // a rejection is told a turn late

async function start(options?: RedisServerOptions): Promise<RedisServer> {
  const redis = await startRedis(options)
  onTestFinished(() => redis.stop())
  return redis
}

function bus(...args: Parameters<typeof startBus>): StartedBus {
  const started = startBus(...args)
  onTestFinished(() => started.bus.close())
  return started
}

/** How a promise ended, and after how many milliseconds. */
async function outcomeOf(promise: Promise<unknown>): Promise<{ error: unknown; afterMs: number }> {
  const startedAt = performance.now()
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { error, afterMs: performance.now() - startedAt }
}

async function killConnection(client: Redis, role: 'publisher' | 'subscriber'): Promise<void> {
  const list = (await client.client('LIST')) as string
  const line = list.split('\n').find((each) => new RegExp(` name=stomp-bridge-\\w+-${role} `).test(each))
  await client.client('KILL', 'ID', /id=(\d+)/.exec(line ?? '')![1]!)
}

describe('RedisBus', () => {
  it('starts without Redis: refuses what is published, and goes live when Redis comes', async () => {
    const redis = await start()
    await redis.stop()
    const { bus: subject, recorder } = bus(redis.url)
    const live = Promise.all([subject.subscribe('a'), subject.psubscribe('b*')])
    let isLive = false
    void live.then(() => (isLive = true))
    await recorder.until(() => /ECONNREFUSED/.test(recorder.reasons.at(-1) ?? ''))
    for (const refused of [subject.publish('a', 'x'), subject.publishAll([{ channel: 'a', payload: 'x' }])]) {
      await expect(refused).rejects.toThrow(BusUnavailableError)
      await expect(refused).rejects.toThrow(/^no connection to Redis at 127\.0\.0\.1:\d+: .*ECONNREFUSED/)
    }
    expect(subject.unavailableReason).toContain('ECONNREFUSED')
    expect(isLive).toBe(false)
    await redis.restart()
    await live
    await recorder.untilAvailable()
    expect(subject.unavailableReason).toBeUndefined()
    await Promise.all([subject.publish('a', '1'), subject.publish('b', '2')])
    await recorder.untilReceived(2)
    expect(recorder.lines()).toEqual(['a: 1', 'b: 2 (b*)'])
    expect(recorder.changes()).toEqual(['away', 'available'])
  })

  it('survives a Redis that stops and starts: tells each change once, and is subscribed again before it says so', async () => {
    const redis = await start()
    const outside = await redis.client()
    const { bus: subject, recorder, log } = bus(redis.url)
    await recorder.untilAvailable()
    await Promise.all([subject.subscribe('a'), subject.psubscribe('b*')])
    // When it says so, others may publish, and it arrives.
    recorder.onReason = (reason) => {
      if (reason === undefined) void outside.publish('a', 'right after').then(() => outside.publish('b', 'and then'))
    }
    for (let round = 1; round <= 3; round++) {
      await redis.crash()
      await recorder.untilAway()
      await expect(subject.publish('a', 'lost')).rejects.toThrow(BusUnavailableError)
      const later = subject.subscribe(`later-${round}`)
      await redis.restart()
      await recorder.untilAvailable()
      await later
      await recorder.until(() => recorder.received.length === 2 * round)
      await subject.publish(`later-${round}`, '')
      await recorder.until(() => recorder.received.at(-1)?.channel === `later-${round}`)
      recorder.received.pop()
    }
    expect(recorder.lines()).toEqual(Array.from({ length: 3 }, () => ['a: right after', 'b: and then (b*)']).flat())
    expect(recorder.changes()).toEqual([
      'away',
      ...Array.from({ length: 3 }, () => ['available', 'away']).flat(),
      'available',
    ])
    // Never the same twice in a row; a reason may become another.
    expect(recorder.reasons.filter((reason, i) => i > 0 && reason === recorder.reasons[i - 1])).toEqual([])
    expect(log.messages('info')).toEqual(Array.from({ length: 4 }, () => 'Redis is connected and subscribed'))
    expect(log.messages('error')).toEqual(Array.from({ length: 3 }, () => 'Redis is away'))
  })

  it('subscribes thousands of channels again, but not what was given up meanwhile', async () => {
    const redis = await start()
    const { bus: subject, recorder } = bus(redis.url)
    const names = Array.from({ length: 1800 }, (_, i) => `c${i}`)
    await Promise.all([
      ...names.map((name) => subject.subscribe(name)),
      subject.psubscribe('p*'),
      subject.psubscribe('q*'),
    ])
    await redis.crash()
    await recorder.untilAway()
    subject.unsubscribe('c0')
    subject.punsubscribe('q*')
    await redis.restart()
    await recorder.untilAvailable()
    await Promise.all([...names, 'p1', 'q1'].map((name) => subject.publish(name, '')))
    await recorder.untilReceived(1800)
    expect(recorder.received.map(({ channel }) => channel)).toEqual([...names.slice(1), 'p1'])
  })

  it('does not subscribe again what is given up while it subscribes the rest', async () => {
    const redis = await start()
    await redis.stop()
    const { bus: subject, recorder } = bus(redis.url)
    const names = Array.from({ length: 1800 }, (_, i) => `c${i}`)
    const [first] = names.map((name) => subject.subscribe(name))
    void subject.psubscribe('p*')
    // The first batch is confirmed, the last is not out yet.
    void first!.then(() => {
      subject.unsubscribe('c1799')
      subject.punsubscribe('p*')
    })
    await redis.restart()
    await recorder.untilAvailable()
    await subject.subscribe('barrier')
    const outside = await redis.client()
    expect(await outside.pubsub('NUMSUB', 'c1798', 'c1799')).toEqual(['c1798', 1, 'c1799', 0])
    expect(await outside.pubsub('NUMPAT')).toBe(0)
  })

  it('finds a Redis that hangs, rejects what waits for it, and goes on when it wakes', async () => {
    const redis = await start()
    const { bus: subject, recorder } = bus(redis.url, IMPATIENT)
    await recorder.untilAvailable()
    await subject.subscribe('a')
    await subject.publish('a', 'before')
    await recorder.untilReceived(1)
    redis.pause()
    const waiting = [
      outcomeOf(subject.publish('a', 'lost')),
      outcomeOf(subject.publish('a', 'lost')),
      outcomeOf(subject.publishAll([{ channel: 'a', payload: 'lost' }])),
    ]
    const later = subject.subscribe('later')
    for (const { error, afterMs } of await Promise.all(waiting)) {
      expect(error).toBeInstanceOf(BusUnavailableError)
      expect((error as Error).message).not.toMatch(/maxRetries/i)
      expect(afterMs).toBeLessThan(DETECTED_WITHIN_MS + SLACK_MS)
    }
    await recorder.untilAway()
    expect(recorder.reasons.at(-1)).toMatch(/no answer within 300 ms|timeout/i)
    const refused = await outcomeOf(subject.publish('a', 'refused'))
    expect(refused.error).toBeInstanceOf(BusUnavailableError)
    expect(refused.afterMs).toBeLessThan(SLACK_MS)
    redis.resume()
    await recorder.untilAvailable()
    await later
    // What was on its way may come late; what is published now has to.
    await Promise.all([subject.publish('later', '1'), subject.publish('a', '2')])
    await recorder.until(() => recorder.lines().slice(-2).join() === 'later: 1,a: 2')
    expect(recorder.texts('a')).not.toContain('refused')
  })

  it('bounds how long anything waits for a Redis that hangs, however seldom it probes', async () => {
    const redis = await start()
    const { commandTimeoutMs } = IMPATIENT
    const { bus: subject, recorder, log } = bus(redis.url, { commandTimeoutMs, probeIntervalMs: 60_000 })
    await recorder.untilAvailable()
    await subject.subscribe('a')
    await subject.publish('a', 'before')
    redis.pause()
    const waiting = [subject.publish('a', 'lost'), subject.publishAll([{ channel: 'a', payload: 'lost' }])]
    const stored = [subject.commands.send('GET', 'key'), subject.log.read('/topic/a', FROM_OLDEST)]
    const later = subject.subscribe('later')
    for (const { error, afterMs } of await Promise.all([...waiting, ...stored].map(outcomeOf))) {
      expect(error).toBeInstanceOf(BusUnavailableError)
      expect(afterMs).toBeGreaterThanOrEqual(commandTimeoutMs)
      expect(afterMs).toBeLessThan(commandTimeoutMs + SLACK_MS)
    }
    expect(subject.unavailableReason).toMatch(/no answer within 300 ms/)
    redis.resume()
    await Promise.all([recorder.untilAvailable(), later])
    expect(log.messages('error')).toEqual(['Redis is away'])
    await subject.publish('later', 'after')
    await recorder.until(() => recorder.texts('later').includes('after'))
  })

  it('waits for an answer as long as parts of it come', async () => {
    const redis = await start()
    const proxy = await startProxy(redis.port)
    onTestFinished(() => proxy.close())
    const { commandTimeoutMs } = IMPATIENT
    const { bus: subject, recorder } = bus(proxy.url, { commandTimeoutMs, probeIntervalMs: 60_000 })
    await recorder.untilAvailable()
    const large = 'x'.repeat(40_000)
    await subject.commands.send('SET', 'large', large)
    proxy.slowDown(1000, 30)
    const startedAt = performance.now()
    expect(await subject.commands.send('GET', 'large')).toBe(large)
    expect(performance.now() - startedAt).toBeGreaterThan(2 * commandTimeoutMs)
    expect(recorder.changes()).toEqual(['away', 'available'])
  })

  it('finds out by itself, with nothing published, that Redis hangs', async () => {
    const redis = await start()
    const { recorder } = bus(redis.url, IMPATIENT)
    await recorder.untilAvailable()
    redis.pause()
    const { afterMs } = await outcomeOf(recorder.untilAway())
    expect(afterMs).toBeLessThan(DETECTED_WITHIN_MS + SLACK_MS)
    redis.resume()
    await recorder.untilAvailable()
  })

  it.each(['subscriber', 'publisher'] as const)(
    'finds a %s that went silent while the other works, and mends it',
    async (role) => {
      const redis = await start()
      const proxy = await startProxy(redis.port)
      onTestFinished(() => proxy.close())
      const outside = await redis.client()
      const { bus: subject, recorder } = bus(proxy.url, IMPATIENT)
      await recorder.untilAvailable()
      await subject.subscribe('a')
      proxy.silence(role)
      const published = outcomeOf(subject.publish('a', 'meanwhile'))
      const { afterMs } = await outcomeOf(recorder.untilAway())
      expect(afterMs).toBeLessThan(DETECTED_WITHIN_MS + SLACK_MS)
      expect((await published).error === undefined).toBe(role === 'subscriber')
      await recorder.untilAvailable()
      await outside.publish('a', 'after')
      await recorder.until(() => recorder.texts().includes('after'))
      await subject.publish('a', 'last')
      await recorder.until(() => recorder.texts().includes('last'))
      expect(recorder.texts().filter((text) => text === 'after')).toHaveLength(1)
    },
  )

  it.each(['subscriber', 'publisher'] as const)(
    'reconnects a %s that was killed, and is unavailable meanwhile',
    async (role) => {
      const redis = await start()
      const outside = await redis.client()
      const { bus: subject, recorder } = bus(redis.url)
      await recorder.untilAvailable()
      await Promise.all([subject.subscribe('a'), subject.psubscribe('b*')])
      for (let round = 1; round <= 3; round++) {
        if (role === 'subscriber') await outside.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
        else await killConnection(outside, 'publisher')
        await recorder.until(() => recorder.changes().length === 2 + 2 * round)
        await Promise.all([outside.publish('a', `${round}`), subject.publish('b', `${round}`)])
        await recorder.untilReceived(2 * round)
      }
      expect(recorder.changes()).toEqual([
        'away',
        'available',
        ...Array.from({ length: 3 }, () => ['away', 'available']).flat(),
      ])
      expect(recorder.lines().sort()).toEqual(['a: 1', 'a: 2', 'a: 3', 'b: 1 (b*)', 'b: 2 (b*)', 'b: 3 (b*)'])
    },
  )

  it('rejects what was not answered when the connection was killed, sends nothing twice, and goes on', async () => {
    const redis = await start()
    const outside = await redis.client()
    const { bus: subject, recorder } = bus(redis.url)
    await recorder.untilAvailable()
    await subject.subscribe('a')
    const outcomes: Promise<{ error: unknown }>[] = []
    let killed: Promise<void> | undefined
    // Goes on until the connection is lost, so that something is always on its way.
    for (let i = 0; subject.unavailableReason === undefined; i++) {
      for (let n = 0; n < 50; n++) outcomes.push(outcomeOf(subject.publish('a', `${i}.${n}`)))
      if (i === 10) killed = killConnection(outside, 'publisher')
      await new Promise((resolve) => setImmediate(resolve))
    }
    await killed
    // Every one of them is settled, one way or the other.
    const errors = (await Promise.all(outcomes)).map(({ error }) => error)
    for (const error of errors) if (error !== undefined) expect(error).toBeInstanceOf(BusUnavailableError)
    expect(errors.slice(0, 50)).toEqual(Array.from({ length: 50 }, () => undefined))
    expect(errors.at(-1)).toBeDefined()
    await recorder.untilAvailable()
    await subject.publish('a', 'after')
    await recorder.until(() => recorder.texts().includes('after'))
    const texts = recorder.texts()
    expect(texts).toHaveLength(new Set(texts).size)
    expect(texts.length).toBeGreaterThan(errors.filter((error) => error === undefined).length)
  })

  it('keeps two buses on one Redis in step: each gets what either publishes, once and in order', async () => {
    const redis = await start()
    const [one, other] = [bus(redis.url), bus(redis.url)]
    await Promise.all([one.recorder.untilAvailable(), other.recorder.untilAvailable()])
    await Promise.all([one.bus.subscribe('a'), other.bus.subscribe('a'), other.bus.psubscribe('b*')])
    const texts = Array.from({ length: 200 }, (_, i) => `${i}`)
    await Promise.all(texts.map((text) => one.bus.publish('a', text)))
    await Promise.all(texts.map((text) => one.bus.publish('b', text)))
    await Promise.all([one.recorder.untilReceived(200), other.recorder.untilReceived(400)])
    expect(one.recorder.texts('a')).toEqual(texts)
    expect(other.recorder.texts('a')).toEqual(texts)
    expect(other.recorder.texts('b')).toEqual(texts)
  })

  it('keeps buses with different key prefixes apart, whatever is in them', async () => {
    const redis = await start()
    const prefixes = ['', 'p:', '*', '?:', '[p]:', 'p\\', 'é:']
    const buses = prefixes.map((keyPrefix) => bus(redis.url, { keyPrefix }))
    await Promise.all(buses.map(({ recorder }) => recorder.untilAvailable()))
    await Promise.all(buses.flatMap(({ bus: each }) => [each.subscribe('a'), each.psubscribe('b:*')]))
    for (const [i, { bus: each }] of buses.entries())
      await Promise.all([each.publish('a', prefixes[i]!), each.publish('b:1', prefixes[i]!)])
    await Promise.all(buses.map(({ recorder }) => recorder.untilReceived(2)))
    for (const [i, { recorder }] of buses.entries()) {
      expect(recorder.lines()).toEqual([`a: ${prefixes[i]}`, `b:1: ${prefixes[i]} (b:*)`])
    }
  })

  it.each([
    ['in the URL', (port: number) => ({ url: `redis://:wr0ng-s3cret@127.0.0.1:${port}` })],
    ['of its own', (port: number) => ({ url: `redis://127.0.0.1:${port}`, password: 'wr0ng-s3cret' })],
    ['with a user', (port: number) => ({ url: `redis://ann:wr0ng-s3cret@127.0.0.1:${port}` })],
  ])('says that a wrong password %s was refused, and nowhere which', async (_name, optionsFor) => {
    const redis = await start({ requirepass: 'r1ght-s3cret' })
    const { url, ...options } = optionsFor(redis.port)
    const { bus: subject, recorder, log } = bus(url, options)
    await recorder.until(() => /WRONGPASS/.test(recorder.reasons.at(-1) ?? ''))
    const { error } = await outcomeOf(subject.publish('a', 'x'))
    expect(error).toBeInstanceOf(BusUnavailableError)
    const told = inspect([recorder.reasons, log.entries, error, subject.description], { depth: 20 })
    expect(told).toContain('WRONGPASS')
    expect(told).not.toContain('s3cret')
    expect(recorder.changes()).toEqual(['away'])
  })

  it('says that a password is missing', async () => {
    const redis = await start({ requirepass: 's3cret' })
    const { recorder } = bus(`redis://127.0.0.1:${redis.port}`)
    await recorder.until(() => /NOAUTH/.test(recorder.reasons.at(-1) ?? ''))
  })

  it('takes the right password from the URL', async () => {
    const redis = await start({ requirepass: 's/cr@t' })
    const { bus: subject, recorder } = bus(redis.url)
    await recorder.untilAvailable()
    expect(subject.description).toBe(`Redis at 127.0.0.1:${redis.port}`)
  })

  it('rejects a subscription that the access rules of Redis forbid, and keeps the others, also after a reconnect', async () => {
    const redis = await start()
    const outside = await redis.client()
    await outside.acl('SETUSER', 'bridge', 'on', '>pw', '+@all', 'resetchannels', '&stomp-bridge:*', '&free*')
    const { bus: subject, recorder } = bus(`redis://bridge:pw@127.0.0.1:${redis.port}`)
    await recorder.untilAvailable()
    await Promise.all([subject.subscribe('free-1'), subject.psubscribe('free*')])
    await expect(subject.subscribe('forbidden')).rejects.toThrow(BusRefusedError)
    await expect(subject.psubscribe('forbidden*')).rejects.toThrow(BusRefusedError)
    // Now it is forbidden only when everything is subscribed again.
    await outside.acl('SETUSER', 'bridge', 'resetchannels', '&stomp-bridge:*', '&free*', '&once')
    await subject.subscribe('once')
    await outside.acl('SETUSER', 'bridge', 'resetchannels', '&stomp-bridge:*', '&free*')
    await recorder.until(() => recorder.changes().length >= 4)
    await recorder.untilAvailable()
    await outside.publish('free-1', '1')
    await outside.publish('free-2', '2')
    await recorder.untilReceived(3)
    expect(recorder.lines()).toEqual(['free-1: 1', 'free-1: 1 (free*)', 'free-2: 2 (free*)'])
  })

  it('works where the access rules forbid its probe, and says that once', async () => {
    const redis = await start()
    const outside = await redis.client()
    await outside.acl('SETUSER', 'bridge', 'on', '>pw', '+@all', 'resetchannels', '&a')
    const { bus: subject, recorder, log } = bus(`redis://bridge:pw@127.0.0.1:${redis.port}`, IMPATIENT)
    await recorder.untilAvailable()
    await subject.subscribe('a')
    await outside.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await recorder.until(() => recorder.changes().length === 4)
    await outside.publish('a', '1')
    await recorder.untilReceived(1)
    expect(log.messages('warn').filter((message) => /probe/.test(message))).toHaveLength(1)
  })

  it('leaves no connection and no timer after close, also while Redis is away', async () => {
    const redis = await start()
    const outside = await redis.client()
    const [present, away] = [bus(redis.url), bus('redis://127.0.0.1:1')]
    await Promise.all([present.recorder.untilAvailable(), away.recorder.until(() => away.recorder.reasons.length > 1)])
    const pending = away.bus.subscribe('a')
    await Promise.all([present.bus.close(), away.bus.close()])
    await expect(pending).rejects.toThrow(BusUnavailableError)
    const told = [present.recorder.reasons.length, away.recorder.reasons.length]
    for (;;) {
      const list = (await outside.client('LIST')) as string
      if (!list.includes('stomp-bridge-')) break
    }
    expect([present.recorder.reasons.length, away.recorder.reasons.length]).toEqual(told)
  })
})
