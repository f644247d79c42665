/** A master that fails under load, and Sentinels that choose another one: what was lost, and what was said of it. */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { metric } from '../../../support/clients/backend.ts'
import { spawnBridge, type BridgeProcess } from '../../../support/process.ts'
import { MASTER_NAME, startWatchedRedis, type WatchedRedis } from '../../../support/redis-sentinel.ts'
import { bodyText } from '../../../support/stomp-peer.ts'
import { waitFor } from '../../../support/wait.ts'
import { untilReady } from '../../../support/world.ts'
import { configFile } from '../../access/stage.ts'
import { ask, enter, http, placeOf, post, since } from '../../history/stage.ts'
import { expectHonest, placeNow, startLedger } from './ledger.ts'

const LONG_MS = 90_000
const CONFIG = (redis: WatchedRedis): string => `
history:
  - { destination: '/topic/h/**', size: 100000, ttlSeconds: 600 }
redis:
  sentinels: [${redis.sentinels.join(', ')}]
  masterName: ${MASTER_NAME}
  probeIntervalMs: 500
  commandTimeoutMs: 2000
  reconnectMaxDelayMs: 200
`

describe('a bridge behind Sentinels', () => {
  let config: (redis: WatchedRedis) => string
  beforeAll(() => {
    config = (redis) => configFile(CONFIG(redis))
  })

  async function start(): Promise<{ redis: WatchedRedis; bridge: BridgeProcess }> {
    const redis = await startWatchedRedis()
    onTestFinished(() => redis.stop())
    const bridge = await spawnBridge({ runtime: 'bun', args: ['--config', config(redis)] })
    await untilReady(bridge)
    return { redis, bridge }
  }

  it('goes on with the new master under load, and says what was lost', { timeout: LONG_MS }, async () => {
    const { redis, bridge } = await start()
    expect(bridge.stdout()).toContain(`Redis "${MASTER_NAME}" by the Sentinels ${redis.sentinels.join(', ')}`)
    const ledger = await startLedger(bridge, '/topic/h/load')
    await ledger.more(50)
    const from = await placeNow(bridge, ledger.topic)
    await redis.servers[0].crash()
    await waitFor(() => ledger.refused.length > 0, { timeoutMs: 20_000 })
    expect((await fetch(`${bridge.url}/ready`)).status).toBe(503)
    await waitFor(async () => (await redis.master()) === redis.servers[1], { timeoutMs: 30_000 })
    await ledger.more(50)
    await untilReady(bridge)
    await ledger.stop()
    const lost = await expectHonest(bridge, ledger, from)
    expect(await metric(bridge, 'stomp_bridge_bus_outages_total')).toBeGreaterThanOrEqual(1)
    // All that was lost had been acknowledged within the moment that the replica was behind.
    expect(lost).toBeLessThan(50)
  })

  it('never says that all is there when the new master had not heard of the last', { timeout: LONG_MS }, async () => {
    const { redis, bridge } = await start()
    const topic = '/topic/h/behind'
    const stays = await enter(bridge)
    await ask(stays, topic, { last: '0' })
    await post(bridge, topic, ['kept-1', 'kept-2'])
    const master = await redis.servers[0].client()
    await master.call('WAIT', '1', '5000')
    redis.servers[1].pause()
    await master.call('CLIENT', 'KILL', 'TYPE', 'replica') // else it finds the last in its socket
    await post(bridge, topic, ['lost-1', 'lost-2'])
    const came = [
      await stays.expect('MESSAGE'),
      await stays.expect('MESSAGE'),
      await stays.expect('MESSAGE'),
      await stays.expect('MESSAGE'),
    ]
    expect(came.map(bodyText)).toEqual(['kept-1', 'kept-2', 'lost-1', 'lost-2'])
    await redis.servers[0].crash()
    redis.servers[1].resume()
    await waitFor(async () => (await redis.master()) === redis.servers[1], { timeoutMs: 30_000 })
    await waitFor(
      async () => {
        const { status } = await http(bridge.url, 'POST', '/api/notification', { topic, message: 'new' })
        return status === 200
      },
      { timeoutMs: 30_000 },
    )
    // The client that stayed is told, and so is one that comes back.
    await stays.expect('MESSAGE', { event: 'position', recovered: 'false' })
    const back = await enter(bridge)
    const marker = await ask(back, topic, since(placeOf(came[3]!)))
    expect(marker.headers.get('recovered')).toBe('false')
  })
})
