/** Requests with an `Upgrade` header that is for no WebSocket, and upgrades that are refused: raw bytes to a real bridge. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
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

  it('that ask for HTTP/2, as Java clients do, are answered as ordinary requests', async () => {
    const body = JSON.stringify({ topic: '/topic/toast', message: 'from Java' })
    const { status, socket } = await request(
      [
        'POST /api/notification HTTP/1.1',
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
      ],
      body,
    )
    expect(status).toBe('HTTP/1.1 200 OK')
    socket.destroy()
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
