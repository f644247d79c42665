/** Requests with an `Upgrade` header that is for no WebSocket, and upgrades that are refused: raw bytes to a real bridge. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import { connectRaw } from '../support/raw-http.ts'
import { runtime } from '../support/runtime.ts'

describe(`upgrade requests on ${runtime}`, () => {
  let bridge: BridgeProcess

  beforeAll(async () => {
    bridge = await spawnBridge({ runtime })
  })

  afterAll(async () => {
    expect(await bridge.stop()).toBe(0)
  })

  /** Sends the lines and the body; gives the status line of the answer and the socket. */
  async function request(lines: readonly string[], body = ''): Promise<{ status: string; socket: Socket }> {
    const socket = connect({ port: bridge.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => {}) // a reset is one way to be ended
    socket.write([...lines, `Host: 127.0.0.1:${bridge.port}`, '', body].join('\r\n'))
    let text = ''
    while (!text.includes('\r\n')) text += String((await once(socket, 'data'))[0])
    return { status: text.slice(0, text.indexOf('\r\n')), socket }
  }

  it.each([
    [
      'HTTP/2, as Java clients do',
      ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
    ],
    ['a WebSocket, as some proxies make them', ['Connection: Upgrade', 'Upgrade: websocket']],
  ])('that ask for %s, are answered as ordinary requests', async (_what, lines) => {
    const body = JSON.stringify({ topic: '/topic/toast', message: 'from Java' })
    const { status, socket } = await request(
      ['POST /api/notification HTTP/1.1', ...lines, 'Content-Type: application/json', `Content-Length: ${body.length}`],
      body,
    )
    expect(status).toBe('HTTP/1.1 200 OK')
    socket.destroy()
  })

  it('that are a HEAD with a body are answered as a HEAD', async () => {
    for (const upgrade of ['h2c', 'websocket']) {
      const lines = ['HEAD /health HTTP/1.1', 'Connection: Upgrade', `Upgrade: ${upgrade}`, 'Content-Length: 2']
      const { status, socket } = await request(lines, '{}')
      expect(status).toBe('HTTP/1.1 200 OK')
      socket.destroy()
    }
  })

  it.each(['//a/stomp', '//a:1/stomp', '//%2F/stomp'])('for %s ask for another path than /stomp', async (path) => {
    const { status, socket } = await request([
      `GET ${path} HTTP/1.1`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ])
    expect(status).toBe('HTTP/1.1 404 Not Found')
    socket.destroy()
  })

  it.each([
    ['no key', []],
    ['a short key', ['Sec-WebSocket-Key: abc', 'Sec-WebSocket-Version: 13']],
    ['no version', ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']],
    ['another version', ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 99']],
  ])('that are no handshake (%s) are refused with a code, and told the version', async (_which, lines) => {
    for (const path of ['/stomp', '/raw/topic/x']) {
      const connection = await connectRaw(bridge.port)
      const head = [`GET ${path} HTTP/1.1`, 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket', ...lines, '', '']
      connection.write(head.join('\r\n'))
      await connection.until('{"error":{"code":"upgrade-required"')
      expect(connection.text()).toMatch(/^HTTP\/1\.1 426 /)
      expect(connection.text()).toMatch(/^sec-websocket-version: 13\r$/im)
      connection.destroy()
    }
  })

  it('of a foreign origin are refused, and the connection goes although the client keeps it', async () => {
    const { status, socket } = await request([
      'GET /stomp HTTP/1.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Origin: https://evil.example',
    ])
    expect(status).toBe('HTTP/1.1 403 Forbidden')
    socket.resume()
    if (runtime === 'bun') return socket.destroy() // keeps it for the next request, and ends it when idle
    if (!socket.readableEnded) await once(socket, 'end')
    return undefined
  })
})
