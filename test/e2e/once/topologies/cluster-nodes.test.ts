/** Two bridges on a Redis Cluster of three masters: what nodes share, and what backends do, by whichever master has it. */
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spawnBridge, type BridgeProcess } from '../../../support/process.ts'
import { startRedisCluster, type RedisCluster } from '../../../support/redis-cluster.ts'
import { frameText } from '../../../support/stomp-peer.ts'
import { eventually } from '../../../support/wait.ts'
import { untilReady } from '../../../support/world.ts'
import {
  api,
  API_KEYS,
  configFile,
  expectError,
  HS256,
  KEYS,
  logIn,
  logInAs,
  message,
  post,
  send,
  subscribe,
  subscribing,
  untilNodesKnow,
} from '../../access/stage.ts'
import { Worker } from '../../queues/support.ts'

const CONFIG = (nodes: readonly string[]): string => `
history:
  - { destination: '/topic/h/**', size: 100, ttlSeconds: 600 }
queues:
  - { destination: '/queue/**', maxDeliveries: 2, visibilitySeconds: 30 }
presence: { destinations: ['/topic/rooms/**'] }
routes:
  inbound:
    - { channel: 'prices:{symbol}', destination: '/topic/prices/{symbol}', codec: raw, kept: key, keptTtlSeconds: 60 }
  outbound:
    - { destination: /app/ask, channel: ask, codec: envelope }
snapshots:
  - { destination: '/app/state/{name}', source: { type: hash, key: 'state:{name}' } }
server: { trustedProxies: ['127.0.0.1'] }
access:
  authenticators: [${HS256}, { type: ticket }, { type: anonymous }]
  ${API_KEYS}
  rules: [{ allow: [subscribe, send], destination: '/**', anonymous: true }]
debugger: { api: 'on', token: '${KEYS.admin}' }
redis: { cluster: [${nodes[0]}], keyPrefix: 'p:' }
`
/** Of names that differ in this, some are on each master. */
const MANY = Array.from({ length: 9 }, (_, i) => String(i))

