/** The doors without STOMP, from outside: real clients, a real Redis, two bridges, and the end of a bridge. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Redis } from 'ioredis'
import { metric, notify } from '../support/clients/backend.ts'
import { openEventStream } from '../support/clients/event-stream.ts'
import { openPlainWebSocket } from '../support/clients/plain-websocket.ts'
import { connectStompjs7 } from '../support/clients/stompjs7.ts'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import type { RedisServer } from '../support/redis.ts'
import { runtime } from '../support/runtime.ts'
import { eventually } from '../support/wait.ts'
import { startWorld, untilReady } from '../support/world.ts'

const CONFIG = `
debugger: { api: 'on' }
limits: { maxFrameBytes: 20000 }
broker: { releaseDelayMs: 0 }
routes: { inbound: [{ channel: 'app:notifications', destination: /topic/notifications, codec: raw }] }
endpoints:
  - { path: /, protocol: raw, subscribe: [/topic/notifications] }
  - { path: '/chat/{room}', protocol: raw, subscribe: ['/topic/chat/{room}'], send: '/topic/chat/{room}' }
  - { path: /wrapped, protocol: raw, subscribe: [/topic/wrapped], wrap: message }
  - { path: /echo, protocol: raw, echo: true }
`

describe(`the doors without STOMP on ${runtime}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-doors-'))
  const file = join(directory, 'bridge.yaml')
  writeFileSync(file, CONFIG)
  afterAll(() => rmSync(directory, { recursive: true }))

  let redis: RedisServer
  let backend: Redis
  let bridge: BridgeProcess
  let other: BridgeProcess
  beforeAll(async () => {
    ;({ redis, backend, bridge } = await startWorld({ runtime, args: ['--config', file] }))
    other = await spawnBridge({ runtime, args: ['--config', file], env: { REDIS_URL: redis.url } })
    await untilReady(other)
  })

  const socket = (path: string, on = bridge) => openPlainWebSocket(on.url.replace('http', 'ws') + path)
  const stream = (path: string, on = bridge) => openEventStream(on.url + path)

  // Before the crowds of the others, of which the log does not have them all.
  it('say in the log where a client came from that has left, as STOMP does', async () => {
    const ends = () => bridge.logs().filter(({ msg }) => msg === 'A session has ended')
    const before = ends().length
    const stomp = await connectStompjs7(bridge)
    const [plain, events] = [await socket('/raw/topic/logged'), await stream('/sse/topic/logged')]
    plain.close()
    events.close()
    await stomp.disconnect()
    const here = expect.objectContaining({ address: '127.0.0.1' })
    await eventually(() => expect(ends().slice(before)).toEqual([here, here, here]))
  })

  it('bring what a backend publishes and posts, and what STOMP clients send, on every node', async () => {
    const [plain, json] = [await socket('/raw/topic/a'), await socket('/raw/topic/a?frame=json', other)]
    const [events, several] = [
      await stream('/sse/topic/a', other),
      await stream('/sse?destination=/topic/a&destination=/topic/b'),
    ]
    await backend.publish('topic:a', '"published"')
    await notify(other, '/topic/a', 'posted')
    const stomp = await connectStompjs7(bridge)
    await stomp.send('/topic/a', 'sent')
    await stomp.disconnect()
    const wanted = ['published', 'posted', 'sent']
    const sorted = (bodies: unknown[]) => bodies.toSorted()
    expect(sorted(await plain.messages.take(3))).toEqual(sorted(wanted))
    const frames = (await json.messages.take(3)).map((text) => JSON.parse(text as string) as { body: string })
    expect(sorted(frames.map(({ body }) => body))).toEqual(sorted(wanted))
    expect(sorted((await events.events.take(3)).map(({ data }) => data))).toEqual(sorted(wanted))
    const more = (await several.events.take(3)).map(
      ({ data }) => JSON.parse(data) as { body: string; destination: string },
    )
    expect(sorted(more.map(({ body }) => body))).toEqual(sorted(wanted))
    expect(more[0]!.destination).toBe('/topic/a')
  })

  it('keep text text and bytes bytes', async () => {
    const [plain, echo] = [await socket('/raw/topic/kinds'), await socket('/echo')]
    const stomp = await connectStompjs7(bridge)
    await stomp.send('/topic/kinds', 'text', { 'content-type': 'text/plain' })
    await stomp.send('/topic/kinds', 'bytes', { 'content-type': 'application/octet-stream' })
    expect(await plain.messages.take(2)).toEqual(['text', Buffer.from('bytes')])
    await stomp.disconnect()
    const bytes = Buffer.from([0, 128, 255])
    for (const data of ['žluť', '', bytes]) echo.send(data)
    expect(await echo.messages.take(3)).toEqual(['žluť', '', bytes])
  })

  it('are live as soon as they are open: what is published then is never missed', async () => {
    for (let i = 0; i < 200; i++) {
      const channel = `topic:live-${i}`
      const published: Promise<number>[] = []
      const plain = await openPlainWebSocket(`${bridge.url.replace('http', 'ws')}/raw/topic/live-${i}`, {
        onOpen: () => published.push(backend.publish(channel, `"${i}"`)),
      })
      expect(await plain.messages.next()).toBe(`${i}`)
      const events = await stream(`/sse/topic/live-sse-${i}`)
      published.push(backend.publish(`topic:live-sse-${i}`, `"${i}"`))
      expect((await events.events.next()).data).toBe(`${i}`)
      expect(await Promise.all(published)).toEqual([1, 1])
      events.close()
    }
  })

  it('bring the messages of one client of an endpoint to all others on every node, in order', async () => {
    const [one, two, reader] = [
      await socket('/chat/x'),
      await socket('/chat/x', other),
      await stream('/sse/topic/chat/x', other),
    ]
    for (let i = 0; i < 100; i++) one.send(`one ${i}`)
    const of = (name: string) => Array.from({ length: 100 }, (_, i) => `${name} ${i}`)
    expect(await two.messages.take(100)).toEqual(of('one'))
    for (let i = 0; i < 100; i++) two.send(`two ${i}`)
    expect(await one.messages.take(100)).toEqual(of('two'))
    expect((await reader.events.take(200)).map(({ data }) => data)).toEqual([...of('one'), ...of('two')])
    expect(one.messages.all).toHaveLength(100)
  })

  it('stand in for another server at / and elsewhere', async () => {
    const [notifications, wrapped] = [await socket('/'), await socket('/wrapped?token=x')]
    await backend.publish('app:notifications', '{"id":1784563209871234567}')
    expect(await notifications.messages.next()).toBe('{"id":1784563209871234567}')
    await backend.publish('topic:wrapped', '"hello"')
    expect(await wrapped.messages.next()).toBe('{"message":"hello"}')
    const page = await fetch(`${bridge.url}/`, { redirect: 'manual' })
    expect([page.status, page.headers.get('location')]).toEqual([302, './debugger/'])
  })

  it('refuse before they open', async () => {
    await expect(socket('/raw/nowhere')).rejects.toThrow('400')
    await expect(socket('/raw/topic/a?last=3')).rejects.toThrow('400')
    const refused = await stream('/sse/nowhere')
    expect([refused.response.status, refused.response.headers.get('content-type')]).toEqual([400, 'application/json'])
    expect((await fetch(`${bridge.url}/raw/topic/a`)).status).toBe(426)
    const head = await fetch(`${bridge.url}/sse/topic/a`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  })

  it('close a client that sends too large a message with 1009', async () => {
    const chat = await socket('/chat/large')
    chat.send('x'.repeat(20_001))
    expect(await chat.closed).toEqual({ code: 1009, reason: 'A message may have at most 20000 bytes' })
  })

  it('are in the list of sessions, from which an operator can close them, and in the metrics', async () => {
    const opened = await metric(bridge, 'stomp_bridge_sessions_opened_total')
    const [plain, events] = [await socket('/raw/topic/listed'), await stream('/sse/topic/listed')]
    const list = async () => {
      const response = await fetch(`${bridge.url}/api/sessions?search=/topic/listed`)
      return (await response.json()) as {
        total: number
        sessions: { id: string; protocol: string; transport: string }[]
      }
    }
    const { total, sessions } = await list()
    expect(total).toBe(2)
    expect(sessions.map(({ protocol, transport }) => `${protocol} ${transport}`).toSorted()).toEqual([
      'raw websocket',
      'sse http',
    ])
    expect(sessions[0]).toMatchObject({
      version: null,
      subscriptions: [{ id: null, destination: '/topic/listed', ack: 'auto' }],
      subscriptionCount: 1,
    })
    expect(await metric(bridge, 'stomp_bridge_sessions_opened_total')).toBe(opened + 2)
    for (const { id } of sessions) {
      expect((await fetch(`${bridge.url}/api/sessions/${id}`, { method: 'DELETE' })).status).toBe(204)
    }
    expect((await plain.closed).code).toBe(1008)
    const error = await events.events.next()
    expect([error.event, JSON.parse(error.data)]).toMatchObject(['error', { code: 'closed-by-operator' }])
    expect(await events.ended).toBe(true)
    await eventually(async () => expect((await list()).total).toBe(0))
  })

  it('let go of the channels of clients that have left', async () => {
    const [plain, events] = [await socket('/raw/topic/left'), await stream('/sse/topic/left')]
    const subscribers = async () => ((await backend.call('PUBSUB', 'NUMSUB', 'topic:left')) as [string, number])[1]
    expect(await subscribers()).toBe(1)
    events.close()
    plain.close()
    await eventually(async () => expect(await subscribers()).toBe(0))
  })

  it('stay open while Redis is away, and go on when it is back', async () => {
    const [plain, chat, events] = [
      await socket('/raw/topic/away'),
      await socket('/chat/away'),
      await stream('/sse/topic/away'),
    ]
    await redis.crash()
    await eventually(async () => expect((await fetch(`${bridge.url}/ready`)).status).toBe(503))
    chat.send('nobody takes it')
    expect(await chat.closed).toMatchObject({ code: 1002, reason: expect.stringContaining('unavailable') })
    const meanwhile = await socket('/raw/topic/away')
    await redis.restart()
    await untilReady(bridge)
    await untilReady(other)
    await backend.publish('topic:away', '"back"')
    expect(await plain.messages.next()).toBe('back')
    expect(await meanwhile.messages.next()).toBe('back')
    expect((await events.events.next()).data).toBe('back')
  })

  it('tell their clients when the bridge stops', async () => {
    const [plain, events, chat] = [
      await socket('/raw/topic/bye', other),
      await stream('/sse/topic/bye', other),
      await socket('/chat/bye', other),
    ]
    const reader = await socket('/raw/topic/chat/bye')
    for (let i = 0; i < 50; i++) chat.send(`${i}`)
    // What has come in is taken; the signal may overtake what is still on its way.
    expect(await reader.messages.next()).toBe('0')
    const exited = other.stop()
    expect((await plain.closed).code).toBe(1001)
    expect((await chat.closed).code).toBe(1001)
    const error = await events.events.next()
    expect([error.event, JSON.parse(error.data)]).toMatchObject(['error', { code: 'shutting-down' }])
    expect(await events.ended).toBe(true)
    expect(await exited).toBe(0)
  })
})
