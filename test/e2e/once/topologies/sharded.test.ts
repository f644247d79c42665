/** Two bridges with sharded Pub/Sub on a Redis Cluster: slots that move with their keys, a node that joins, a master that is killed. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { metric } from '../../../support/clients/backend.ts'
import { spawnBridge, type BridgeProcess } from '../../../support/process.ts'
import { startRedisCluster, type RedisCluster } from '../../../support/redis-cluster.ts'
import type { RedisServer } from '../../../support/redis.ts'
import { bodyText, frameText } from '../../../support/stomp-peer.ts'
import { waitFor } from '../../../support/wait.ts'
import { untilReady } from '../../../support/world.ts'
import { configFile, subscribe } from '../../access/stage.ts'
import { enter, post } from '../../history/stage.ts'
import { expectHonest, placeNow, startLedger } from './ledger.ts'

const LONG = { timeout: 90_000 }
const CONFIG = (nodes: readonly string[]): string => `
history:
  - { destination: '/topic/h/**', size: 100000, ttlSeconds: 600 }
broker: { distribution: by-interest }
redis:
  cluster: [${nodes[0]}]
  shardedPubSub: true
  probeIntervalMs: 500
  commandTimeoutMs: 2000
  reconnectMaxDelayMs: 200
`

describe('bridges with sharded Pub/Sub', () => {
  let cluster: RedisCluster
  let [a, b]: BridgeProcess[] = []
  beforeAll(async () => {
    cluster = await startRedisCluster({ hasReplicas: true, sinceVersion: 7 })
    const args = ['--config', configFile(CONFIG(cluster.nodes))]
    ;[a, b] = await Promise.all([0, 1].map(() => spawnBridge({ runtime: 'bun', args })))
    await Promise.all([a!, b!].map(untilReady))
  }, 60_000)
  afterAll(() => cluster.stop())

  async function slotOf(topic: string): Promise<number> {
    return Number(await (await cluster.masters[0]!.client()).call('CLUSTER', 'KEYSLOT', `{${topic}}`))
  }

  async function ownerOf(topic: string): Promise<RedisServer> {
    const port = await cluster.ownerOf(await slotOf(topic))
    return cluster.masters.find((master) => master.port === port)!
  }

  it('carry messages of any destination, kept or not, by one master each', LONG, async () => {
    const [reader, other] = [await enter(a!), await enter(b!)]
    for (let i = 0; i < 12; i++) {
      const topic = `/topic/${i % 2 === 0 ? 'h/' : ''}s${i}`
      for (const peer of [reader, other]) await subscribe(peer, topic)
      await post(b!, topic, [String(i)])
      for (const peer of [reader, other]) expect(bodyText(await peer.expect('MESSAGE'))).toBe(String(i))
    }
    const counts = await Promise.all(
      cluster.masters.map(async (master) => {
        const channels = (await (await master.client()).call('PUBSUB', 'SHARDCHANNELS')) as string[]
        return channels.filter((channel) => /\/s\d+\}$/.test(channel)).length
      }),
    )
    expect(counts.reduce((sum, count) => sum + count)).toBe(12)
    expect(Math.max(...counts)).toBeLessThan(12)
  })

  it('refuse a pattern, which would miss what is sent', LONG, async () => {
    const peer = await enter(a!)
    peer.send(frameText('SUBSCRIBE', { id: 'p', destination: '/topic/*' }))
    await peer.expect('ERROR', { code: 'bus-refused' })
  })

  it(
    'lose nothing that is kept while its slot moves with its keys, to a node that has just come and back',
    LONG,
    async () => {
      const topic = '/topic/h/moves'
      const outages = await metric(b!, 'stomp_bridge_bus_outages_total')
      const ledger = await startLedger(a!, topic, b)
      await ledger.more(50)
      const from = await placeNow(a!, topic)
      const owner = await ownerOf(topic)
      const joined = await cluster.join()
      const slot = await slotOf(topic)
      await cluster.move(slot, owner, joined)
      await ledger.more(50)
      await cluster.move(slot, joined, owner)
      await ledger.more(50)
      await ledger.stop()
      expect(await expectHonest(b!, ledger, from)).toBe(0)
      expect(ledger.came.filter((each) => each !== false)).toEqual(ledger.acknowledged)
      expect(ledger.came).not.toContain(false)
      expect(await metric(b!, 'stomp_bridge_bus_outages_total')).toBeGreaterThan(outages)
    },
  )

  it('go on under load when a master is killed, and say what was lost', LONG, async () => {
    const topic = '/topic/h/killed'
    const ledger = await startLedger(a!, topic, b)
    await ledger.more(50)
    const from = await placeNow(a!, topic)
    const owner = await ownerOf(topic)
    const slot = await slotOf(topic)
    await owner.crash()
    await waitFor(() => ledger.refused.length > 0, { timeoutMs: 20_000 })
    await waitFor(async () => ![0, owner.port].includes(await cluster.ownerOf(slot).catch(() => 0)), {
      timeoutMs: 40_000,
    })
    await ledger.more(50)
    await Promise.all([a!, b!].map(untilReady))
    await ledger.stop()
    expect(await expectHonest(b!, ledger, from)).toBeLessThan(50)
  })
})

describe('a bridge with sharded Pub/Sub on a Redis that has none', () => {
  it('says so, and is not ready', LONG, async () => {
    // As Redis 6.2 is.
    const args = ['SSUBSCRIBE', 'SPUBLISH'].flatMap((name) => ['--rename-command', name, ''])
    const cluster = await startRedisCluster({ masters: 1, args, sinceVersion: 7 })
    onTestFinished(() => cluster.stop())
    const bridge = await spawnBridge({ runtime: 'bun', args: ['--config', configFile(CONFIG(cluster.nodes))] })
    const { reason } = await bridge.waitForLog(({ msg }) => msg === 'Redis is away')
    expect(reason).toContain('has no sharded Pub/Sub, which redis.shardedPubSub needs: Redis 7 or later, or Valkey')
    const ready = await fetch(`${bridge.url}/ready`)
    expect(ready.status).toBe(503)
    expect(await ready.text()).toContain('has no sharded Pub/Sub')
  })
})
