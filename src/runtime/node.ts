/** Listening on Node: `node:http` with Hono's adapter, and `ws` for WebSocket. Fan-out writes a frame that was built once. */
import { Buffer } from 'node:buffer'
import { createServer, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Listener, ListenOptions, RequestEnv, Runtime, SendResult, Socket } from '../socket.ts'
import { GroupFanout, type GroupMember } from './groups.ts'
import { answerUpgrade, sendResponse } from './node-upgrade.ts'
import { listenTcp } from './tcp.ts'

export { processes } from './cluster.ts'

/** A peer that answers no ping within this time is dropped, in milliseconds: finds half-open clients without heart-beats. */
const PING_INTERVAL_MS = 60_000
/** The whole request has to arrive within this time, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000

export function createRuntime(): Runtime {
  return {
    name: 'node',
    version: process.versions.node,
    listen: (options) => listen(options),
    listenTcp: (options) => listenTcp(options),
  }
}

/** The same listener under another runtime's name, which can share the port with other processes; see deno.ts. */
export function listen(options: ListenOptions, reusePort = false): Promise<Listener> {
  const fanout = new GroupFanout<Uint8Array>(buildFrame)
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: options.maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (_offered, request) => protocols.get(request) ?? false,
  })
  const protocols = new WeakMap<IncomingMessage, string>()
  const listener = getRequestListener(
    (request, { incoming }) => options.fetch(request, plainEnv(incoming.socket.remoteAddress)),
    { overrideGlobalObjects: false },
  )
  const http = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS },
    (incoming, outgoing) => void listener(incoming, outgoing),
  )
  http.on('upgrade', (incoming: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy())
    answerUpgrade(options.fetch, incoming, stream, head, options.maxBodyBytes)
      .then(({ response, accepted }) => {
        if (!accepted) return sendResponse(stream, response)
        const { open, protocol } = accepted
        if (protocol !== undefined) protocols.set(incoming, protocol)
        incoming.socket.setTimeout(0) // from here on heart-beats and pings tell
        sockets.handleUpgrade(incoming, stream, head, (ws) => {
          ws.on('pong', () => awaitingPong.delete(ws))
          const { remoteAddress = '' } = incoming.socket
          const handler = open(new NodeSocket(ws, stream, remoteAddress, fanout, options.hardUnsentBytes))
          ws.on('message', (data: Buffer) => handler.receive(data))
          ws.on('error', () => {}) // 'close' follows, with the code
          ws.on('close', (code, reason) => handler.closed(code, reason.toString()))
        })
        return undefined
      })
      .catch(() => stream.destroy())
  })
  // also for a connection that never sends anything
  http.setTimeout(REQUEST_TIMEOUT_MS)
  /** Sockets that have not answered the last ping. */
  const awaitingPong = new WeakSet<WebSocket>()
  const pings = setInterval(() => pingAll(sockets, awaitingPong), PING_INTERVAL_MS)
  pings.unref()
  return new Promise((resolve, reject) => {
    http.once('error', reject)
    http.listen({ port: options.port, host: options.host, ...(reusePort ? { reusePort } : {}) }, () => {
      http.off('error', reject)
      const address = http.address()
      resolve({
        host: options.host,
        port: typeof address === 'object' && address ? address.port : options.port,
        fanout,
        stopAccepting() {
          http.close()
          http.closeIdleConnections()
        },
        close() {
          clearInterval(pings)
          for (const ws of sockets.clients) ws.terminate()
          http.closeAllConnections()
          return http.listening ? new Promise((closed) => http.close(() => closed())) : Promise.resolve()
        },
      })
    })
  })
}

/** For requests that are no upgrade. */
function plainEnv(remoteAddress: string | undefined): RequestEnv {
  return {
    remoteAddress: remoteAddress ?? '',
    upgrade: () => new Response('Expected a WebSocket upgrade', { status: 426, headers: { upgrade: 'websocket' } }),
  }
}

function pingAll(sockets: WebSocketServer, awaitingPong: WeakSet<WebSocket>): void {
  for (const ws of sockets.clients) {
    if (awaitingPong.has(ws)) ws.terminate()
    else {
      awaitingPong.add(ws)
      ws.ping()
    }
  }
}

/** A complete, unmasked WebSocket message in one frame (RFC 6455 section 5.2). */
function buildFrame(data: string | Uint8Array): Uint8Array {
  const isText = typeof data === 'string'
  const length = isText ? Buffer.byteLength(data) : data.length
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(headerLength + length)
  frame[0] = isText ? 0x81 : 0x82
  if (headerLength === 2) frame[1] = length
  else if (headerLength === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  if (isText) frame.write(data, headerLength)
  else frame.set(data, headerLength)
  return frame
}

class NodeSocket implements Socket, GroupMember<Uint8Array> {
  readonly transport = 'websocket'
  readonly remoteAddress: string
  readonly #ws: WebSocket
  readonly #stream: Duplex
  readonly #fanout: GroupFanout<Uint8Array>
  readonly #hardUnsentBytes: number

  constructor(
    ws: WebSocket,
    stream: Duplex,
    remoteAddress: string,
    fanout: GroupFanout<Uint8Array>,
    hardUnsentBytes: number,
  ) {
    this.remoteAddress = remoteAddress
    this.#ws = ws
    this.#stream = stream
    this.#fanout = fanout
    this.#hardUnsentBytes = hardUnsentBytes
  }

  get bufferedBytes(): number {
    return this.#stream.writableLength
  }

  send(data: string | Uint8Array): SendResult {
    return this.write(buildFrame(data))
  }

  /** Straight to the stream: without compression `ws` writes at once too, so the order is one. */
  write(frame: Uint8Array): SendResult {
    if (this.#ws.readyState !== this.#ws.OPEN) return 'dropped'
    if (this.#stream.writableLength > this.#hardUnsentBytes) {
      this.#ws.terminate()
      return 'dropped'
    }
    return this.#stream.write(frame) ? 'written' : 'queued'
  }

  join(group: string): void {
    this.#fanout.join(group, this)
  }

  leave(group: string): void {
    this.#fanout.leave(group, this)
  }

  pause(): void {
    this.#ws.pause()
  }

  resume(): void {
    this.#ws.resume()
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason)
  }

  terminate(): void {
    this.#ws.terminate()
  }
}
