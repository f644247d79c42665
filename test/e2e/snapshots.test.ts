/** Snapshots: who subscribes gets the state once, at every door, on two nodes with a real Redis and a backend of HTTP. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { metric } from '../support/clients/backend.ts'
import { openEventStream } from '../support/clients/event-stream.ts'
import { openPlainWebSocket } from '../support/clients/plain-websocket.ts'
import { connectStompjs7 } from '../support/clients/stompjs7.ts'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import { runtime } from '../support/runtime.ts'
import { bodyText, connectPeer, frameText, type StompPeer } from '../support/stomp-peer.ts'
import { startWorld, untilReady, type World } from '../support/world.ts'

const configOf = (http: string): string => `
redis: { keyPrefix: 'p:', reconnectMaxDelayMs: 100 }
snapshots:
  - { destination: /app/checkboxes, source: { type: hash, key: checkbox-state } }
  - { destination: '/app/rooms/{room}', source: { type: list, key: 'room:{room}', maxEntries: 5 } }
  - { destination: /app/text, source: { type: string, key: text } }
  - { destination: '/app/http/{id}', source: { type: http, url: '${http}/state/{id}?x=1', timeoutMs: 300 } }
routes: { inbound: [{ channel: changes, destination: /topic/changes, codec: json }] }
endpoints: [{ path: /boxes, protocol: raw, subscribe: [/app/checkboxes] }]
access:
  authenticators: [{ type: anonymous }]
  rules:
    - { deny: subscribe, destination: '/app/rooms/secret%3Aroom', anonymous: true }
    - { deny: subscribe, destination: /app/text, anonymous: true }
    - { allow: [subscribe, send], destination: '/**', anonymous: true }
`

const OCTETS = Buffer.from([0, 255, 1])

/** A backend that answers by what it is asked for; returns its URL. */
async function startBackend(): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    const id = /^\/state\/([^?]*)\?x=1$/.exec(url)?.[1] ?? 'nothing'
    if (id === 'late') return
    if (id === 'broken') response.writeHead(200, { 'content-length': '100' }).write('{')
    if (id === 'broken') return void response.destroy()
    if (id === 'octets') return void response.writeHead(200, { 'content-type': 'image/x-thing' }).end(OCTETS)
    if (id === 'bare-octets') return void response.writeHead(200).end(OCTETS)
    const status = /^\d+$/.test(id) ? Number(id) : 200
    response.writeHead(status, status === 302 ? { location: '/state/x?x=1' } : {}).end(`{"of": "${id}"}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  afterAll(() => void server.close())
  afterAll(() => server.closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe(`snapshots on ${runtime}`, () => {
  let world: World
  let backend: Redis
  let a: BridgeProcess
  let b: BridgeProcess
  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-snapshots-'))
    afterAll(() => rmSync(directory, { recursive: true }))
    const file = join(directory, 'bridge.yaml')
    writeFileSync(file, configOf(await startBackend()))
    const args = ['--config', file]
    world = await startWorld({ runtime, args })
    a = world.bridge
    backend = world.backend
    b = await spawnBridge({ runtime, args, env: { REDIS_URL: world.redis.url } })
    afterAll(async () => void (await b.stop()))
    await untilReady(b)
  })

  async function logIn(bridge: BridgeProcess = a, version = '1.2'): Promise<StompPeer> {
    const peer = await connectPeer({ url: bridge.wsUrl })
    onTestFinished(() => peer.terminate())
    peer.send(frameText('CONNECT', { 'accept-version': version }))
    await peer.expect('CONNECTED')
    return peer
  }

  const subscribe = (peer: StompPeer, destination: string, id = '1'): void =>
    peer.send(frameText('SUBSCRIBE', { id, destination, receipt: `r${id}` }))

  async function refusalOf(destination: string): Promise<string> {
    const peer = await logIn()
    subscribe(peer, destination)
    const error = await peer.expect('ERROR')
    expect(error.headers.get('receipt-id')).toBe('r1')
    return error.headers.get('code') ?? ''
  }

  it('come as one message before the RECEIPT, on every node, and the subscription goes on', async () => {
    await backend.hset('p:checkbox-state', '7', '1')
    for (const bridge of [a, b]) {
      const peer = await logIn(bridge)
      subscribe(peer, '/app/checkboxes')
      const message = await peer.expect('MESSAGE', {
        destination: '/app/checkboxes',
        subscription: '1',
        'content-type': 'application/json',
      })
      expect(bodyText(message)).toBe('{"7":"1"}')
      await peer.expect('RECEIPT', { 'receipt-id': 'r1' })
      await backend.publish('p:changes', '{"index":8}')
      peer.send(frameText('UNSUBSCRIBE', { id: '1', receipt: 'u' }))
      await peer.expect('RECEIPT', { 'receipt-id': 'u' })
      subscribe(peer, '/app/checkboxes', '2')
      await peer.expect('MESSAGE', { subscription: '2' })
      await peer.expect('RECEIPT', { 'receipt-id': 'r2' })
    }
  })

  it('come to a client of STOMP 1.0 without an id, and with an ack to who acknowledges', async () => {
    const old = await logIn(a, '1.0')
    old.send(frameText('SUBSCRIBE', { destination: '/app/rooms/none' }))
    expect(bodyText(await old.expect('MESSAGE'))).toBe('[]')
    const peer = await logIn()
    peer.send(frameText('SUBSCRIBE', { id: '1', destination: '/app/rooms/none', ack: 'client-individual' }))
    const ack = (await peer.expect('MESSAGE')).headers.get('ack')!
    peer.send(frameText('ACK', { id: ack, receipt: 'acked' }))
    await peer.expect('RECEIPT', { 'receipt-id': 'acked' })
  })

  it('come at the other doors', async () => {
    await backend.del('p:checkbox-state')
    const socket = await openPlainWebSocket(`${a.wsUrl.replace('/stomp', '')}/boxes`)
    onTestFinished(() => socket.close())
    expect(await socket.messages.next()).toBe('{}')
    const raw = await openPlainWebSocket(`${a.wsUrl.replace('/stomp', '')}/raw/app/rooms/x?frame=json`)
    onTestFinished(() => raw.close())
    expect(JSON.parse(String(await raw.messages.next()))).toMatchObject({
      destination: '/app/rooms/x',
      headers: { 'content-type': 'application/json' },
      body: '[]',
    })
    const events = await openEventStream(`${b.url}/sse?destination=/app/checkboxes&destination=/topic/changes`)
    expect(JSON.parse((await events.events.next()).data)).toMatchObject({ destination: '/app/checkboxes', body: '{}' })
    await backend.publish('p:changes', '1')
    expect(JSON.parse((await events.events.next()).data)).toMatchObject({ destination: '/topic/changes', body: '1' })
  })

  it('bring the octets that a server answers, with their content type or none', async () => {
    for (const [id, type] of [
      ['octets', 'image/x-thing'],
      ['bare-octets', undefined],
    ] as const) {
      const destination = `/app/http/${id}`
      const peer = await logIn()
      subscribe(peer, destination)
      const { body } = await peer.expect('MESSAGE', { destination, 'content-type': type })
      expect([...body]).toEqual([...OCTETS])
      await peer.expect('RECEIPT', { 'receipt-id': 'r1' })
      const raw = await openPlainWebSocket(`${b.wsUrl.replace('/stomp', '')}/raw${destination}?frame=json`)
      onTestFinished(() => raw.close())
      const frame = JSON.parse(String(await raw.messages.next())) as { headers: Record<string, string> }
      expect(frame).toMatchObject({ destination, body: OCTETS.toString('base64'), encoding: 'base64' })
      expect(frame.headers['content-type']).toBe(type)
    }
  })

  it('leave no gap: the topic with a receipt, then the snapshot', async () => {
    await backend.del('p:checkbox-state')
    const change = async (i: number): Promise<void> => {
      await backend.multi().hset('p:checkbox-state', i, '1').publish('p:changes', String(i)).exec()
    }
    let isOver = false
    const changing = (async () => {
      for (let i = 0; !isOver; i++) await change(i)
    })()
    const client = await connectStompjs7(a)
    onTestFinished(() => client.disconnect())
    const live = await client.subscribe('/topic/changes')
    const state = await client.subscribe('/app/checkboxes')
    const first = Number((await live.next()).body)
    const known = Object.keys(JSON.parse((await state.next()).body) as object).length
    isOver = true
    await changing
    // Everything before the snapshot is in it, and what is not has come or comes.
    expect(known).toBeGreaterThanOrEqual(first)
  })

  it('are read for many at once, and never older than the SUBSCRIBE', async () => {
    const peers = await Promise.all(Array.from({ length: 20 }, () => logIn()))
    await backend.config('RESETSTAT')
    let value = 0
    for (let i = 0; i < 50; i++) {
      await backend.hset('p:checkbox-state', 'n', ++value)
      for (const peer of peers) {
        peer.send(frameText('SUBSCRIBE', { id: `${i}`, destination: '/app/checkboxes' }))
      }
    }
    for (const peer of peers) {
      for (let got = 0; got < 50; got++) {
        const message = await peer.expect('MESSAGE')
        const { n } = JSON.parse(bodyText(message)) as { n: string }
        expect(Number(n)).toBeGreaterThan(Number(message.headers.get('subscription')))
      }
    }
    const calls = Number(/cmdstat_hgetall:calls=(\d+)/.exec(await backend.info('commandstats'))?.[1])
    expect(calls).toBeGreaterThan(1)
    expect(calls).toBeLessThanOrEqual(200)
    expect(await metric(a, 'stomp_bridge_snapshot_reads_total')).toBeGreaterThanOrEqual(calls)
  })

  it('have variables, whose values reach nothing but their own', async () => {
    await backend.rpush('p:room:a%3Ab', 'encoded')
    await backend.rpush('p:room:a:b', 'plain')
    const peer = await logIn()
    for (const [i, room] of ['a%3Ab', 'a:b', '%61%3Ab'].entries()) {
      subscribe(peer, `/app/rooms/${room}`, String(i))
      const message = await peer.expect('MESSAGE', { destination: `/app/rooms/${room}` })
      expect(bodyText(message)).toBe(room.startsWith('a') ? '["encoded"]' : '[]')
      await peer.expect('RECEIPT')
    }
  })

  it('come from HTTP as they are', async () => {
    const peer = await logIn()
    for (const [i, id] of ['a%2Fb', 'a&b#c'].entries()) {
      subscribe(peer, `/app/http/${id}`, String(i))
      const of = id === 'a%2Fb' ? id : 'a%26b%23c'
      expect(bodyText(await peer.expect('MESSAGE', { 'content-type': 'application/json' }))).toBe(`{"of": "${of}"}`)
      await peer.expect('RECEIPT')
    }
  })

  it.each(['500', '404', '302', 'late', 'broken'])('from HTTP that is %s are refused', async (id) => {
    expect(await refusalOf(`/app/http/${id}`)).toBe('source-unavailable')
  })

  it('of another type, or too large, are refused, counted and logged', async () => {
    const before = await metric(a, 'stomp_bridge_snapshot_failures_total')
    await backend.set('p:room:text', 'x')
    await backend.rpush('p:room:large', ...'123456')
    expect(await refusalOf('/app/rooms/text')).toBe('source-unavailable')
    expect(await refusalOf('/app/rooms/large')).toBe('source-unavailable')
    expect(await metric(a, 'stomp_bridge_snapshot_failures_total')).toBe(before + 2)
    expect(a.stderr()).toContain('WRONGTYPE')
    expect(a.stderr()).toContain('it has 6, over maxEntries, which is 5')
  })

  it('are for those who may, however the destination is written', async () => {
    for (const destination of ['/app/text', '/app/rooms/secret%3Aroom', '/app/rooms/secret:room']) {
      expect(await refusalOf(destination)).toBe('not-authorized')
    }
  })

  it('are nowhere else: not below another destination, not by a pattern, and not with an ask', async () => {
    for (const destination of ['/app/none', '/app/checkboxes/', '/app/checkboxes/*', '/app/http/*', '/app/http/..']) {
      expect(await refusalOf(destination)).toBe('bad-destination')
    }
    const peer = await logIn()
    peer.send(frameText('SUBSCRIBE', { id: '1', destination: '/app/checkboxes', last: '1' }))
    await peer.expect('ERROR', { code: 'no-history' })
  })

  it('are refused while Redis is away, and come again with it', async () => {
    const stream = await openEventStream(`${a.url}/sse/topic/changes`)
    await world.redis.crash()
    expect(await refusalOf('/app/checkboxes')).toBe('bus-unavailable')
    const events = await openEventStream(`${a.url}/sse/app/checkboxes`)
    const { event, data } = await events.events.next()
    expect([event, JSON.parse(data)]).toMatchObject(['error', { code: 'bus-unavailable' }])
    const peer = await logIn()
    subscribe(peer, '/app/http/x')
    await peer.expect('MESSAGE')
    await peer.expect('RECEIPT')
    await world.redis.restart()
    await Promise.all([untilReady(a), untilReady(b)])
    subscribe(peer, '/app/checkboxes', '2')
    await peer.expect('MESSAGE', { subscription: '2' })
    stream.close()
  })
})
