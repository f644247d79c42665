/**
 * What `src/runtime/inflation.ts` and `node.ts` take for granted of the package `ws` and it does not promise. When one of
 * these fails after an update, look there first.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { inflateMessages } from '../../src/runtime/inflation.ts'

async function connected() {
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  const server = new WebSocketServer({ server: http, perMessageDeflate: { threshold: 0 } })
  const { port } = http.address() as AddressInfo
  const client = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: { threshold: 0 } })
  const [socket] = (await once(server, 'connection')) as [WebSocket]
  onTestFinished(() => {
    client.terminate()
    server.close()
    http.close()
  })
  await once(client, 'open')
  return { client, socket }
}

describe('the package ws', () => {
  it('keeps the extension of a socket where its decompression can be replaced', async () => {
    const { socket } = await connected()
    const { _extensions: extensions } = socket as unknown as { _extensions: Record<string, { decompress: unknown }> }
    expect(typeof extensions['permessage-deflate']?.decompress, '_extensions moved or decompress was renamed').toBe(
      'function',
    )
  })

  it('takes messages from the replacement', async () => {
    const { client, socket } = await connected()
    inflateMessages(socket, 1000)
    expect(socket.readyState, 'inflateMessages found nothing to replace').toBe(WebSocket.OPEN)
    client.send('hello '.repeat(100))
    const [data] = (await once(socket, 'message')) as [Buffer]
    expect(data.toString()).toBe('hello '.repeat(100))
  })

  it('closes with 1009 when the replacement says that a message is too large', async () => {
    const { client, socket } = await connected()
    inflateMessages(socket, 1000)
    socket.on('error', () => {})
    client.send('x'.repeat(100_000))
    const [code] = (await once(client, 'close')) as [number]
    expect(code).toBe(1009)
  })

  it('writes a frame of its own at once, so that what is written beside it keeps its order', async () => {
    const { client, socket } = await connected()
    const { _socket: stream } = socket as unknown as { _socket: { write(data: Uint8Array): void } }
    const received: string[] = []
    client.on('ping', (data: Buffer) => received.push(`ping ${data.toString()}`))
    client.on('message', (data: Buffer) => received.push(`message ${data.toString()}`))
    stream.write(Buffer.from([0x81, 1, 0x61]))
    socket.ping('1')
    stream.write(Buffer.from([0x81, 1, 0x62]))
    socket.close(1000)
    await once(client, 'close')
    expect(received).toEqual(['message a', 'ping 1', 'message b'])
  })
})
