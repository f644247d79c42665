/** Listening on Bun: `Bun.serve` for HTTP and WebSocket, its native topics for fan-out. */
import { Buffer } from 'node:buffer'
import process from 'node:process'
import type { Server as BunServer, ServerWebSocket } from 'bun'
import type { Processes } from '../processes.ts'
import type {
  Listener,
  ListenOptions,
  OpenSocket,
  RequestEnv,
  Runtime,
  RuntimeOptions,
  Socket,
  SocketHandler,
} from '../socket.ts'
import { connectSupervisor, spawnWorker } from './child-process.ts'
import { Pings, type Pinged } from './pings.ts'
import { badHostResponse, hostCheck, NO_HOST } from './request-host.ts'
import { listenTcp } from './tcp.ts'

/** Bun counts time in ticks of so many seconds, and rounds down by up to one. */
const TICK_S = 4
/** Bun's timers go no further, in seconds. */
const MAX_TIMEOUT_S = 255

/**
 * Bun gathers the writes of a turn by itself, so joining saves little. To 1,000 subscribers with 32 messages in flight, frames
 * joined up to 1,500 characters cost 0.95 of frames published one by one in server CPU, and frames joined up to 16 KiB 1.18.
 */
const JOIN_UP_TO = 1_500
/**
 * Bun 1.4 compresses a published message anew for each subscriber: the fewer messages the better. With eight 1 KB frames in
 * flight a delivery costs 8.7 µs so, 12.4 µs one by one, and 1.1 µs without compression. Longer ones would save little more
 * (7.4 µs at 16,384), and Bun collects up to 32 of them per socket before `bufferedBytes` shows any.
 */
const JOIN_UP_TO_COMPRESSING = 4_096

/**
 * Bun's close shuts the connection both ways at once. If the client is still sending, the kernel answers that with a
 * reset, and the client may never read what was sent before, an ERROR for example. So close waits until the client has
 * been quiet for this long, in milliseconds, at most so many times.
 */
const QUIET_MS = 10
const MAX_QUIET_WAITS = 100

