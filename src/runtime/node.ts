/** Listening on Node: `node:http` with Hono's adapter, and `ws` for WebSocket. Fan-out writes a frame that was built once. */
import type { Buffer } from 'node:buffer'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Listener, ListenOptions, RequestEnv, Runtime, Socket, SocketHandler } from '../socket.ts'
import { badHandshakeResponse } from './bad-handshake.ts'
import { toBytes } from './bytes.ts'
import { GroupFanout, type GroupMember } from './groups.ts'
import { inflateMessages } from './inflation.ts'
import { NodeStreams } from './node-stream.ts'
import { answerUpgrade, refuseUpgrade, sendResponse, type UpgradeAnswer } from './node-upgrade.ts'
import { requireVersion } from './oldest-versions.ts'
import { HIGH_WATER_MARK, OutputQueue } from './output-queue.ts'
import { Pings, type Pinged } from './pings.ts'
import { badHostResponse, hostCheck, NO_HOST } from './request-host.ts'
import { listenTcp } from './tcp.ts'
import { handshakesOf, tlsOptions } from './tls.ts'
import { WebSocketMessages } from './websocket-message.ts'

export { processes } from './cluster.ts'

/**
 * Each message stands by itself both ways: so a compressed frame is right for every client, and nothing that one
 * message says can be guessed from the length of the next. `ws` only negotiates: see inflation.ts and websocket-message.ts.
 */
const DEFLATE_OPTIONS = { serverNoContextTakeover: true, clientNoContextTakeover: true }

export function createRuntime(): Runtime {
  requireVersion('Node', process.versions.node)
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
  const fanouts: Fanouts = {
    ordinary: new GroupFanout((messages) => new WebSocketMessages(messages, compressionMinBytes)),
    binary: new GroupFanout((messages) => new WebSocketMessages(messages.map(toBytes), compressionMinBytes)),
  }
  const streams = new NodeStreams(options.hardUnsentBytes)
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: options.maxMessageBytes,
    perMessageDeflate: compressionMinBytes === undefined ? false : DEFLATE_OPTIONS,
    handleProtocols: (_offered, request) => protocols.get(request) ?? false,
  })
  sockets.on('wsClientError', (_error, stream) => void sendResponse(stream, badHandshakeResponse()))
  const protocols = new WeakMap<IncomingMessage, string>()
  const isHost = hostCheck()
  const listener = getRequestListener(
    (request, { incoming, outgoing }) => {
      const asked = incoming as IncomingMessage
      if (!hasGoodHost(asked, isHost)) return badHostResponse()
      return streams.answer(options.fetch, request, plainEnv(asked), outgoing as ServerResponse)
    },
    { overrideGlobalObjects: false, hostname: NO_HOST },
  )
  const serverOptions = {
    requestTimeout: options.requestTimeoutMs,
    headersTimeout: options.requestTimeoutMs,
    connectionsCheckingInterval: Math.ceil(options.requestTimeoutMs / CHECKS_PER_REQUEST_TIMEOUT),
    keepAliveTimeout: options.keepAliveMs,
    requireHostHeader: false, // see hasGoodHost
    highWaterMark: HIGH_WATER_MARK,
    noDelay: true, // node:https has another default than node:http
  }
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse): void => void listener(incoming, outgoing)
  const { certificate } = options
  const https = certificate && createTlsServer({ ...serverOptions, ...tlsOptions(certificate) }, answer)
  const http = https ?? createServer(serverOptions, answer)
  const handshakes = https && handshakesOf(https)
  http.on('upgrade', (incoming: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy())
    const answer: Promise<UpgradeAnswer> = hasGoodHost(incoming, isHost)
      ? answerUpgrade(options.fetch, incoming, stream, head, options.maxBodyBytes)
      : Promise.resolve({ response: badHostResponse(), accepted: undefined, streamed: undefined })
    answer
      .then(({ response, accepted, streamed }) => {
        if (streamed) return streams.startRaw(streamed, incoming, stream)
        if (!accepted) return sendResponse(stream, response)
        const { open, protocol, abandoned } = accepted
        if (protocol !== undefined) protocols.set(incoming, protocol)
        if (asksForSmallWindow(incoming)) delete incoming.headers['sec-websocket-extensions']
        incoming.socket.setTimeout(0) // from here on heart-beats and pings tell
        let isOpen = false
        sockets.handleUpgrade(incoming, stream, head, (ws) => {
          isOpen = true
          if (isCompressing(ws)) inflateMessages(ws, options.maxMessageBytes)
          const { remoteAddress = '' } = incoming.socket
          const socket = new NodeSocket(ws, stream, remoteAddress, fanouts, options)
          listenTo(ws, socket, open(socket), pings)
        })
        // It calls back at once, or never.
        if (!isOpen) abandoned?.()
        return undefined
      })
      .catch(() => stream.destroy())
  })
  // also for a connection that never sends anything
  http.setTimeout(options.requestTimeoutMs)
  const pings = new Pings(options.pingIntervalMs)
  return new Promise((resolve, reject) => {
    http.once('error', reject)
    http.listen({ port: options.port, host: options.host, ...(reusePort ? { reusePort } : {}) }, () => {
      http.off('error', reject)
      const address = http.address()
      resolve({
        host: options.host,
        port: typeof address === 'object' && address ? address.port : options.port,
        useCertificate: (next) => https?.setSecureContext(tlsOptions(next)),
        stopAccepting() {
          http.close()
          http.closeIdleConnections()
        },
        close() {
          pings.close()
          for (const ws of sockets.clients) ws.terminate()
          http.closeAllConnections()
          handshakes?.destroy()
          return http.listening ? new Promise((closed) => http.close(() => closed())) : Promise.resolve()
        },
      })
    })
  })
}

