/** What happens to Redis and to its connections, one fault at a time: nothing that is held is missed or doubled without a word. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { metric } from '../../support/clients/backend.ts'
import type { BridgeProcess } from '../../support/process.ts'
import { runtime } from '../../support/runtime.ts'
import { bodyText, frameText } from '../../support/stomp-peer.ts'
import { eventually, waitFor } from '../../support/wait.ts'
import { untilReady } from '../../support/world.ts'
import { send, subscribe } from '../access/stage.ts'
import {
  ask,
  bodies,
  enter,
  http,
  messages,
  numbered,
  page,
  placeOf,
  post,
  quiet,
  since,
  startHistoryNodes,
  type HistoryNodes,
} from './stage.ts'

const CONFIG = `
history:
  - { destination: '/topic/retained/**', size: 10, ttlSeconds: 300, retain: true }
  - { destination: '/topic/h/**', size: 5000, ttlSeconds: 300 }
redis: { probeIntervalMs: 500, commandTimeoutMs: 1000, reconnectMaxDelayMs: 200 }
`

describe(`history and faults on ${runtime}`, () => {
  let nodes: HistoryNodes
  beforeAll(async () => void (nodes = await startHistoryNodes(CONFIG)))

  let topics = 0
  const newTopic = (kind = 'h'): string => `/topic/${kind}/f${++topics}`
  const keyOf = (topic: string, part: 'log' | 'position'): string => `stomp-bridge:history:{${topic}}:${part}`
  const both = (): BridgeProcess[] => [nodes.a, nodes.b]

  /** Posts one after the other, each until it is taken; a key keeps it from being there twice. */
  async function insist(topic: string, texts: readonly string[]): Promise<void> {
    for (const [i, message] of texts.entries()) {
      await eventually(
        async () => {
          const node = both()[i % 2]!
          const answer = await http(node.url, 'POST', '/api/notification', { topic, message }, { 'idempotency-key': message })
          expect(answer.status).toBe(200)
        },
        { timeoutMs: 15_000, intervalMs: 20 },
      )
    }
  } // prettier-ignore

  it('FLUSHALL: another epoch, who has asked is told before what is new, and who comes back too', async () => {
    const topic = newTopic()
    const [asked, plain] = [await enter(nodes.a), await enter(nodes.b)]
    await ask(asked, topic, { last: '0' })
    await subscribe(plain, topic)
    await post(nodes.a, topic, ['one', 'two'])
    const place = placeOf((await messages(asked, 2)).at(-1)!)
    await bodies(plain, 2)
    const now = Date.now()
    const counts = () => Promise.all(['gaps_not_filled', 'histories_anew'].map((name) => metric(nodes.a, `stomp_bridge_${name}_total`)))
    const [unfilled, anew] = await counts()
    await nodes.backend.flushall()
    await post(nodes.b, topic, ['three'])
    const marker = await asked.expect('MESSAGE', { event: 'position', recovered: 'false' })
    const [unfilledNow, anewNow] = await counts()
    expect([unfilledNow! - unfilled!, anewNow! - anew!]).toEqual([1, 1])
    expect(placeOf(marker).epoch).not.toBe(place.epoch)
    expect(await bodies(asked, 1)).toEqual(['three'])
    expect(await bodies(plain, 1)).toEqual(['three'])
    for (const node of both()) {
      for (const headers of [since(place), { 'since-time': String(now - 60_000) }] as Record<string, string>[]) {
        const late = await enter(node)
        expect(Object.fromEntries((await ask(late, topic, headers)).headers)).toMatchObject({ recovered: 'false', count: '1' })
        expect(await bodies(late, 1)).toEqual(['three'])
      }
    }
  }) // prettier-ignore

  it('FLUSHALL and nothing since: who comes back is told', async () => {
    const topic = newTopic()
    const first = await enter(nodes.a)
    await ask(first, topic, { last: '0' })
    await post(nodes.a, topic, ['one'])
    const place = placeOf((await messages(first, 1))[0]!)
    await nodes.backend.flushall()
    const fresh = await nodes.startAnother()
    const time = String(Number(place.offset.split('-')[0]) - 1)
    for (const headers of [{ 'since-time': time }, since(place)] as Record<string, string>[]) {
      const marker = await ask(await enter(fresh), topic, headers)
      expect(Object.fromEntries(marker.headers)).toMatchObject({ recovered: 'false', count: '0' })
    }
    const held = newTopic()
    await post(nodes.a, held, ['live'])
    expect((await page(fresh, held)).messages).toHaveLength(1)
  })

  it('SCRIPT FLUSH under load: nothing is lost, doubled or out of order', async () => {
    const topic = newTopic()
    const peers = await Promise.all(both().map((node) => enter(node)))
    for (const peer of peers) await ask(peer, topic, { last: '0' })
    const sender = await enter(nodes.a)
    for (let i = 1; i <= 300; i++) {
      send(sender, topic, `m${i}`, i === 300 ? { receipt: 'sent' } : {})
      if (i % 50 === 25) await nodes.backend.script('FLUSH')
    }
    await sender.receipt('sent')
    for (const peer of peers) {
      expect(await bodies(peer, 300)).toEqual(numbered('m', 1, 300))
      await quiet(peer)
    }
    await nodes.backend.script('FLUSH')
    const late = await enter(nodes.b)
    await ask(late, topic, { last: '2' })
    expect(await bodies(late, 2)).toEqual(['m299', 'm300'])
    await nodes.backend.script('FLUSH')
    sender.send('BEGIN\ntransaction:t\n\n\0')
    for (const text of ['t1', 't2']) send(sender, topic, text, { transaction: 't' })
    sender.send('COMMIT\ntransaction:t\nreceipt:c\n\n\0')
    await sender.receipt('c')
    for (const peer of [...peers, late]) expect(await bodies(peer, 2)).toEqual(['t1', 't2'])
  })

  it('Redis is restarted and two nodes send at once: what one client sends stays in order', async () => {
    const topic = newTopic()
    const reader = await enter(nodes.a)
    await ask(reader, topic, { last: '0' })
    const senders = await Promise.all([...both(), ...both()].map((node) => enter(node)))
    for (let round = 0; round < 6; round++) {
      await nodes.redis.restart()
      for (const node of both()) await untilReady(node)
      for (let k = 0; k < 20; k++) {
        for (const [i, sender] of senders.entries()) send(sender, topic, `${i} ${round * 20 + k}`, { receipt: `${i}` })
        await new Promise((resolve) => setImmediate(resolve))
      }
      for (const [i, sender] of senders.entries()) for (let k = 0; k < 20; k++) await sender.receipt(`${i}`)
    }
    const came = await bodies(reader, senders.length * 120)
    for (const i of senders.keys()) {
      expect(came.filter((body) => body.startsWith(`${i} `))).toEqual(numbered(`${i} `, 0, 119))
    }
  }) // prettier-ignore

  it('the log is evicted: how many are missing is known', async () => {
    const topic = newTopic()
    const first = await enter(nodes.a)
    await ask(first, topic, { last: '0' })
    await post(nodes.a, topic, numbered('m', 1, 5))
    const places = (await messages(first, 5)).map(placeOf)
    await nodes.backend.del(keyOf(topic, 'log'))
    const fresh = await nodes.startAnother()
    const answer = async (i: number) => Object.fromEntries((await ask(await enter(fresh), topic, since(places[i]!))).headers)
    expect(await answer(1)).toMatchObject({ recovered: 'false', missed: '3', count: '0' })
    expect(await answer(4)).toMatchObject({ recovered: 'true', count: '0' })
    await post(nodes.b, topic, ['m6'])
    expect(await answer(1)).toMatchObject({ recovered: 'false', missed: '3', count: '1' })
    expect(await answer(4)).toMatchObject({ recovered: 'true', count: '1' })
    expect(await bodies(first, 1)).toEqual(['m6'])
  }) // prettier-ignore

  it('the position is evicted: another epoch, never a silent gap', async () => {
    const topic = newTopic()
    const first = await enter(nodes.a)
    await ask(first, topic, { last: '0' })
    await post(nodes.a, topic, numbered('m', 1, 5))
    const place = placeOf((await messages(first, 5)).at(-2)!)
    await nodes.backend.del(keyOf(topic, 'position'))
    await post(nodes.b, topic, ['m6'])
    await first.expect('MESSAGE', { event: 'position', recovered: 'false' })
    expect(await bodies(first, 1)).toEqual(['m6'])
    const fresh = await nodes.startAnother()
    for (const node of [fresh, nodes.a, nodes.b]) {
      const late = await enter(node)
      const marker = await ask(late, topic, since(place))
      expect(marker.headers.get('recovered')).toBe('false')
      expect(await bodies(late, Number(marker.headers.get('count')))).toEqual(['m6'])
    }
  })

  it('a node that is behind looks into Redis before it says anything', async () => {
    const relay = await startRelay(nodes.redis.port)
    const behind = await nodes.startAnother({ REDIS_URL: `redis://127.0.0.1:${relay.port}`, STOMP_BRIDGE_REDIS_PROBE_INTERVAL_MS: '60000' })
    const topic = newTopic()
    const [here, there] = [await enter(behind), await enter(nodes.a)]
    await ask(here, topic, { last: '0' })
    await ask(there, topic, { last: '0' })
    await post(nodes.a, topic, numbered('m', 1, 3))
    await bodies(here, 3)
    await messages(there, 3)
    relay.hold()
    await post(nodes.a, topic, numbered('m', 4, 9))
    const places = (await messages(there, 6)).map(placeOf)
    const newest = await enter(behind)
    const marker = await ask(newest, topic, since(places[5]!))
    expect(Object.fromEntries(marker.headers)).toMatchObject({ recovered: 'true', count: '0', offset: places[5]!.offset })
    const middle = await enter(behind)
    expect(Object.fromEntries((await ask(middle, topic, since(places[2]!))).headers)).toMatchObject({ recovered: 'true' })
    expect(await bodies(middle, 3)).toEqual(numbered('m', 7, 9))
    const other = await ask(await enter(behind), topic, { since: `${places[5]!.offset}9`, epoch: places[5]!.epoch })
    expect(other.headers.get('recovered')).toBe('false')
    relay.release()
    await post(nodes.a, topic, ['m10'])
    expect(await bodies(here, 7)).toEqual(numbered('m', 4, 10))
    for (const peer of [newest, middle]) {
      expect(await bodies(peer, 1)).toEqual(['m10'])
      await quiet(peer)
    }
  }) // prettier-ignore

  it('what is published behind a RECEIPT comes, also when it was late and the history was looked at after it', async () => {
    const relay = await startRelay(nodes.redis.port)
    const node = await nodes.startAnother({ REDIS_URL: `redis://127.0.0.1:${relay.port}`, STOMP_BRIDGE_REDIS_PROBE_INTERVAL_MS: '60000' })
    const topic = newTopic()
    await post(nodes.a, topic, ['old'])
    const peer = await enter(node)
    await subscribe(peer, '/topic/others')
    await post(nodes.a, '/topic/others', ['the old one has come'])
    await bodies(peer, 1)
    relay.holdCommands()
    await subscribe(peer, topic)
    relay.hold()
    await post(nodes.a, topic, ['m1', 'm2'])
    relay.releaseCommands()
    // The read is answered before this one.
    expect((await page(node, topic)).messages).toHaveLength(3)
    relay.release()
    expect(await bodies(peer, 2)).toEqual(['m1', 'm2'])
    await post(nodes.a, topic, ['m3'])
    expect(await bodies(peer, 1)).toEqual(['m3'])
    await quiet(peer)
  }) // prettier-ignore

  it.each([
    ['in order', () => nodes.redis.restart()],
    ['killed', async () => (await nodes.redis.crash(), await nodes.redis.restart())],
  ])('Redis is restarted (%s): who stays and who comes back misses and doubles nothing', async (_name, restart) => {
    const topic = newTopic()
    const peers = await Promise.all(both().map((node) => enter(node)))
    for (const peer of peers) await ask(peer, topic, { last: '0' })
    const away = await enter(nodes.a)
    await ask(away, topic, { last: '0' })
    await insist(topic, numbered('m', 1, 10))
    const place = placeOf((await messages(away, 4)).at(-1)!)
    away.terminate()
    const publishing = insist(topic, numbered('m', 11, 120))
    await restart()
    await publishing
    for (const node of both()) await untilReady(node)
    for (const peer of peers) {
      expect(await bodies(peer, 120)).toEqual(numbered('m', 1, 120))
      await quiet(peer)
    }
    for (const node of both()) {
      const back = await enter(node)
      const marker = await ask(back, topic, since(place))
      expect(Object.fromEntries(marker.headers)).toMatchObject({ recovered: 'true', count: '116' })
      expect(await bodies(back, 116)).toEqual(numbered('m', 5, 120))
    }
  }) // prettier-ignore

  it.each(['pubsub', 'normal'])('CLIENT KILL TYPE %s again and again: nobody misses or doubles anything', async (type) => {
    const topic = newTopic()
    const peers = await Promise.all([...both(), ...both()].map((node) => enter(node)))
    for (const peer of peers.slice(0, 2)) await subscribe(peer, topic)
    for (const peer of peers.slice(2)) await ask(peer, topic, { last: '0' })
    await insist(topic, ['m1'])
    const publishing = insist(topic, numbered('m', 2, 200))
    for (let i = 0; i < 6; i++) {
      const lost = await Promise.all(both().map((node) => metric(node, 'stomp_bridge_gaps_filled_total')))
      await nodes.backend.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
      for (const node of both()) await untilReady(node)
      expect(lost.every((count) => count >= 0)).toBe(true)
    }
    await publishing
    for (const peer of peers) {
      expect(await bodies(peer, 200)).toEqual(numbered('m', 1, 200))
      await quiet(peer)
    }
    expect((await page(nodes.a, topic, { limit: '1000' })).messages.map(({ body }) => body)).toEqual(numbered('m', 1, 200))
  }) // prettier-ignore

  it('Redis stands still and goes on: nothing is lost or doubled', async () => {
    const topic = newTopic()
    const peers = await Promise.all(both().map((node) => enter(node)))
    for (const peer of peers) await ask(peer, topic, { last: '0' })
    const publishing = insist(topic, numbered('m', 1, 100))
    await waitFor(() => peers[0]!.frames.length > 10)
    nodes.redis.pause()
    onTestFinished(() => nodes.redis.resume())
    // longer than anybody waits for an answer
    await waitFor(async () => (await fetch(`${nodes.a.url}/ready`)).status === 503, { timeoutMs: 10_000 })
    nodes.redis.resume()
    await publishing
    for (const peer of peers) {
      expect(await bodies(peer, 100)).toEqual(numbered('m', 1, 100))
      await quiet(peer)
    }
  })

  it('Redis refuses to read it: who asks is told, and who gets what is retained, and nobody stands still', async () => {
    for (const [topic, headers, subscribeNow] of [
      [newTopic(), { last: '5' }, ask],
      [newTopic('retained'), {}, subscribe],
    ] as const) {
      await nodes.backend.set(keyOf(topic, 'position'), 'no hash')
      const peer = await enter(nodes.a)
      peer.send(frameText('SUBSCRIBE', { id: '1', destination: topic, receipt: 'r', ...headers }))
      await peer.expect('ERROR', { code: 'bus-refused', 'receipt-id': 'r' })
      await nodes.backend.del(keyOf(topic, 'position'))
      await subscribeNow(await enter(nodes.a), topic, headers)
    }
  })

  it('while Redis is away asking waits, and is answered when it is back', async () => {
    const topic = newTopic()
    await post(nodes.a, topic, ['m1'])
    const { epoch, offset } = await page(nodes.a, topic, { last: '0' })
    await post(nodes.a, topic, ['m2'])
    await nodes.redis.crash()
    for (const node of both()) await waitFor(async () => (await fetch(`${node.url}/ready`)).status === 503)
    expect((await http(nodes.a.url, 'GET', `/api/history?destination=${topic}`)).status).toBe(503)
    const peers = await Promise.all(both().map((node) => enter(node)))
    const asking = peers.map((peer) => ask(peer, topic, since({ epoch, offset })))
    const retained = await enter(nodes.a)
    const live = subscribe(retained, newTopic('retained'))
    await nodes.redis.restart()
    for (const marker of await Promise.all(asking)) {
      expect(Object.fromEntries(marker.headers)).toMatchObject({ recovered: 'true', count: '1' })
    }
    for (const peer of peers) expect((await messages(peer, 1)).map(bodyText)).toEqual(['m2'])
    await live
  })

  it('every key of the bridge expires', async () => {
    const keys = await nodes.backend.keys('*')
    expect(keys.length).toBeGreaterThan(5)
    for (const key of keys) expect([key, (await nodes.backend.pttl(key)) > 0]).toEqual([key, true])
  })
})

