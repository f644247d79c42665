/** Listening on Bun: `Bun.serve` for HTTP and WebSocket, its native topics for fan-out. */
import process from 'node:process'
import type { Server as BunServer, ServerWebSocket } from 'bun'
import type { Processes } from '../processes.ts'
import type {
  Certificate,
  Fanout,
  Listener,
  ListenOptions,
  OpenSocket,
  RequestEnv,
  Runtime,
  RuntimeOptions,
  Socket,
  SocketHandler,
  StreamOptions,
  UpgradeOptions,
} from '../socket.ts'
import { badHandshakeResponse } from './bad-handshake.ts'
import { BunStreams } from './bun-stream.ts'
import { toBytes } from './bytes.ts'
import { connectSupervisor, spawnWorker } from './child-process.ts'
import { requireVersion } from './oldest-versions.ts'
import { Pings, type Pinged } from './pings.ts'
import { findPorts } from './ports.ts'
import { badHostResponse, hostCheck, NO_HOST } from './request-host.ts'
import { listenTcp } from './tcp.ts'

/** Bun counts time in ticks of so many seconds, and rounds down by up to one. */
const TICK_S = 4
/** Bun's timers go no further, in seconds. */
const MAX_TIMEOUT_S = 255

/**
 * Bun's close shuts the connection both ways at once. If the client is still sending, the kernel answers that with a
 * reset, and the client may never read what was sent before, an ERROR for example. So close waits until the client has
 * been quiet for this long, in milliseconds, at most so many times.
 */
const QUIET_MS = 10
const MAX_QUIET_WAITS = 100

export function createRuntime({ sharesPorts = false }: RuntimeOptions = {}): Runtime {
  requireVersion('Bun', Bun.version)
  // Not imported: who reads this file on another runtime has no such module.
  const jsc = process.getBuiltinModule('bun:jsc') as { edenGC(): number }
  return {
    name: 'bun',
    version: Bun.version,
    listen: (options) => listen(options, sharesPorts),
    listenTcp: (options) => listenTcp(options, sharesPorts),
    // Bun 1.4: about 1 ms, however much there is beside that. `Bun.gc(false)` does the same in a thread of its own, later, when
    // other things are in use.
    collectGarbage: () => void jsc.edenGC(),
  }
}

export const processes: Processes = {
  startWorker: (env, events) => spawnWorker([process.execPath, ...ownArguments()], env, events),
  connectSupervisor,
}

/** With `--no-orphans` (npm start) workers whose supervisor is killed are killed too; without it they close in order. */
function ownArguments(): string[] {
  const given = process.argv.slice(2)
  return Bun.isStandaloneExecutable ? given : [...process.execArgv, Bun.main, ...given]
}

/**
 * Bun 1.4 cannot exchange a certificate: `reload` leaves it as it was. So a new server listens on the same port, and the
 * one before accepts nothing more and keeps what is open. A connection that the kernel hands to the one before in that
 * very moment is reset.
 */
async function listen(options: ListenOptions, sharesPorts: boolean): Promise<Listener> {
  const { host, certificate } = options
  // Whoever shares a port cannot tell that a stranger shares it too.
  const [port = options.port] = certificate && !sharesPorts ? await findPorts([options]) : []
  const pings = new Pings(options.pingIntervalMs)
  const serveWith = (at: number, shown: Certificate | undefined): BunServer<BunSocket> =>
    serve({ ...options, port: at, certificate: shown }, pings, sharesPorts || certificate !== undefined)
  let server = serveWith(port, certificate)
  const bound = server.port ?? port
  const before = new Set<BunServer<BunSocket>>()
  return {
    host,
    port: bound,
    useCertificate(next) {
      const last = server
      server = serveWith(bound, next)
      void last.stop(false)
      for (const each of before) if (each.pendingWebSockets === 0 && each.pendingRequests === 0) before.delete(each)
      before.add(last)
    },
    stopAccepting: () => void server.stop(false),
    close: async () => {
      pings.close()
      await Promise.all([server, ...before].map((each) => each.stop(true)))
    },
  }
}

