/** A bridge on a Redis Cluster: all that it does, a master that is killed under load, and slots that move. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { metric } from '../../../support/clients/backend.ts'
import { spawnBridge, type BridgeProcess } from '../../../support/process.ts'
import { startRedisCluster, type RedisCluster } from '../../../support/redis-cluster.ts'
import { bodyText, frameText } from '../../../support/stomp-peer.ts'
import { waitFor } from '../../../support/wait.ts'
import { untilReady } from '../../../support/world.ts'
import { configFile, subscribe } from '../../access/stage.ts'
import { ask, enter, http } from '../../history/stage.ts'
import { expectHonest, placeNow, startLedger } from './ledger.ts'

const LONG = { timeout: 90_000 }

const CONFIG = (nodes: readonly string[]): string => `
history:
  - { destination: '/topic/h/**', size: 100000, ttlSeconds: 600 }
queues:
  - { destination: '/queue/**', maxDeliveries: 2, visibilitySeconds: 30 }
presence: { destinations: ['/topic/h/**'] }
routes:
  inbound:
    - { channel: 'prices:{symbol}', destination: '/topic/prices/{symbol}', codec: raw, kept: key, keptTtlSeconds: 60 }
    - { stream: EVENTS_IN, destination: '{field.topic}', body: '{field.message}' }
  outbound:
    - { destination: '/app/out', stream: EVENTS_OUT, fields: { message: body }, groups: [backend] }
snapshots:
  - { destination: '/app/state', source: { type: hash, key: state } }
redis:
  cluster: [${nodes.join(', ')}]
  probeIntervalMs: 500
  commandTimeoutMs: 2000
  reconnectMaxDelayMs: 200
`

describe('a bridge on a Redis Cluster', () => {
  let cluster: RedisCluster
  let [a, b]: BridgeProcess[] = []
  beforeAll(async () => {
    cluster = await startRedisCluster({ hasReplicas: true })
    const args = ['--config', configFile(CONFIG(cluster.nodes))]
    ;[a, b] = await Promise.all([0, 1].map(() => spawnBridge({ runtime: 'bun', args })))
    await Promise.all([a!, b!].map(untilReady))
  }, 60_000)
  afterAll(() => cluster.stop())

  /** By whichever node has the key. */
  async function redis(key: string, ...words: [name: string, ...args: string[]]): Promise<unknown> {
    for (const server of cluster.masters) {
      const answer = await (await server.client()).call(...words).catch((error: Error) => error)
      if (!(answer instanceof Error)) return answer
      if (!answer.message.startsWith('MOVED')) throw answer
    }
    throw new Error(`Nobody has ${key}`)
  }

  it('reads and writes streams, keeps values, answers snapshots, over all nodes', LONG, async () => {
    const reader = await enter(a!)
    await subscribe(reader, '/topic/from-stream')
    await redis('EVENTS_IN', 'XADD', 'EVENTS_IN', '*', 'topic', '/topic/from-stream', 'message', 'hello')
    expect(bodyText(await reader.expect('MESSAGE'))).toBe('hello')

    const sender = await enter(b!)
    sender.send(frameText('SEND', { destination: '/app/out', receipt: 'out' }, 'work'))
    await sender.receipt('out')
    expect(String(await redis('EVENTS_OUT', 'XRANGE', 'EVENTS_OUT', '-', '+'))).toContain('work')
    expect(String(await redis('EVENTS_OUT', 'XINFO', 'GROUPS', 'EVENTS_OUT'))).toContain('backend')

    expect(
      (await http(b!.url, 'POST', '/api/notification', { topic: '/topic/prices/gold', message: '7' })).status,
    ).toBe(200)
    const late = await enter(a!)
    late.send(frameText('SUBSCRIBE', { id: 'p', destination: '/topic/prices/gold' }))
    expect(bodyText(await late.expect('MESSAGE', { retained: 'true' }))).toBe('7')

    await redis('state', 'HSET', 'state', 'k', 'v')
    late.send(frameText('SUBSCRIBE', { id: 's', destination: '/app/state' }))
    expect(bodyText(await late.expect('MESSAGE', { destination: '/app/state' }))).toBe('{"k":"v"}')
  })

  it('gives each message of a queue to one, and keeps what fails with the dead', LONG, async () => {
    const queue = `/queue/${randomUUID()}`
    const stream = `queue:${queue.slice('/queue/'.length)}`
    const worker = await enter(a!)
    worker.send(frameText('SUBSCRIBE', { id: 'w', destination: queue, ack: 'client-individual', receipt: 'sub' }))
    await worker.receipt('sub')
    await redis(stream, 'XADD', stream, '*', 'body', 'by a backend')
    const first = await worker.expect('MESSAGE')
    expect(bodyText(first)).toBe('by a backend')
    worker.send(frameText('ACK', { id: first.headers.get('ack')!, receipt: 'acked' }))
    await worker.receipt('acked')

    const sender = await enter(b!)
    sender.send(frameText('SEND', { destination: queue, receipt: 'sent' }, 'poison'))
    await sender.receipt('sent')
    for (let n = 0; n < 2; n++) {
      const message = await worker.expect('MESSAGE', { 'delivery-count': String(n + 1) })
      worker.send(frameText('NACK', { id: message.headers.get('ack')!, receipt: `nack-${n}` }))
      await worker.receipt(`nack-${n}`)
    }
    const counts = async () =>
      ((await http(b!.url, 'GET', '/api/queues')).json as { queue: string; dead: number; pending: number }[]).find(
        (each) => each.queue === queue,
      )
    await waitFor(async () => (await counts())?.dead === 1)
    expect(String(await redis(`${stream}:dead`, 'XRANGE', `${stream}:dead`, '-', '+'))).toContain('poison')
    const redriven = await http(a!.url, 'POST', `/api/queues/${encodeURIComponent(queue)}/redrive`)
    expect(redriven.json).toEqual({ moved: 1 })
    expect(bodyText(await worker.expect('MESSAGE'))).toBe('poison')
  })

  it(
    'goes on under load when a master is killed and its replica takes over, and says what was lost',
    LONG,
    async () => {
      const ledger = await startLedger(a!, '/topic/h/load')
      await ledger.more(50)
      const from = await placeNow(a!, ledger.topic)
      const slotOf = async (): Promise<number> =>
        Number(await (await cluster.masters[0]!.client()).call('CLUSTER', 'KEYSLOT', `{${ledger.topic}}`))
      const slot = await slotOf()
      const owner = await cluster.ownerOf(slot)
      const outages = await metric(a!, 'stomp_bridge_bus_outages_total')
      await cluster.masters.find(({ port }) => port === owner)!.crash()
      await waitFor(() => ledger.refused.length > 0, { timeoutMs: 20_000 })
      await waitFor(async () => ![0, owner].includes(await cluster.ownerOf(slot).catch(() => 0)), { timeoutMs: 40_000 })
      await ledger.more(50)
      await Promise.all([a!, b!].map(untilReady))
      await ledger.stop()
      const lost = await expectHonest(a!, ledger, from)
      expect(lost).toBeLessThan(50)
      expect(await metric(a!, 'stomp_bridge_bus_outages_total')).toBeGreaterThan(outages)
      const other = await enter(b!)
      const marker = await ask(other, ledger.topic, { last: '1' })
      expect(marker.headers.get('count')).toBe('1')
    },
  )
})
