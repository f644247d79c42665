/** What the access rules of Redis withdraw, and give back, while a bus lives; and what is no refusal although Redis says no. */
import type { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BusRefusedError } from '../../src/bus/bus.ts'
import { startProxy } from './proxy.ts'
import { busForTest, IMPATIENT, redisForTest } from './support.ts'

const EVERYTHING = ['on', '>pw', '+@all', '~*']
const OWN_CHANNEL = '&stomp-bridge:*'

async function setUp(...channels: string[]) {
  const redis = await redisForTest()
  const outside = await redis.client()
  const allow = (...names: string[]) =>
    outside.acl('SETUSER', 'bridge', ...EVERYTHING, 'resetchannels', OWN_CHANNEL, ...names)
  await allow(...channels)
  const started = busForTest(`redis://bridge:pw@127.0.0.1:${redis.port}`, IMPATIENT)
  await started.recorder.untilAvailable()
  return { redis, outside, allow, ...started }
}

/** Busy until the function that is returned is called. */
async function makeBusy(outside: Redis, other: Redis): Promise<() => Promise<unknown>> {
  await outside.config('SET', 'lua-time-limit', '1')
  const script = outside.eval('while true do end', 0).catch(() => {})
  for (;;) {
    const answer = await other.publish('x', '').catch((error: Error) => error.message)
    if (typeof answer === 'string' && answer.startsWith('BUSY')) break
  }
  return async () => {
    await other.script('KILL')
    await script
  }
}

describe('the bus on Redis', () => {
  it('asks again for a channel and a pattern whose right was withdrawn, and has them when it is back', async () => {
    const { bus, recorder, outside, allow } = await setUp('&a', '&b*')
    await Promise.all([bus.subscribe('a'), bus.psubscribe('b*')])
    await allow()
    await recorder.until(() => recorder.refusals.length === 2)
    expect(recorder.refusals).toEqual([
      expect.stringMatching(/^channel a: NOPERM /),
      expect.stringMatching(/^pattern b\*: NOPERM /),
    ])
    await recorder.untilAvailable()
    await allow('&a', '&b*')
    await recorder.until(() => recorder.refusals.length === 4)
    expect(recorder.refusals.slice(2)).toEqual(['channel a: taken', 'pattern b*: taken'])
    await outside.publish('a', '1')
    await outside.publish('b1', '2')
    await recorder.untilReceived(2)
    expect(recorder.lines()).toEqual(['a: 1', 'b1: 2 (b*)'])
  })

  it('asks again for what it never had, by itself and whenever somebody asks for it', async () => {
    const { bus, recorder, outside, allow, log } = await setUp()
    for (let i = 0; i < 3; i++) await expect(bus.subscribe('a')).rejects.toThrow(BusRefusedError)
    expect(recorder.refusals).toHaveLength(1)
    expect(log.messages('warn')).toEqual(['Redis refuses a subscription'])
    await allow('&a')
    await bus.subscribe('a')
    await expect(bus.subscribe('b')).rejects.toThrow(BusRefusedError)
    await allow('&a', '&b')
    await recorder.until(() => recorder.refusals.includes('channel b: taken'))
    await outside.publish('b', '1')
    await recorder.untilReceived(1)
  })

  it('asks no more for what was given up while it was refused', async () => {
    const { bus, recorder, outside, allow } = await setUp()
    await expect(bus.subscribe('a')).rejects.toThrow(BusRefusedError)
    await expect(bus.subscribe('b')).rejects.toThrow(BusRefusedError)
    bus.unsubscribe('a')
    await allow('&a', '&b')
    await recorder.until(() => recorder.refusals.includes('channel b: taken'))
    expect(await outside.pubsub('NUMSUB', 'a', 'b')).toEqual(['a', 0, 'b', 1])
    expect(recorder.refusals).not.toContain('channel a: taken')
  })

  it('loses nothing of what is allowed when SUBSCRIBE itself is withdrawn, and has it again after a reconnect', async () => {
    const { bus, recorder, outside } = await setUp('&a')
    await bus.subscribe('a')
    await outside.acl('SETUSER', 'bridge', '-subscribe')
    await outside.publish('a', '1')
    await recorder.untilReceived(1)
    await outside.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await recorder.until(() => recorder.refusals.length === 1)
    await outside.acl('SETUSER', 'bridge', '+subscribe')
    await recorder.until(() => recorder.refusals.length === 2)
    await outside.publish('a', '2')
    await recorder.untilReceived(2)
  })

  it('probes on its own channel again when that is allowed again', async () => {
    const { recorder, outside, allow, log } = await setUp('&a')
    await outside.acl('SETUSER', 'bridge', 'resetchannels', '&a')
    await recorder.until(() => log.messages('warn').some((message) => /probe/.test(message)))
    await recorder.untilAvailable()
    await allow('&a')
    for (;;) {
      const channels = (await outside.pubsub('CHANNELS', 'stomp-bridge:*')) as string[]
      if (channels.length > 0) break
    }
    expect(log.messages('warn').filter((message) => /probe/.test(message))).toHaveLength(1)
  })

  it('is away while its user is switched off, says so in the words of Redis, and comes back', async () => {
    const { bus, recorder, outside } = await setUp('&a')
    await bus.subscribe('a')
    await outside.acl('SETUSER', 'bridge', 'off')
    await outside.call('CLIENT', 'KILL', 'USER', 'bridge')
    await recorder.until(() => /WRONGPASS/.test(recorder.reasons.at(-1) ?? ''))
    await outside.acl('SETUSER', 'bridge', 'on')
    await recorder.untilAvailable()
    await outside.publish('a', '1')
    await recorder.untilReceived(1)
  })

  it('does not take a Redis that is busy for one that refuses: what is asked for meanwhile comes later', async () => {
    const { bus, recorder, redis, outside } = await setUp('&a', '&b*')
    const other = await redis.client()
    const endBusy = await makeBusy(outside, other)
    const live = Promise.all([bus.subscribe('a'), bus.psubscribe('b*')])
    await recorder.until(() => /can do nothing now: BUSY/.test(recorder.reasons.at(-1) ?? ''))
    await endBusy()
    await live
    await recorder.untilAvailable()
    await other.publish('a', '1')
    await other.publish('b', '2')
    await recorder.untilReceived(2)
    expect(recorder.refusals).toEqual([])
    expect(recorder.changes()).toEqual(['away', 'available', 'away', 'available'])
  })

  it('subscribes everything again when it reconnects to a Redis that is busy', async () => {
    const redis = await redisForTest()
    const [outside, other] = [await redis.client(), await redis.client()]
    const proxy = await startProxy(redis.port)
    onTestFinished(() => proxy.close())
    const { bus, recorder } = busForTest(proxy.url, IMPATIENT)
    await recorder.untilAvailable()
    await Promise.all([bus.subscribe('a'), bus.psubscribe('b*')])
    const endBusy = await makeBusy(outside, other)
    await recorder.until(() => /BUSY/.test(recorder.reasons.at(-1) ?? ''))
    proxy.cut()
    await recorder.until(() => /no connection/.test(recorder.reasons.at(-1) ?? ''))
    await recorder.until(() => /BUSY/.test(recorder.reasons.at(-1) ?? ''))
    await endBusy()
    await recorder.untilAvailable()
    await other.publish('a', '1')
    await other.publish('b', '2')
    await recorder.untilReceived(2)
    expect(recorder.refusals).toEqual([])
  })
})