function serve(options: ListenOptions, pings: Pings, reusePort: boolean): BunServer<BunSocket> {
  const { compressionMinBytes = Infinity, certificate } = options
  const keepAliveS = Math.min(MAX_TIMEOUT_S, Math.ceil(options.keepAliveMs / 1000) + TICK_S)
  const publish = (group: string, data: string | Uint8Array): void => {
    server.publish(group, data, data.length >= compressionMinBytes)
  }
  const shared: Shared = {
    // Bun gathers what is published in one turn of the event loop by itself.
    fanout: {
      write(group, messages) {
        for (const data of messages) publish(group, data)
      },
    },
    binaryFanout: {
      write(group, messages) {
        for (const data of messages) publish(group, toBytes(data))
      },
    },
    streams: new BunStreams(options.hardUnsentBytes, keepAliveS),
    pings,
    compressionMinBytes,
    lastAddress: '',
  }
  const isHost = hostCheck()
  const answered = (response: Response, request: Request, bun: BunServer<BunSocket>): Response | undefined => {
    if (response === UPGRADED) return undefined
    // From here on it is a connection that waits for the next request; when that comes, Bun's time starts anew.
    bun.timeout(request, keepAliveS)
    return response
  }
  const server = Bun.serve<BunSocket>({
    hostname: options.host,
    port: options.port,
    reusePort,
    ...(certificate ? { tls: { cert: certificate.cert, key: certificate.key } } : {}), // 1.2 or newer, as Bun does it
    // The handlers count what they read, and refuse with an error that has a code; Bun's own 413 is empty. It takes from the
    // socket no more of a body than is read.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false, // else Bun answers what it makes of a fault with a page that shows the sources
    // Of a request, from when its head is there, however much comes meanwhile. For the first head on a connection Bun
    // gives 10 s, for the head of a later one what is left of the time between two requests.
    idleTimeout: Math.min(MAX_TIMEOUT_S, Math.ceil(options.requestTimeoutMs / 1000)),
    fetch(request, bun) {
      const host = request.headers.get('host')
      if (host !== null && !isHost(host)) return badHostResponse()
      const env = new BunRequestEnv(bun, request, shared, !host)
      // Without a host Bun's URL is a bare path, which is none. It is HTTP/1.0 then: Bun refuses others without Host.
      const named = host ? request : new Request(`http://${NO_HOST}${request.url}`, request)
      const response = options.fetch(named, env)
      return response instanceof Promise
        ? response.then((made) => answered(made, request, bun))
        : answered(response, request, bun)
    },
    websocket: {
      maxPayloadLength: options.maxMessageBytes,
      // Bun loses messages silently past its limit unless it closes the socket: the last line behind the session's own.
      backpressureLimit: options.hardUnsentBytes,
      closeOnBackpressureLimit: true,
      // Bun's own pings go by this time, which only whole minutes or so suit: ours find who is gone.
      idleTimeout: 0,
      sendPings: false,
      publishToSelf: true,
      // `true` is without context takeover, both ways
      perMessageDeflate: compressionMinBytes !== Infinity,
      open: (ws) => ws.data.opened(ws),
      message: (ws, data) => ws.data.receive(data),
      pong: (ws) => ws.data.ponged(),
      drain: (ws) => ws.data.drained(),
      close: (ws, code, reason) => ws.data.closed(code, reason),
    },
  })
  return server
}

/** What the application returns for a request that was upgraded: to Bun that is no response. */
const UPGRADED = new Response(null)

/** What the connections of one listener share. */
interface Shared {
  readonly fanout: Fanout
  /** For those that take binary messages only: a native topic has the same message for all. */
  readonly binaryFanout: Fanout
  readonly streams: BunStreams
  readonly pings: Pings
  readonly compressionMinBytes: number
  /** Of the client that came last. */
  lastAddress: string
}

class BunRequestEnv implements RequestEnv {
  readonly isHostMissing: boolean
  readonly #server: BunServer<BunSocket>
  readonly #request: Request
  readonly #shared: Shared
  #remoteAddress: string | undefined

  constructor(server: BunServer<BunSocket>, request: Request, shared: Shared, isHostMissing: boolean) {
    this.isHostMissing = isHostMissing
    this.#server = server
    this.#request = request
    this.#shared = shared
  }