export function createRuntime({ sharesPorts = false }: RuntimeOptions = {}): Runtime {
  return {
    name: 'bun',
    version: Bun.version,
    listen: (options) => listen(options, sharesPorts),
    listenTcp: (options) => listenTcp(options, sharesPorts),
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

function listen(options: ListenOptions, reusePort: boolean): Promise<Listener> {
  const { compressionMinBytes = Infinity } = options
  const pings = new Pings(options.pingIntervalMs)
  const binaryGroups = new BinaryGroups()
  const shared: Shared = { pings, binaryGroups, compressionMinBytes }
  const isHost = hostCheck()
  const keepAliveS = Math.min(MAX_TIMEOUT_S, Math.ceil(options.keepAliveMs / 1000) + TICK_S)
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
    maxRequestBodySize: options.maxBodyBytes,
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
  return Promise.resolve({
    host: options.host,
    port: server.port ?? options.port,
    fanout: {
      joinUpTo: compressionMinBytes === Infinity ? JOIN_UP_TO : JOIN_UP_TO_COMPRESSING,
      publish(group, data) {
        const compress = data.length >= compressionMinBytes
        server.publish(group, data, compress)
        if (binaryGroups.has(group)) server.publish(nameOfBinary(group), bytesOf(data), compress)
      },
    },
    stopAccepting: () => void server.stop(false),
    close: async () => {
      pings.close()
      await server.stop(true)
    },
  })
}

/** What the application returns for a request that was upgraded: to Bun that is no response. */
const UPGRADED = new Response(null)

/** What all sockets of a listener share. */
interface Shared {
  readonly pings: Pings
  readonly binaryGroups: BinaryGroups
  readonly compressionMinBytes: number
}

/**
 * Groups that have members who take binary messages only. To Bun these are a group of their own, beside the one of the
 * same name for everybody else: a topic's message is the same for all who subscribe to it.
 */
class BinaryGroups {
  readonly #sizes = new Map<string, number>()

  has(group: string): boolean {
    return this.#sizes.size > 0 && this.#sizes.has(group)
  }

  added(group: string): void {
    this.#sizes.set(group, (this.#sizes.get(group) ?? 0) + 1)
  }

  removed(group: string): void {
    const size = this.#sizes.get(group)! - 1
    if (size > 0) this.#sizes.set(group, size)
    else this.#sizes.delete(group)
  }
}

function nameOfBinary(group: string): string {
  return `${group} binary`
}

function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data
}

class BunRequestEnv implements RequestEnv {
  readonly isHostMissing: boolean
  readonly #server: BunServer<BunSocket>
  readonly #request: Request
  readonly #shared: Shared

  constructor(server: BunServer<BunSocket>, request: Request, shared: Shared, isHostMissing: boolean) {
    this.isHostMissing = isHostMissing
    this.#server = server
    this.#request = request
    this.#shared = shared
  }

  get remoteAddress(): string {
    return this.#server.requestIP(this.#request)?.address ?? ''
  }

  upgrade(request: Request, { protocol, open }: { protocol: string | undefined; open: OpenSocket }): Response {
    const data = new BunSocket(open, this.#shared)
    // Bun answers with the first offered sub-protocol unless told otherwise; "" is none.
    const isAccepted = this.#server.upgrade(
      this.#request,
      request.headers.has('sec-websocket-protocol')
        ? { data, headers: { 'sec-websocket-protocol': protocol ?? '' } }
        : { data },
    )
    if (isAccepted) return UPGRADED
    return new Response('Expected a WebSocket upgrade', { status: 426, headers: { upgrade: 'websocket' } })
  }
}

/** One WebSocket; it is also what Bun keeps for it as `data`, from the upgrade on. */
class BunSocket implements Socket, Pinged {
  heardAt = 0
  pingedAt = 0
  isPaused = false
  /** How often Bun has got rid of something that was waiting. */
  drains = 0
  readonly #open: OpenSocket
  readonly #shared: Shared
  /** Set when it has opened, before anybody else has this object. */
  #ws!: ServerWebSocket<BunSocket>
  #handler: SocketHandler | undefined
  /** Messages so far. */
  #received = 0
  #isClosing = false
  /** The groups of one that takes binary messages only. */
  #binaryGroups: Set<string> | undefined

  constructor(open: OpenSocket, shared: Shared) {
    this.#open = open
    this.#shared = shared
  }

  opened(ws: ServerWebSocket<BunSocket>): void {
    this.#ws = ws
    this.#handler = this.#open(this)
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
    for (const group of this.#binaryGroups ?? []) this.leave(group)
    this.#handler?.closed(code, reason)
  }

  get transport(): 'websocket' {
    return 'websocket'
  }

  get remoteAddress(): string {
    return this.#ws.remoteAddress
  }

  get bufferedBytes(): number {
    return this.#ws.getBufferedAmount()
  }

  send(data: string | Uint8Array): void {
    if (this.#isClosing) return
    const compress = data.length >= this.#shared.compressionMinBytes
    if (typeof data === 'string' && !this.#binaryGroups) this.#ws.sendText(data, compress)
    else this.#ws.sendBinary(bytesOf(data), compress)
  }

  sendBinary(): void {
    this.#binaryGroups ??= new Set()
  }

  join(group: string): void {
    if (!this.#binaryGroups) {
      this.#ws.subscribe(group)
    } else if (this.#ws.readyState === WebSocket.OPEN && !this.#binaryGroups.has(group)) {
      this.#binaryGroups.add(group)
      this.#shared.binaryGroups.added(group)
      this.#ws.subscribe(nameOfBinary(group))
    }
  }

  leave(group: string): void {
    if (!this.#binaryGroups) {
      this.#ws.unsubscribe(group)
    } else if (this.#binaryGroups.delete(group)) {
      this.#shared.binaryGroups.removed(group)
      this.#ws.unsubscribe(nameOfBinary(group))
    }
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