describe('two bridges on a Redis Cluster', () => {
  let cluster: RedisCluster
  let [a, b]: BridgeProcess[] = []
  let masters: readonly Redis[]
  beforeAll(async () => {
    cluster = await startRedisCluster()
    masters = await Promise.all(cluster.masters.map((master) => master.client()))
    const args = ['--config', configFile(CONFIG(cluster.nodes))]
    ;[a, b] = await Promise.all([0, 1].map(() => spawnBridge({ runtime: 'bun', args })))
    await Promise.all([a!, b!].map(untilReady))
    await untilNodesKnow(a!, b!)
  }, 60_000)
  afterAll(() => cluster.stop())

  /** By the master that has the key. */
  async function redis(name: string, key: string, ...args: string[]): Promise<unknown> {
    for (const master of masters) {
      const answer = await master.call(name, key, ...args).catch((error: Error) => error)
      if (!(answer instanceof Error)) return answer
      if (!answer.message.startsWith('MOVED')) throw answer
    }
    throw new Error(`Nobody has ${key}`)
  }

  it('know who is where: over HTTP, and as messages', async () => {
    const watcher = await logIn(a!)
    subscribing(watcher.peer, '/presence/topic/rooms/1')
    expect(await message(watcher.peer, { event: 'snapshot' })).toBe('{"users":[]}')
    const member = await logInAs(b!, 'alice')
    await subscribe(member.peer, '/topic/rooms/1')
    expect(await message(watcher.peer, { event: 'join' })).toContain('alice')
    await eventually(async () => {
      const { json } = await api(a!, 'GET', '/api/presence?destination=/topic/rooms/1')
      expect(json).toMatchObject({ sessions: 1 })
    })
  })

  it('take a ticket once, and each gives them', async () => {
    for (const user of MANY) {
      const { json } = await api(a!, 'POST', '/api/tickets', { body: { user } })
      const query = `?ticket=${(json as { ticket: string }).ticket}`
      expect((await logIn(b!, { query })).user).toBe(user)
      const again = await logIn(a!, { query }).then(
        ({ user }) => user,
        () => 'refused',
      )
      expect(again).toBe('refused')
    }
  })

  it('end what is revoked on the other one, and let it in nowhere', async () => {
    const mallory = await logInAs(b!, 'mallory')
    const { status } = await api(a!, 'POST', '/api/revocations', { body: { user: 'mallory', seconds: 60 } })
    expect(status).toBeLessThan(300)
    await expectError(mallory.peer, 'revoked')
    for (const bridge of [a!, b!]) await expect(logInAs(bridge, 'mallory')).rejects.toThrow()
  })

  it('bring an answer to the session that has asked, whichever master a backend publishes by', async () => {
    const backends = await Promise.all(cluster.masters.map((master) => master.client({ protocol: 2 })))
    const asked = new Promise<{ replyTo: string; body: string }>((resolve) => {
      backends[0]!.on('message', (_channel: string, text: string) => resolve(JSON.parse(text) as never))
    })
    await backends[0]!.subscribe('p:ask')
    const [alice, other] = [await logInAs(a!, 'bob'), await logInAs(b!, 'bob')]
    for (const { peer } of [alice, other]) await subscribe(peer, '/user/queue/replies')
    send(alice.peer, '/app/ask', 'how much?', { 'reply-to': '/user/queue/replies', 'correlation-id': '7' })
    const { replyTo, body } = await asked
    expect(body).toBe('how much?')
    for (const [i, master] of masters.entries()) {
      await master.publish(`p:${replyTo}`, JSON.stringify({ body: i, headers: { 'correlation-id': '7' } }))
      expect(await message(alice.peer, { 'correlation-id': '7' })).toBe(String(i))
    }
    await post(b!, '/user/bob/queue/replies', 'for both')
    for (const { peer } of [alice, other]) expect(await message(peer)).toBe('for both')
  })

  it('give each message of a queue to one worker, on one or the other', async () => {
    const workers = [new Worker((await logIn(a!)).peer), new Worker((await logIn(b!)).peer)]
    for (const queue of MANY.slice(0, 4).map((each) => `/queue/q${each}`)) {
      for (const worker of workers)
        await worker.subscribe(queue, 'client-individual', { id: queue, 'prefetch-count': '1' })
      for (const body of ['1', '2']) await post(a!, queue, body)
      const given = await Promise.all(workers.map((worker) => worker.take()))
      expect(given.map(({ body }) => body).sort()).toEqual(['1', '2'])
      await Promise.all(workers.map((worker, i) => worker.ack(given[i]!)))
    }
  })

  it('answer with state, and keep values, of any master', async () => {
    const { peer } = await logIn(b!)
    for (const each of MANY) {
      await redis('HSET', `p:state:${each}`, 'k', each)
      peer.send(frameText('SUBSCRIBE', { id: `s${each}`, destination: `/app/state/${each}` }))
      expect(await message(peer, { destination: `/app/state/${each}` })).toBe(`{"k":"${each}"}`)
      await post(a!, `/topic/prices/${each}`, Number(each))
      peer.send(frameText('SUBSCRIBE', { id: `p${each}`, destination: `/topic/prices/${each}` }))
      expect(await message(peer, { retained: 'true' })).toBe(each)
    }
  })

  it('read one history over HTTP, which each of them has written', async () => {
    for (const each of MANY) {
      const topic = `/topic/h/${each}`
      for (const [i, bridge] of [a!, b!, a!].entries()) await post(bridge, topic, String(i))
      const pages = await Promise.all(
        [a!, b!].map((bridge) => api(bridge, 'GET', `/api/history?destination=${topic}&limit=10`)),
      )
      const bodies = pages.map(({ json }) =>
        (json as { messages: { body: string }[] }).messages.map(({ body }) => body),
      )
      expect(bodies).toEqual([
        ['0', '1', '2'],
        ['0', '1', '2'],
      ])
      expect(pages[0]!.json).toEqual(pages[1]!.json)
    }
  })

  it('see each other in the debugger', async () => {
    for (const bridge of [a!, b!]) {
      const response = await fetch(`${bridge.url}/api/bridge`, { headers: { authorization: `Bearer ${KEYS.admin}` } })
      const { nodes } = (await response.json()) as { nodes: { id: string; isThis: boolean }[] }
      expect(nodes.map(({ isThis }) => isThis).sort()).toEqual([false, true])
    }
  })
})