  /** Once the request is upgraded Bun knows it no more. */
  get remoteAddress(): string {
    return (this.#remoteAddress ??= this.#server.requestIP(this.#request)?.address ?? '')
  }

  upgrade(request: Request, { protocol, open, abandoned }: UpgradeOptions): Response {
    const data = new BunSocket(open, this.#shared, this.remoteAddress)
    // Bun answers with the first offered sub-protocol unless told otherwise; "" is none. Another version of WebSocket it
    // would refuse by itself, with an empty answer.
    const isAccepted =
      request.headers.get('sec-websocket-version') === '13' &&
      this.#server.upgrade(
        this.#request,
        request.headers.has('sec-websocket-protocol')
          ? { data, headers: { 'sec-websocket-protocol': protocol ?? '' } }
          : { data },
      )
    if (isAccepted) return UPGRADED
    abandoned?.()
    return badHandshakeResponse()
  }

  stream(_request: Request, options: StreamOptions): Response {
    return this.#shared.streams.respond(this.#server, this.#request, options)
  }
}

/** One WebSocket; it is also what Bun keeps for it as `data`, from the upgrade on. */
class BunSocket implements Socket, Pinged {
  fanout: Fanout
  heardAt = 0
  pingedAt = 0
  place = -1
  isPaused = false
  /** How often Bun has got rid of something that was waiting. */
  drains = 0
  /** Let go of when it has been called: it holds what came with the handshake. */
  #open: OpenSocket | undefined
  readonly #shared: Shared
  /** Once it is closed Bun knows it no more. */
  readonly remoteAddress: string
  /** Set when it has opened, before anybody else has this object. */
  #ws!: ServerWebSocket<BunSocket>
  #handler: SocketHandler | undefined
  /** Messages so far. */
  #received = 0
  #isClosing = false

  constructor(open: OpenSocket, shared: Shared, remoteAddress: string) {
    // Behind a proxy all have the same: one string for thousands of sessions.
    if (remoteAddress !== shared.lastAddress) shared.lastAddress = remoteAddress
    this.remoteAddress = shared.lastAddress
    this.fanout = shared.fanout
    this.#open = open
    this.#shared = shared
  }

  opened(ws: ServerWebSocket<BunSocket>): void {
    this.#ws = ws
    this.#handler = this.#open!(this)
    this.#open = undefined
    this.#shared.pings.add(this)
  }

  receive(data: string | Uint8Array): void {
    this.#received++
    this.heardAt = this.#shared.pings.tick
    this.#handler?.receive(data, typeof data !== 'string')
  }

  ponged(): void {
    this.heardAt = this.#shared.pings.tick
    this.#handler?.ponged?.()
  }

  drained(): void {
    this.drains++
  }

  closed(code: number, reason: string): void {
    this.#shared.pings.remove(this)
    this.#handler?.closed(code, reason)
  }

  get transport(): 'websocket' {
    return 'websocket'
  }

  get bufferedBytes(): number {
    return this.#ws.getBufferedAmount()
  }

  send(data: string | Uint8Array): void {
    if (this.#isClosing) return
    const compress = data.length >= this.#shared.compressionMinBytes
    const isText = typeof data === 'string' && this.fanout === this.#shared.fanout
    if (isText) this.#ws.sendText(data, compress)
    else this.#ws.sendBinary(toBytes(data), compress)
  }

  sendBinary(): void {
    this.fanout = this.#shared.binaryFanout
  }

  sendAll(messages: readonly (string | Uint8Array)[]): void {
    if (this.#isClosing) return
    this.#ws.cork(() => {
      for (const data of messages) this.send(data)
    })
  }

  join(group: string): void {
    this.#ws.subscribe(group)
  }

  leave(group: string): void {
    this.#ws.unsubscribe(group)
  }

  ping(): void {
    if (!this.#isClosing) this.#ws.ping()
  }

  pause(): void {
    this.isPaused = true
    this.#ws.pause()
  }

  resume(): void {
    this.isPaused = false
    this.#ws.resume()
  }

  close(code: number, reason: string): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.resume() // what still comes is read, and ignored above
    this.#closeWhenQuiet(code, reason, MAX_QUIET_WAITS)
  }

  #closeWhenQuiet(code: number, reason: string, waitsLeft: number): void {
    const received = this.#received
    setTimeout(() => {
      if (received === this.#received || waitsLeft === 0) this.#ws.close(code, reason)
      else this.#closeWhenQuiet(code, reason, waitsLeft - 1)
    }, QUIET_MS)
  }

  terminate(): void {
    this.#ws.terminate()
  }
}
