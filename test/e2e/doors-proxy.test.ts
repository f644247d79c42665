/** Streams and plain WebSockets through nginx, over HTTP/1.0, and to clients that offer HTTP/2 on the way. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Redis } from 'ioredis'
import { openEventStream } from '../support/clients/event-stream.ts'
import { openPlainWebSocket } from '../support/clients/plain-websocket.ts'
import { startNginx } from '../support/nginx.ts'
import type { BridgeProcess } from '../support/process.ts'
import { runtime } from '../support/runtime.ts'
import { eventually } from '../support/wait.ts'
import { startWorld } from '../support/world.ts'

describe(`the doors on ${runtime}`, () => {
  let backend: Redis
  let bridge: BridgeProcess
  let proxy: string
  beforeAll(async () => {
    ;({ backend, bridge } = await startWorld({ runtime, env: { STOMP_BRIDGE_BROKER_RELEASE_DELAY_MS: '0' } }))
    proxy = await startNginx(bridge.port)
  })

  const subscribers = async (channel: string) =>
    ((await backend.call('PUBSUB', 'NUMSUB', channel)) as [string, number])[1]

  it.each(['one-zero', 'one-one'])(
    'bring each event at once through nginx that gathers what it can: %s',
    async (place) => {
      const events = await openEventStream(`${proxy}/${place}/sse/topic/${place}`)
      expect(events.response.headers.get('content-type')).toBe('text/event-stream')
      await events.comments.next()
      expect(events.retryMs).toBeGreaterThanOrEqual(1000)
      for (let i = 0; i < 20; i++) {
        await backend.publish(`topic:${place}`, `"${i}"`)
        expect((await events.events.next()).data).toBe(`${i}`)
      }
      events.close()
      await eventually(async () => expect(await subscribers(`topic:${place}`)).toBe(0))
    },
  )

  it('bring each message through nginx to a plain WebSocket', async () => {
    const plain = await openPlainWebSocket(`${proxy.replace('http', 'ws')}/websocket/raw/topic/through`)
    for (let i = 0; i < 20; i++) {
      await backend.publish('topic:through', `"${i}"`)
      expect(await plain.messages.next()).toBe(`${i}`)
    }
  })

  /** A connection that has sent these lines, and what came back so far. */
  async function request(lines: readonly string[]): Promise<{ socket: Socket; text: () => string }> {
    const socket = connect(bridge.port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {}) // a reset is one way to be ended
    let text = ''
    socket.on('data', (data) => (text += data.toString()))
    await once(socket, 'connect')
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    return { socket, text: () => text }
  }

  it('end a stream of HTTP/1.0 with the connection, and write no chunks into it', async () => {
    const { socket, text } = await request(['GET /sse/topic/old HTTP/1.0', `Host: 127.0.0.1:${bridge.port}`])
    await eventually(() => expect(text()).toContain('retry:'))
    await backend.publish('topic:old', '"hello"')
    await eventually(() => expect(text()).toContain('data: hello\n\n'))
    const [head, body] = text().split('\r\n\r\n') as [string, string]
    expect(head).toMatch(/^HTTP\/1\.[01] 200 /)
    expect(head).not.toMatch(/transfer-encoding/i)
    expect(body).toMatch(/^:\nretry: \d+\n\nevent: message\ndata: hello\n\n$/)
    const sessions = (await (await fetch(`${bridge.url}/api/sessions?search=/topic/old`)).json()) as {
      sessions: { id: string }[]
    }
    const ended = once(socket, 'end')
    await fetch(`${bridge.url}/api/sessions/${sessions.sessions[0]!.id}`, { method: 'DELETE' })
    await ended
    expect(text()).toMatch(/event: error\ndata: \{"code":"closed-by-operator".*\}\n\n$/)
  })

  it('answer a client that offers HTTP/2, as that of Java does, with the stream', async () => {
    const { text } = await request([
      'GET /sse/topic/java HTTP/1.1',
      `Host: 127.0.0.1:${bridge.port}`,
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQAAP__',
    ])
    await eventually(() => expect(text()).toContain('retry:'))
    await backend.publish('topic:java', '"hello"')
    await eventually(() => expect(text()).toContain('data: hello\n\n'))
    expect(text()).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('leave the connection of a stream that has ended to the next request', async () => {
    const lines = (path: string) => [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${bridge.port}`]
    const { socket, text } = await request(lines('/sse/topic/kept'))
    await eventually(() => expect(text()).toContain('retry:'))
    const list = (await (await fetch(`${bridge.url}/api/sessions?search=/topic/kept`)).json()) as {
      sessions: { id: string }[]
    }
    await fetch(`${bridge.url}/api/sessions/${list.sessions[0]!.id}`, { method: 'DELETE' })
    await eventually(() => expect(text()).toMatch(/\r\n0\r\n\r\n$/))
    socket.write(`${lines('/health').join('\r\n')}\r\n\r\n`)
    await eventually(() => expect(text()).toContain('"status"'))
  })
})