interface Relay {
  readonly port: number
  /** What Redis sends to subscribing connections waits here. */
  hold(): void
  release(): void
  /** What the node sends on other connections waits here. */
  holdCommands(): void
  releaseCommands(): void
}

/** Stands between a node and Redis, until the test is over. */
async function startRelay(redisPort: number): Promise<Relay> {
  const subscribing = new Set<Socket>()
  const open = new Set<Socket>()
  const inner = new Set<Socket>()
  const commands = (): Socket[] => [...inner]
  const server = createServer((inside) => {
    const outside = connect(redisPort, '127.0.0.1')
    inner.add(inside)
    for (const socket of [inside, outside]) {
      open.add(socket)
      socket.on('error', () => {}) // a close follows
      socket.on('close', () => (inside.destroy(), outside.destroy()))
    }
    inside.on('data', (data) => {
      if (/subscribe/i.test(data.toString('latin1'))) {
        subscribing.add(outside)
        inner.delete(inside)
      }
      outside.write(data)
    })
    outside.on('data', (data) => inside.write(data))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    hold: () => subscribing.forEach((socket) => socket.pause()),
    release: () => subscribing.forEach((socket) => socket.resume()),
    holdCommands: () => commands().forEach((socket) => socket.pause()),
    releaseCommands: () => commands().forEach((socket) => socket.resume()),
  }
}
