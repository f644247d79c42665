/** The bus behind Sentinels: it finds the master, follows it, and says what stands in the way. */
import { describe, expect, it, onTestFinished } from 'vitest'
import type { RedisOptions } from '../../src/redis/options.ts'
import { MASTER_NAME, startWatchedRedis, type SentinelOptions, type WatchedRedis } from '../support/redis-sentinel.ts'
import { freePort } from '../support/ports.ts'
import { waitFor } from '../support/wait.ts'
import { busForTest, IMPATIENT, type StartedBus } from './support.ts'

const LONG_MS = 60_000
const FAILOVER = { timeoutMs: 30_000 }

async function watched(options?: SentinelOptions): Promise<WatchedRedis> {
  const redis = await startWatchedRedis(options)
  onTestFinished(() => redis.stop())
  return redis
}

function busBy(sentinels: readonly string[], options: Partial<RedisOptions> = {}): StartedBus {
  return busForTest(undefined, { ...IMPATIENT, sentinels, masterName: MASTER_NAME, ...options })
}

async function expectRoundTrip({ bus, recorder }: StartedBus, channel: string): Promise<void> {
  await bus.subscribe(channel)
  await bus.publish(channel, 'x')
  await waitFor(() => recorder.lines().includes(`${channel}: x`))
}

describe('the bus behind Sentinels', () => {
  it(
    'finds the master, follows it when it is gone, and refuses the old one as a replica',
    { timeout: LONG_MS },
    async () => {
      const redis = await watched()
      const started = busBy(redis.sentinels)
      await started.recorder.untilAvailable()
      expect(started.bus.description).toBe(`Redis "${MASTER_NAME}" by the Sentinels ${redis.sentinels.join(', ')}`)
      await expectRoundTrip(started, 'before')

      await redis.servers[0].crash()
      await waitFor(async () => (await redis.master()) === redis.servers[1], FAILOVER)
      await started.recorder.untilAvailable()
      await waitFor(() => started.bus.unavailableReason === undefined, FAILOVER)
      await expectRoundTrip(started, 'after')
      const clients = String(await (await redis.servers[1].client()).client('LIST'))
      expect(clients).toMatch(/name=stomp-bridge-\w+-publisher/)
      expect(clients).toMatch(/name=stomp-bridge-\w+-subscriber/)
    },
  )

  it('follows a master that was moved while the old one lives', { timeout: LONG_MS }, async () => {
    const redis = await watched()
    // Nothing but a Sentinel says it in time.
    const started = busBy(redis.sentinels, { probeIntervalMs: 60_000, commandTimeoutMs: 60_000 })
    await started.recorder.untilAvailable()
    await (await redis.sentinel(0)).call('SENTINEL', 'FAILOVER', MASTER_NAME)
    await waitFor(async () => (await redis.master()) === redis.servers[1], FAILOVER)
    const after = await redis.servers[1].client()
    await waitFor(async () => /name=stomp-bridge-\w+-subscriber/.test(String(await after.client('LIST'))), FAILOVER)
    await waitFor(() => started.bus.unavailableReason === undefined, FAILOVER)
    await expectRoundTrip(started, 'moved')
  })

  it('needs one Sentinel of three, and its password', { timeout: LONG_MS }, async () => {
    const redis = await watched({ sentinelPassword: 'watch-word' })
    await Promise.all([redis.stopSentinel(1), redis.stopSentinel(2)])
    const started = busBy(redis.sentinels, { sentinelPassword: 'watch-word' })
    await started.recorder.untilAvailable()
    await expectRoundTrip(started, 'one')

    const stranger = busBy(redis.sentinels, { sentinelPassword: 'wrong-word' })
    await stranger.recorder.until(() => /no Sentinel knows the master/.test(stranger.recorder.reasons.at(-1) ?? ''))
    const reason = stranger.recorder.reasons.at(-1)!
    for (const sentinel of redis.sentinels) expect(reason).toContain(sentinel)
    expect(reason).toMatch(/WRONGPASS/)
    expect(JSON.stringify([stranger.log.entries, stranger.recorder.reasons])).not.toMatch(/w(atch|rong)-word/)
  })

  it('says so where no Sentinel is, and where none knows the name', { timeout: LONG_MS }, async () => {
    const redis = await watched()
    const nowhere = `127.0.0.1:${await freePort()}`
    const away = busBy([nowhere])
    await away.recorder.until(() => (away.recorder.reasons.at(-1) ?? '').includes(`${nowhere}: connect ECONNREFUSED`))
    const unknown = busBy(redis.sentinels, { masterName: 'another' })
    await unknown.recorder.until(() => /No such master with that name/.test(unknown.recorder.reasons.at(-1) ?? ''))
    expect(unknown.log.messages('error')).toEqual(['Redis is away'])
  })
})
