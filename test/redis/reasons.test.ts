/** Why Redis is away, as /ready, the errors and the log say it. */
import { describe, expect, it } from 'vitest'
import { OutageLog } from '../../src/redis/outage-log.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { busForTest, IMPATIENT, redisForTest } from './support.ts'

describe('the bus on Redis', () => {
  it('says that Redis has too many clients, whatever the network says after it, and logs it once', async () => {
    const redis = await redisForTest({ args: ['--maxclients', '4'] })
    const fillers = [await redis.client(), await redis.client(), await redis.client(), await redis.client()]
    const { recorder, log } = busForTest(redis.url, IMPATIENT)
    await recorder.until(() => /max number of clients reached/.test(recorder.reasons.at(-1) ?? ''))
    const attempts = () => Number(log.entries.length)
    // Many attempts: each would have been a line, and each had two causes.
    let refused = 0
    while (refused < 20) {
      const stats = String(await fillers[0]!.call('INFO', 'stats'))
      refused = Number(/rejected_connections:(\d+)/.exec(stats)?.[1])
    }
    expect(recorder.reasons.filter((reason) => /EPIPE|ECONNRESET/.test(reason ?? ''))).toEqual([])
    expect(attempts()).toBe(1)
    expect(log.entries[0]).toMatchObject({
      level: 'error',
      message: 'Redis is away',
      fields: { reason: 'ERR max number of clients reached' },
    })
    for (const filler of fillers) filler.disconnect()
    await recorder.untilAvailable()
    expect(log.entries.slice(1)).toEqual([
      {
        level: 'info',
        message: 'Redis is connected and subscribed',
        fields: {
          bus: `Redis at 127.0.0.1:${redis.port}`,
          since: SINCE,
          awaySeconds: expect.any(Number),
          failures: expect.any(Number),
        },
      },
    ])
  })

  it('says that the connection was closed where nobody says why', async () => {
    const redis = await redisForTest()
    const outside = await redis.client()
    const { recorder } = busForTest(redis.url, { ...IMPATIENT, reconnectMaxDelayMs: 1000 })
    await recorder.untilAvailable()
    await outside.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await recorder.untilAway()
    expect(recorder.reasons.at(-1)).toBe(
      `no connection to Redis at 127.0.0.1:${redis.port}: Redis closed the connection`,
    )
    await recorder.untilAvailable()
  })
})

/** When it began, by the clock on the wall. */
const SINCE: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)

describe('the log of an outage', () => {
  function setUp() {
    const [log, clock] = [new FakeLog(), new FakeClock()]
    return { log, clock, outages: new OutageLog(log, 'Redis at x', clock) }
  }

  it('has one line for each cause, however often and in whatever order they come', () => {
    const { log, outages } = setUp()
    for (let i = 0; i < 100; i++) outages.failed(i % 3 === 0 ? 'NOAUTH' : 'write EPIPE')
    expect(log.entries).toEqual([
      {
        level: 'error',
        message: 'Redis is away',
        fields: {
          bus: 'Redis at x',
          reason: 'NOAUTH',
          meanwhile: expect.stringContaining('bus-unavailable') as string,
        },
      },
      {
        level: 'warn',
        message: 'Redis is away for another reason',
        fields: { bus: 'Redis at x', reason: 'write EPIPE' },
      },
    ])
  })

  it('sums up every minute, and says when it is over', () => {
    const { log, clock, outages } = setUp()
    outages.failed('a')
    outages.failed('b')
    outages.failed('a')
    clock.advance(59_999)
    expect(log.messages('warn')).toEqual(['Redis is away for another reason'])
    clock.advance(1)
    expect(log.entries.at(-1)).toEqual({
      level: 'warn',
      message: 'Redis is still away',
      fields: { bus: 'Redis at x', reason: 'a', since: SINCE, awaySeconds: 60, failures: 3, causes: { a: 2, b: 1 } },
    })
    clock.advance(120_000)
    expect(log.messages('warn').filter((message) => message === 'Redis is still away')).toHaveLength(3)
    outages.over()
    expect(log.entries.at(-1)).toEqual({
      level: 'info',
      message: 'Redis is connected and subscribed',
      fields: { bus: 'Redis at x', since: SINCE, awaySeconds: 180, failures: 3 },
    })
    clock.advance(120_000)
    expect(log.entries.at(-1)!.level).toBe('info')
    outages.failed('a')
    expect(log.messages('error')).toHaveLength(2)
  })

  it('tells no more causes apart than it can hold', () => {
    const { log, outages } = setUp()
    for (let i = 0; i < 1000; i++) outages.failed(`cause ${i}`)
    expect(log.entries).toHaveLength(20)
  })
})
