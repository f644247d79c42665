/** Listening on Bun: `Bun.serve` for HTTP and WebSocket, its native topics for fan-out. */
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
import { listenTcp } from './tcp.ts'

/** Seconds without a byte after which Bun drops a peer that does not answer pings either. */
const IDLE_TIMEOUT_S = 120
/** Seconds without a byte after which an HTTP connection is dropped. */
const REQUEST_TIMEOUT_S = 30

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
  const withoutUpgrade = (response: Response): Response | undefined => (response === UPGRADED ? undefined : response)
  const server = Bun.serve<BunSocket>({
    hostname: options.host,
    port: options.port,
    reusePort,
    maxRequestBodySize: options.maxBodyBytes,
    idleTimeout: REQUEST_TIMEOUT_S,
    fetch(request, bun) {
      const response = options.fetch(request, new BunRequestEnv(bun, request, compressionMinBytes))
      return response instanceof Promise ? response.then(withoutUpgrade) : withoutUpgrade(response)
    },
    websocket: {
      maxPayloadLength: options.maxMessageBytes,
      // Bun loses messages silently past its limit unless it closes the socket: the last line behind the session's own.
      backpressureLimit: options.hardUnsentBytes,
      closeOnBackpressureLimit: true,
      idleTimeout: IDLE_TIMEOUT_S,
      sendPings: true,
      publishToSelf: true,
      // `true` is without context takeover, both ways
      perMessageDeflate: compressionMinBytes !== Infinity,
      open: (ws) => ws.data.opened(ws),
      message: (ws, data) => ws.data.receive(data),
      close: (ws, code, reason) => ws.data.closed(code, reason),
    },
  })
  return Promise.resolve({
    host: options.host,
    port: server.port ?? options.port,
    fanout: {
      joinUpTo: compressionMinBytes === Infinity ? JOIN_UP_TO : JOIN_UP_TO_COMPRESSING,
      publish: (group, data) => void server.publish(group, data, data.length >= compressionMinBytes),
    },
    stopAccepting: () => void server.stop(false),
    close: async () => {
      await server.stop(true)
    },
  })
}

/** What the application returns for a request that was upgraded: to Bun that is no response. */
const UPGRADED = new Response(null)

class BunRequestEnv implements RequestEnv {
  readonly #server: BunServer<BunSocket>
  readonly #request: Request
  readonly #compressionMinBytes: number

  constructor(server: BunServer<BunSocket>, request: Request, compressionMinBytes: number) {
    this.#server = server
    this.#request = request
    this.#compressionMinBytes = compressionMinBytes
  }

  get remoteAddress(): string {
    return this.#server.requestIP(this.#request)?.address ?? ''
  }

  upgrade(request: Request, { protocol, open }: { protocol: string | undefined; open: OpenSocket }): Response {
    const data = new BunSocket(open, this.#compressionMinBytes)
    // Bun answers with the first offered sub-protocol unless told otherwise; "" is none.
    const isAccepted = this.#server.upgrade(
      request,
      request.headers.has('sec-websocket-protocol')
        ? { data, headers: { 'sec-websocket-protocol': protocol ?? '' } }
        : { data },
    )
    if (isAccepted) return UPGRADED
    return new Response('Expected a WebSocket upgrade', { status: 426, headers: { upgrade: 'websocket' } })
  }
}

/** One WebSocket; it is also what Bun keeps for it as `data`, from the upgrade on. */
class BunSocket implements Socket {
  readonly #open: OpenSocket
  readonly #compressionMinBytes: number
  /** Set when it has opened, before anybody else has this object. */
  #ws!: ServerWebSocket<BunSocket>
  #handler: SocketHandler | undefined
  /** Messages so far. */
  #received = 0
  #isClosing = false

  constructor(open: OpenSocket, compressionMinBytes: number) {
    this.#open = open
    this.#compressionMinBytes = compressionMinBytes
  }

  opened(ws: ServerWebSocket<BunSocket>): void {
    this.#ws = ws
    this.#handler = this.#open(this)
  }

  receive(data: string | Uint8Array): void {
    this.#received++
    this.#handler?.receive(data)
  }

  closed(code: number, reason: string): void {
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
    const compress = data.length >= this.#compressionMinBytes
    if (typeof data === 'string') this.#ws.sendText(data, compress)
    else this.#ws.sendBinary(data, compress)
  }

  join(group: string): void {
    this.#ws.subscribe(group)
  }

  leave(group: string): void {
    this.#ws.unsubscribe(group)
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
    this.#ws.resume() // what still comes is read, and ignored above
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
