/** A bus is not available on a replica: what is published there reaches nobody else. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { BusUnavailableError } from '../../src/bus/bus.ts'
import { RedisConnections } from '../../src/redis/connections.ts'
import { FakeLog } from '../support/fake-log.ts'
import { startProxy } from './proxy.ts'
import { busForTest, IMPATIENT, PATIENT, redisForTest } from './support.ts'

const IS_REPLICA = /this server is a replica/

describe('the bus on Redis', () => {
  it('is away while its server is a replica, and back when it is none any more', async () => {
    const [redis, primary] = [await redisForTest(), await redisForTest()]
    const outside = await redis.client()
    const { bus, recorder, log } = busForTest(redis.url, IMPATIENT)
    await recorder.untilAvailable()
    await bus.subscribe('a')
    await outside.replicaof('127.0.0.1', primary.port)
    await recorder.until(() => IS_REPLICA.test(recorder.reasons.at(-1) ?? ''))
    await expect(bus.publish('a', 'lost')).rejects.toThrow(BusUnavailableError)
    await outside.replicaof('NO', 'ONE')
    await recorder.untilAvailable()
    await bus.publish('a', '1')
    await recorder.until(() => recorder.texts().includes('1'))
    expect(log.messages('error')).toEqual(['Redis is away'])
  })

  it('never calls itself available where it starts on a replica, and does not hammer it', async () => {
    const [redis, primary] = [await redisForTest(), await redisForTest()]
    const outside = await redis.client()
    await outside.replicaof('127.0.0.1', primary.port)
    const { recorder } = busForTest(redis.url, { ...IMPATIENT, reconnectMaxDelayMs: 5000 })
    await recorder.until(() => IS_REPLICA.test(recorder.reasons.at(-1) ?? ''))
    const count = async (): Promise<number> =>
      Number(/total_connections_received:(\d+)/.exec(String(await outside.call('INFO', 'stats')))?.[1])
    const [before, startedAt] = [await count(), performance.now()]
    while ((await count()) < before + 8);
    // Two connections, each after 50, 100, 200, 400 … ms less some jitter; by the first delay alone it would be a third.
    expect(performance.now() - startedAt).toBeGreaterThan(350)
    expect(recorder.changes()).toEqual(['away'])
  })

  it('goes to the new primary when a failover leaves it on what is now a replica, behind one address', async () => {
    const [first, second] = [await redisForTest(), await redisForTest()]
    const proxy = await startProxy(first.port)
    onTestFinished(() => proxy.close())
    const [outsideFirst, outsideSecond] = [await first.client(), await second.client()]
    const { bus, recorder } = busForTest(proxy.url, IMPATIENT)
    await recorder.untilAvailable()
    await bus.subscribe('a')
    proxy.leadTo(second.port)
    await outsideFirst.replicaof('127.0.0.1', second.port)
    await recorder.untilAway()
    await recorder.untilAvailable()
    await outsideSecond.publish('a', 'from the new primary')
    await recorder.until(() => recorder.texts().includes('from the new primary'))
    expect(await outsideSecond.pubsub('NUMSUB', 'a')).toEqual(['a', 1])
  })

  it.each([
    ['ROLE', ['-role']],
    ['ROLE and INFO', ['-role', '-info']],
    ['what is dangerous', ['-@dangerous']],
  ])('notices a replica also where it may not ask %s', async (_name, rules) => {
    const [redis, primary] = [await redisForTest(), await redisForTest()]
    const outside = await redis.client()
    await outside.acl('SETUSER', 'bridge', 'on', '>pw', '+@all', '&*', ...rules)
    const { recorder } = busForTest(`redis://bridge:pw@127.0.0.1:${redis.port}`, IMPATIENT)
    await recorder.untilAvailable()
    await outside.replicaof('127.0.0.1', primary.port)
    await recorder.until(() => IS_REPLICA.test(recorder.reasons.at(-1) ?? ''))
    await outside.replicaof('NO', 'ONE')
    await recorder.untilAvailable()
  })

  it('works where nothing tells the role', async () => {
    const redis = await redisForTest({
      args: ['ROLE', 'INFO', 'HELLO'].flatMap((name) => ['--rename-command', name, '']),
    })
    const { bus, recorder } = busForTest(redis.url, IMPATIENT)
    await recorder.untilAvailable()
    await bus.subscribe('a')
    await bus.publish('a', '1')
    await recorder.untilReceived(1)
  })
})

describe('RedisConnections', () => {
  it('take READONLY for the word of a replica, before the next probe', async () => {
    const [redis, primary] = [await redisForTest(), await redisForTest()]
    const outside = await redis.client()
    const connections = new RedisConnections(
      { url: redis.url, ...PATIENT, probeIntervalMs: 60_000 },
      'n',
      new FakeLog(),
    )
    onTestFinished(() => connections.close('over'))
    let changed = () => {}
    const until = async (condition: () => boolean): Promise<void> => {
      while (!condition()) await new Promise<void>((resolve) => (changed = resolve))
    }
    connections.start({
      onMessage() {},
      onShardRefusal() {},
      onPatternMessage() {},
      onRoundTrip() {},
      onAvailability: () => changed(),
      prepare: () => Promise.resolve(undefined),
      restore: async () => undefined,
      askAgain: async () => undefined,
    })
    await until(() => connections.unavailableReason === undefined)
    await outside.replicaof('127.0.0.1', primary.port)
    const error: unknown = await connections.commands.client.set('x', '1').catch((reason: unknown) => reason)
    expect(String(error)).toContain('READONLY')
    connections.notice(error)
    expect(connections.unavailableReason).toMatch(IS_REPLICA)
    await outside.replicaof('NO', 'ONE')
    await until(() => connections.unavailableReason === undefined)
  })
})