/** By itself, so that no listener holds what came with the handshake. */
function listenTo(ws: WebSocket, socket: NodeSocket, handler: SocketHandler, pings: Pings): void {
  pings.add(socket)
  ws.on('message', (data: Buffer, isBinary) => {
    socket.heardAt = pings.tick
    handler.receive(data, isBinary)
  })
  ws.on('pong', () => {
    socket.heardAt = pings.tick
    handler.ponged?.()
  })
  ws.on('error', () => {}) // 'close' follows, with the code
  ws.on('close', (code, reason) => {
    pings.remove(socket)
    handler.closed(code, reason.toString())
  })
}

/** A request that is late is found within this part of its time. */
const CHECKS_PER_REQUEST_TIMEOUT = 6

/** Has the client negotiated permessage-deflate? There is no other extension. */
function isCompressing(ws: WebSocket): boolean {
  return ws.extensions !== ''
}

/** A client that cannot keep the window that frames are compressed with; `ws` would agree, and refuse with 400 if told not to. */
function asksForSmallWindow({ headers }: IncomingMessage): boolean {
  return headers['sec-websocket-extensions']?.includes('server_max_window_bits') ?? false
}

/** For requests that are no upgrade. */
function plainEnv({ socket, headers }: IncomingMessage): Omit<RequestEnv, 'stream'> {
  return {
    remoteAddress: socket.remoteAddress ?? '',
    isHostMissing: !headers.host,
    upgrade: refuseUpgrade,
  }
}

/** Node's own check would refuse HTTP/1.0 without Host too, and lets through what is no host. */
function hasGoodHost(
  {
    headers,
    rawHeaders,
    httpVersionMajor,
    httpVersionMinor,
  }: Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'httpVersionMajor' | 'httpVersionMinor'>,
  isHost: (host: string) => boolean,
): boolean {
  const { host } = headers
  if (host === undefined) return httpVersionMajor === 1 && httpVersionMinor === 0
  if (!isHost(host)) return false
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.toLowerCase() === 'host') count++
  return count === 1
}

/** Of one listener. */
interface Fanouts {
  readonly ordinary: GroupFanout<WebSocketMessages>
  /** For those that take binary messages only. */
  readonly binary: GroupFanout<WebSocketMessages>
}

class NodeSocket implements Socket, GroupMember<WebSocketMessages>, Pinged {
  readonly transport = 'websocket'
  readonly remoteAddress: string
  heardAt = 0
  pingedAt = 0
  place = -1
  readonly #fanouts: Fanouts
  readonly #ws: WebSocket
  readonly #hardUnsentBytes: number
  readonly #compressionMinBytes: number | undefined
  readonly #takesCompressed: boolean
  readonly #queue: OutputQueue
  #isBinary = false
  #isClosing = false

  constructor(
    ws: WebSocket,
    stream: Duplex,
    remoteAddress: string,
    fanouts: Fanouts,
    { hardUnsentBytes, compressionMinBytes }: Pick<ListenOptions, 'hardUnsentBytes' | 'compressionMinBytes'>,
  ) {
    this.remoteAddress = remoteAddress
    this.#ws = ws
    this.#fanouts = fanouts
    this.#hardUnsentBytes = hardUnsentBytes
    this.#compressionMinBytes = compressionMinBytes
    this.#takesCompressed = isCompressing(ws)
    // `ws` writes its pings, pongs and closing frames to the stream itself: between frames they may, inside one not.
    this.#queue = new OutputQueue(stream, false)
  }

  get bufferedBytes(): number {
    return this.#queue.bytes
  }

  get drains(): number {
    return this.#queue.drains
  }

  get isPaused(): boolean {
    return this.#ws.isPaused
  }

  send(data: string | Uint8Array): void {
    this.sendAll([data])
  }

  sendAll(messages: readonly (string | Uint8Array)[]): void {
    const taken = this.#isBinary ? messages.map(toBytes) : messages
    this.write(new WebSocketMessages(taken, this.#compressionMinBytes))
  }

  get fanout(): GroupFanout<WebSocketMessages> {
    return this.#isBinary ? this.#fanouts.binary : this.#fanouts.ordinary
  }

  sendBinary(): void {
    this.#isBinary = true
  }

  /** Past `ws`, which is never asked to compress: so it writes what is its own at once too. */
  write(messages: WebSocketMessages): void {
    if (this.#isClosing || this.#ws.readyState !== this.#ws.OPEN) return
    if (this.#queue.bytes > this.#hardUnsentBytes) this.#ws.terminate()
    else this.#queue.write(this.#takesCompressed ? messages.compressed : messages.plain)
  }

  join(group: string): void {
    this.fanout.join(group, this)
  }

  leave(group: string): void {
    this.fanout.leave(group, this)
  }

  ping(): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping()
  }

  pause(): void {
    this.#ws.pause()
  }

  resume(): void {
    this.#ws.resume()
  }

  close(code: number, reason: string): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#queue.whenEmpty(() => this.#ws.close(code, reason))
  }

  terminate(): void {
    this.#ws.terminate()
  }
}
