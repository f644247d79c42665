/** Handshakes that wait for their answer, on the listener that Node and Deno share: clients that leave, or talk too soon. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createRuntime } from '../../src/runtime/node.ts'
import type { FetchHandler, SocketHandler } from '../../src/socket.ts'
import { eventually } from '../support/wait.ts'

async function listen(fetch: FetchHandler): Promise<number> {
  const listener = await createRuntime().listen({
    host: '127.0.0.1',
    port: 0,
    fetch,
    maxMessageBytes: 1000,
    maxBodyBytes: 1000,
    hardUnsentBytes: 1000,
    compressionMinBytes: undefined,
    pingIntervalMs: 25_000,
    keepAliveMs: 5000,
    requestTimeoutMs: 5000,
  })
  onTestFinished(() => listener.close())
  return listener.port
}

async function handshake(port: number, more: Uint8Array = new Uint8Array()): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {}) // a reset is one way to be ended
  await once(socket, 'connect')
  const lines = ['GET / HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
  const head = [...lines, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''].join('\r\n')
  socket.write(Buffer.concat([Buffer.from(head), more]))
  return socket
}

/** A client's text message of this one letter, masked with zeros. */
const message = (letter: string) => Buffer.from([0x81, 0x81, 0, 0, 0, 0, letter.charCodeAt(0)])

describe('a handshake whose answer is pending', () => {
  it.each([
    ['ends', (socket: Socket) => void socket.end()],
    ['resets', (socket: Socket) => void socket.resetAndDestroy()],
  ])('is aborted when the client %s its connection', async (_how, leave) => {
    let signal: AbortSignal | undefined
    let answer!: (response: Response) => void
    const port = await listen((request) => {
      signal = request.signal
      return new Promise((resolve) => (answer = resolve))
    })
    const socket = await handshake(port)
    await eventually(() => expect(signal?.aborted).toBe(false))
    leave(socket)
    await eventually(() => expect(signal!.aborted).toBe(true))
    answer(new Response('too late', { status: 401 }))
  })

  it('keeps what the client sends too soon, and its signal is silent once it is answered', async () => {
    const received: string[] = []
    let isClosed = false
    const handler: SocketHandler = {
      receive: (data) => void received.push(data.toString()),
      ended() {},
      closed: () => void (isClosed = true),
    }
    let signal: AbortSignal | undefined
    let accept!: () => void
    const port = await listen((request, env) => {
      signal = request.signal
      return new Promise((resolve) => {
        accept = () => resolve(env.upgrade(request, { protocol: undefined, open: () => handler }))
      })
    })
    const socket = await handshake(port, message('a'))
    await eventually(() => expect(signal).toBeDefined())
    socket.write(message('b'))
    await new Promise((resolve) => setImmediate(resolve))
    accept()
    await once(socket, 'data')
    socket.write(message('c'))
    await eventually(() => expect(received).toEqual(['a', 'b', 'c']))
    socket.destroy()
    await eventually(() => expect(isClosed).toBe(true))
    expect(signal!.aborted).toBe(false)
  })

  it('is refused as ever where nobody asks for its signal', async () => {
    const port = await listen(() => new Response('no', { status: 403 }))
    const socket = await handshake(port)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 403 /)
  })
})
