/** What the bus on Redis does not publish: refused by Redis, or not handed over at all; and what is published beside it. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { BusRefusedError, BusUnavailableError } from '../../src/bus/bus.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { startBus, type StartedBus } from './support.ts'

async function start(): Promise<RedisServer> {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  return redis
}

function bus(url: string): StartedBus {
  const started = startBus(url)
  onTestFinished(() => started.bus.close())
  return started
}

/** Undefined if it resolves. */
function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('RedisBus', () => {
  it('rejects what is published in the turn in which it is closed, and does not send it', async () => {
    const redis = await start()
    const [one, other] = [bus(redis.url), bus(redis.url)]
    await Promise.all([one.recorder.untilAvailable(), other.recorder.untilAvailable()])
    await other.bus.subscribe('a')
    const outcomes = [errorOf(one.bus.publish('a', '1')), errorOf(one.bus.publish('a', Uint8Array.of(2)))]
    await one.bus.close()
    for (const error of await Promise.all(outcomes)) expect(error).toBeInstanceOf(BusUnavailableError)
    await other.bus.publish('a', 'end')
    await other.recorder.untilReceived(1)
    expect(other.recorder.texts()).toEqual(['end'])
  })

  it('rejects what the access rules forbid to publish, and that alone', async () => {
    const redis = await start()
    const outside = await redis.client()
    await outside.acl('SETUSER', 'bridge', 'on', '>pw', '+@all', 'resetchannels', '&stomp-bridge:*', '&free')
    const { bus: subject, recorder } = bus(`redis://bridge:pw@127.0.0.1:${redis.port}`)
    await recorder.untilAvailable()
    await subject.subscribe('free')
    const [free, forbidden] = [
      { channel: 'free', payload: 'in a list' },
      { channel: 'forbidden', payload: 'x' },
    ]
    const outcomes = [
      subject.publish('free', '1'),
      subject.publish('forbidden', 'x'),
      subject.publish('free', new Uint8Array([0x32])),
      subject.publish('forbidden', 'x'),
      subject.publish('forbidden', 'x'),
      subject.publish('free', '3'),
      subject.publishAll([free, forbidden, free]),
      subject.publish('free', '4'),
      subject.publishAll([free]),
    ].map(errorOf)
    const errors = await Promise.all(outcomes)
    const isRefused = [false, true, false, true, true, false, true, false, false]
    expect(errors.map((error) => error instanceof BusRefusedError)).toEqual(isRefused)
    expect(errors.filter((error) => error === undefined)).toHaveLength(5)
    await recorder.untilReceived(5)
    expect(recorder.texts()).toEqual(['1', '2', '3', '4', 'in a list'])
    expect(recorder.changes()).toEqual(['away', 'available'])
  })

  it('calls itself unavailable, not refused, to those who publish while Redis is busy with a script', async () => {
    const redis = await start()
    const [outside, other] = [await redis.client(), await redis.client()]
    const { bus: subject, recorder } = bus(redis.url)
    await recorder.untilAvailable()
    await outside.config('SET', 'lua-time-limit', '1')
    const script = outside.eval('while true do end', 0).catch(() => {})
    for (;;) {
      const answer = await other.publish('a', 'x').catch((error: Error) => error.message)
      if (typeof answer === 'string' && answer.startsWith('BUSY')) break
    }
    const error = await errorOf(subject.publish('a', 'x'))
    expect(error).toBeInstanceOf(BusUnavailableError)
    expect((error as Error).message).toMatch(/^BUSY/)
    await other.script('KILL')
    await script
    await subject.publish('a', 'x')
  })
})
