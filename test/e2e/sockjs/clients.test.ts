/** The real SockJS client against a real bridge, over each of its transports that the bridge has. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import SockJS from 'sockjs-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { metric, notify } from '../../support/clients/backend.ts'
import { connectSockJs, TRANSPORTS, type TransportName } from '../../support/clients/sockjs.ts'
import { connectStompjs7 } from '../../support/clients/stompjs7.ts'
import { spawnBridge, type BridgeProcess } from '../../support/process.ts'
import type { RedisServer } from '../../support/redis.ts'
import { runtime } from '../../support/runtime.ts'
import { eventually } from '../../support/wait.ts'
import { startWorld, untilReady } from '../../support/world.ts'

const CONFIG = `
debugger: { api: 'on' }
doors: { sockjs: true }
broker: { releaseDelayMs: 0 }
`
const SHOWN: Record<TransportName, string> = {
  websocket: 'sockjs-websocket',
  'xhr-streaming': 'sockjs-xhr',
  'xhr-polling': 'sockjs-xhr',
}

interface Session {
  readonly id: string
  readonly transport: string
  readonly version: string
}

describe(`sockjs-client on ${runtime}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-sockjs-'))
  const file = join(directory, 'bridge.yaml')
  writeFileSync(file, CONFIG)
  afterAll(() => rmSync(directory, { recursive: true }))

  let redis: RedisServer
  let backend: Redis
  let bridge: BridgeProcess
  let other: BridgeProcess
  beforeAll(async () => {
    const args = ['--config', file]
    ;({ redis, backend, bridge } = await startWorld({ runtime, args }))
    other = await spawnBridge({ runtime, args, env: { REDIS_URL: redis.url } })
    await untilReady(other)
  })

  const sessions = async (on = bridge): Promise<Session[]> => {
    const response = await fetch(`${on.url}/api/sessions`)
    return ((await response.json()) as { sessions: Session[] }).sessions
  }

  /** A client that leaves between two polls is not seen to leave: its session ends 5 s later. */
  const untilNobody = () => eventually(async () => expect(await sessions()).toEqual([]), { timeoutMs: 8000 })

  describe.each(TRANSPORTS)('over %s', (transport) => {
    const topic = (name: string) => `/topic/${transport}-${name}`

    it('subscribes, sends and gets what others send, in order, on every node', async () => {
      const [one, two] = [await connectSockJs(bridge.url, transport), await connectSockJs(other.url, transport)]
      const plain = await connectStompjs7(bridge)
      const subscriptions = await Promise.all([one, two, plain].map((each) => each.subscribe(topic('order'))))
      const bodies = Array.from({ length: 300 }, (_, i) => `${i} ž\u2028\u0001"\\ ${'x'.repeat(i * 10)}`)
      await Promise.all(bodies.map((body) => one.send(topic('order'), body)))
      for (const subscription of subscriptions) {
        expect((await subscription.take(300)).map(({ body }) => body)).toEqual(bodies)
      }
      await backend.publish(topic('order').slice(1).replace('/', ':'), '"published"')
      await notify(other, topic('order'), 'posted')
      for (const subscription of subscriptions) {
        const last = await subscription.take(2)
        expect(last.map(({ body }) => body).toSorted()).toEqual(['posted', 'published'])
      }
      await Promise.all([one, two, plain].map((each) => each.disconnect()))
    })

    it('is a session like others: listed, counted, closed by an operator, and gone when it has disconnected', async () => {
      await untilNobody()
      const before = await metric(bridge, 'stomp_bridge_sessions_opened_total')
      const client = await connectSockJs(bridge.url, transport)
      expect(await sessions()).toMatchObject([{ protocol: 'stomp', transport: SHOWN[transport], version: '1.2' }])
      expect(await metric(bridge, 'stomp_bridge_sessions_opened_total')).toBe(before + 1)
      const [{ id } = { id: '' }] = await sessions()
      const errors: string[] = []
      client.own.onStompError = ({ headers }) => errors.push(headers['code']!)
      await fetch(`${bridge.url}/api/sessions/${id}`, { method: 'DELETE' })
      expect(await client.closed).toBe(1008)
      expect(errors).toEqual(['closed-by-operator'])
      await untilNobody()
      const second = await connectSockJs(bridge.url, transport)
      await second.disconnect()
      await untilNobody()
    })

    it('gets what is wrong as an error, and the close code that a WebSocket has', async () => {
      const client = await connectSockJs(bridge.url, transport)
      await expect(client.send('/nowhere', 'x')).rejects.toMatchObject({
        headers: { code: 'no-route' },
      })
      expect(await client.closed).toBe(1002)
    })

    it('gets bodies that are no text as base64, with a header that says so, and text as it is', async () => {
      const client = await connectSockJs(bridge.url, transport)
      const subscription = await client.subscribe(topic('binary'))
      const sender = await connectStompjs7(bridge)
      const bytes = Uint8Array.of(0, 128, 255, 10)
      sender.own.publish({
        destination: topic('binary'),
        binaryBody: bytes,
        headers: { 'content-type': 'application/octet-stream', encoding: 'its own' },
      })
      await sender.send(topic('binary'), 'text', { encoding: 'its own' })
      const [binary, text] = await subscription.take(2)
      expect(binary!.headers).toMatchObject({ encoding: 'base64', 'content-type': 'application/octet-stream' })
      expect(Buffer.from(binary!.body, 'base64')).toEqual(Buffer.from(bytes))
      expect([text!.body, text!.headers['encoding']]).toEqual(['text', 'its own'])
      await Promise.all([client.disconnect(), sender.disconnect()])
    })

    it('keeps STOMP heart-beats both ways', async () => {
      const client = await connectSockJs(bridge.url, transport, { heartbeatIncoming: 200, heartbeatOutgoing: 200 })
      expect(client.connected['heart-beat']).not.toBe('0,0')
      const subscription = await client.subscribe(topic('beats'))
      // Ten intervals: without beats either side would have closed long ago.
      const startedAt = performance.now()
      await eventually(() => expect(performance.now() - startedAt).toBeGreaterThan(2000), { intervalMs: 100 })
      await client.send(topic('beats'), 'still here')
      expect((await subscription.next()).body).toBe('still here')
      await client.disconnect()
    })

    it('is told why when its bridge is stopped', async () => {
      const restarted = await spawnBridge({ runtime, args: ['--config', file], env: { REDIS_URL: redis.url } })
      const socket = new SockJS(`${restarted.url}/stomp`, null, { transports: transport })
      const closed = new Promise<{ code: number; reason: string }>((resolve) => {
        socket.onclose = ({ code, reason }) => resolve({ code, reason })
      })
      await new Promise<void>((resolve) => {
        socket.onopen = () => socket.send('CONNECT\naccept-version:1.2\n\n\0')
        socket.onmessage = () => resolve()
      })
      expect(socket.transport).toBe(transport)
      expect(await restarted.stop()).toBe(0)
      expect(await closed).toEqual({ code: 1001, reason: 'The server is shutting down' })
    })

    it('sends what is as large as a frame may be, and is refused what is larger', async () => {
      const client = await connectSockJs(bridge.url, transport)
      const subscription = await client.subscribe(topic('large'))
      const body = '"'.repeat(60_000)
      await client.send(topic('large'), body)
      expect((await subscription.next()).body).toBe(body)
      await expect(client.send(topic('large'), 'x'.repeat(70_000))).rejects.toMatchObject({
        headers: { code: 'frame-too-large' },
      })
      expect(await client.closed).toBe(1002)
    })

    it('sends much at once', async () => {
      const client = await connectSockJs(bridge.url, transport)
      const subscription = await client.subscribe(topic('much'))
      const body = 'x'.repeat(20_000)
      for (let i = 0; i < 40; i++) client.own.publish({ destination: topic('much'), body })
      expect(await subscription.take(40)).toHaveLength(40)
      await client.disconnect()
    })
  })

  it('finds a transport by itself', async () => {
    const socket = new SockJS(`${bridge.url}/stomp`)
    await new Promise<void>((resolve) => (socket.onopen = resolve))
    expect(socket.transport).toBe('websocket')
    socket.close()
    await untilNobody()
  })

  it('shares one encoding with others of its kind', async () => {
    const clients = await Promise.all(
      TRANSPORTS.flatMap((each) => [each, each]).map((each) => connectSockJs(bridge.url, each)),
    )
    const subscriptions = await Promise.all(clients.map((client) => client.subscribe('/topic/crowd')))
    for (let i = 0; i < 200; i++) await backend.publish('topic:crowd', `"${i}"`)
    const wanted = Array.from({ length: 200 }, (_, i) => `${i}`)
    for (const subscription of subscriptions) {
      expect((await subscription.take(200)).map(({ body }) => body)).toEqual(wanted)
    }
    await Promise.all(clients.map((client) => client.disconnect()))
  })
})
