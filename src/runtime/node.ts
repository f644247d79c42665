/** Listening on Node: `node:http` with Hono's adapter, and `ws` for WebSocket. Fan-out writes a frame that was built once. */
import type { Buffer } from 'node:buffer'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Listener, ListenOptions, RequestEnv, Runtime, Socket } from '../socket.ts'
import { GroupFanout, type GroupMember } from './groups.ts'
import { inflateMessages } from './inflation.ts'
import { NodeStreams } from './node-stream.ts'
import { answerUpgrade, sendResponse } from './node-upgrade.ts'
import { listenTcp } from './tcp.ts'
import { WebSocketMessages } from './websocket-message.ts'

export { processes } from './cluster.ts'

/** A peer that answers no ping within this time is dropped, in milliseconds: finds half-open clients without heart-beats. */
const PING_INTERVAL_MS = 60_000
/** The whole request has to arrive within this time, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000

/**
 * Each message stands by itself both ways: so a compressed frame is right for every client, and nothing that one
 * message says can be guessed from the length of the next. `ws` only negotiates: see inflation.ts and websocket-message.ts.
 */
const DEFLATE_OPTIONS = { serverNoContextTakeover: true, clientNoContextTakeover: true }

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
  const { compressionMinBytes } = options
  const fanout = new GroupFanout<WebSocketMessages>((messages) => new WebSocketMessages(messages, compressionMinBytes))
  const streams = new NodeStreams(options.hardUnsentBytes)
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: options.maxMessageBytes,
    perMessageDeflate: compressionMinBytes === undefined ? false : DEFLATE_OPTIONS,
    handleProtocols: (_offered, request) => protocols.get(request) ?? false,
  })
  const protocols = new WeakMap<IncomingMessage, string>()
  const listener = getRequestListener(
    (request, { incoming, outgoing }) =>
      streams.answer(options.fetch, request, plainEnv(incoming.socket.remoteAddress), outgoing as ServerResponse),
    { overrideGlobalObjects: false },
  )
  const http = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS },
    (incoming, outgoing) => void listener(incoming, outgoing),
  )
  http.on('upgrade', (incoming: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy())
    answerUpgrade(options.fetch, incoming, stream, head, options.maxBodyBytes)
      .then(({ response, accepted, streamed }) => {
        if (streamed) return streams.startRaw(streamed, incoming, stream)
        if (!accepted) return sendResponse(stream, response)
        const { open, protocol } = accepted
        if (protocol !== undefined) protocols.set(incoming, protocol)
        if (asksForSmallWindow(incoming)) delete incoming.headers['sec-websocket-extensions']
        incoming.socket.setTimeout(0) // from here on heart-beats and pings tell
        sockets.handleUpgrade(incoming, stream, head, (ws) => {
          if (isCompressing(ws)) inflateMessages(ws, options.maxMessageBytes)
          ws.on('pong', () => awaitingPong.delete(ws))
          const { remoteAddress = '' } = incoming.socket
          const handler = open(new NodeSocket(ws, stream, remoteAddress, fanout, options))
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

/** Has the client negotiated permessage-deflate? There is no other extension. */
function isCompressing(ws: WebSocket): boolean {
  return ws.extensions !== ''
}

/** A client that cannot keep the window that frames are compressed with; `ws` would agree, and refuse with 400 if told not to. */
function asksForSmallWindow({ headers }: IncomingMessage): boolean {
  return headers['sec-websocket-extensions']?.includes('server_max_window_bits') ?? false
}

/** For requests that are no upgrade. */
function plainEnv(remoteAddress: string | undefined): Omit<RequestEnv, 'stream'> {
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

class NodeSocket implements Socket, GroupMember<WebSocketMessages> {
  readonly transport = 'websocket'
  readonly remoteAddress: string
  readonly fanout: GroupFanout<WebSocketMessages>
  readonly #ws: WebSocket
  readonly #stream: Duplex
  readonly #hardUnsentBytes: number
  readonly #compressionMinBytes: number | undefined
  readonly #takesCompressed: boolean

  constructor(
    ws: WebSocket,
    stream: Duplex,
    remoteAddress: string,
    fanout: GroupFanout<WebSocketMessages>,
    { hardUnsentBytes, compressionMinBytes }: Pick<ListenOptions, 'hardUnsentBytes' | 'compressionMinBytes'>,
  ) {
    this.remoteAddress = remoteAddress
    this.#ws = ws
    this.#stream = stream
    this.fanout = fanout
    this.#hardUnsentBytes = hardUnsentBytes
    this.#compressionMinBytes = compressionMinBytes
    this.#takesCompressed = isCompressing(ws)
  }

  get bufferedBytes(): number {
    return this.#stream.writableLength
  }

  send(data: string | Uint8Array): void {
    this.write(new WebSocketMessages([data], this.#compressionMinBytes))
  }

  sendAll(messages: readonly (string | Uint8Array)[]): void {
    this.write(new WebSocketMessages(messages, this.#compressionMinBytes))
  }

  /** Straight to the stream: as `ws` is never asked to compress, it writes at once too, so the order is one. */
  write(messages: WebSocketMessages): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return
    if (this.#stream.writableLength > this.#hardUnsentBytes) this.#ws.terminate()
    else this.#stream.write(this.#takesCompressed ? messages.compressed : messages.plain)
  }

  join(group: string): void {
    this.fanout.join(group, this)
  }

  leave(group: string): void {
    this.fanout.leave(group, this)
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
