/** Listening on Node: `node:http` with Hono's adapter, and `ws` for WebSocket. Fan-out writes a frame that was built once. */
import { Buffer } from 'node:buffer'
import { createServer, STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Listener, ListenOptions, OpenSocket, RequestEnv, Runtime, SendResult, Socket } from '../socket.ts'
import { GatheringFanout, type GroupMember } from './groups.ts'
import { listenTcp } from './tcp.ts'

/** A peer that answers no ping within this time is dropped, in milliseconds: finds half-open clients without heart-beats. */
const PING_INTERVAL_MS = 60_000
/** The whole request has to arrive within this time, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000

export function createRuntime(): Runtime {
  return { name: 'node', version: process.versions.node, listen, listenTcp }
}

/** The same listener under another runtime's name; see deno.ts. */
export function listen(options: ListenOptions): Promise<Listener> {
  const fanout = new GatheringFanout<Uint8Array>(buildFrame, options.joinFrames)
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
    void answerUpgrade(options, incoming).then(
      ({ response, open, protocol }) => {
        if (!open) return refuseUpgrade(stream, response)
        if (protocol !== undefined) protocols.set(incoming, protocol)
        sockets.handleUpgrade(incoming, stream, head, (ws) => {
          ws.on('pong', () => awaitingPong.delete(ws))
          const handler = open(new NodeSocket(ws, stream, remoteAddressOf(incoming), fanout, options.hardUnsentBytes))
          ws.on('message', (data: Buffer) => handler.receive(data))
          ws.on('error', () => {}) // 'close' follows, with the code
          ws.on('close', (code, reason) => handler.closed(code, reason.toString()))
        })
      },
      () => stream.destroy(),
    )
  })
  /** Sockets that have not answered the last ping. */
  const awaitingPong = new WeakSet<WebSocket>()
  const pings = setInterval(() => pingAll(sockets, awaitingPong), PING_INTERVAL_MS)
  pings.unref()
  return new Promise((resolve, reject) => {
    http.once('error', reject)
    http.listen(options.port, options.host, () => {
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

interface UpgradeAnswer {
  readonly response: Response
  readonly open: OpenSocket | undefined
  readonly protocol: string | undefined
}

/** Runs the application for an upgrade request: it decides, as on the other runtimes. */
async function answerUpgrade(options: ListenOptions, incoming: IncomingMessage): Promise<UpgradeAnswer> {
  let accepted: { open: OpenSocket; protocol: string | undefined } | undefined
  const response = await options.fetch(requestOf(incoming), {
    remoteAddress: remoteAddressOf(incoming),
    upgrade(_request, { protocol, open }) {
      accepted = { open, protocol }
      return new Response(null)
    },
  })
  return { response, open: accepted?.open, protocol: accepted?.protocol }
}

function requestOf(incoming: IncomingMessage): Request {
  const headers = new Headers()
  for (let i = 0; i < incoming.rawHeaders.length; i += 2)
    headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!)
  const method = incoming.method === 'HEAD' ? 'HEAD' : 'GET' // an upgrade with any other method is refused by `ws`
  const { href } = new URL(incoming.url ?? '/', `http://${incoming.headers.host ?? 'localhost'}`)
  return new Request(href, { method, headers })
}

function remoteAddressOf(incoming: IncomingMessage): string {
  return incoming.socket.remoteAddress ?? ''
}

/** For requests that are no upgrade. */
function plainEnv(remoteAddress: string | undefined): RequestEnv {
  return {
    remoteAddress: remoteAddress ?? '',
    upgrade: () => new Response('Expected a WebSocket upgrade', { status: 426, headers: { upgrade: 'websocket' } }),
  }
}

async function refuseUpgrade(stream: Duplex, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer())
  const headers = new Headers(response.headers)
  headers.set('connection', 'close')
  headers.set('content-length', String(body.length))
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const status = STATUS_CODES[response.status] ?? ''
  stream.end(Buffer.concat([Buffer.from(`HTTP/1.1 ${response.status} ${status}\r\n${lines}\r\n`), body]))
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
  readonly #fanout: GatheringFanout<Uint8Array>
  readonly #hardUnsentBytes: number

  constructor(
    ws: WebSocket,
    stream: Duplex,
    remoteAddress: string,
    fanout: GatheringFanout<Uint8Array>,
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
