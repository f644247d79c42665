/** Listening on Bun: `Bun.serve` for HTTP and WebSocket, its native topics for fan-out. */
import process from 'node:process'
import type { Server as BunServer, ServerWebSocket } from 'bun'
import type { Processes } from '../processes.ts'
import type {
  Fanout,
  Listener,
  ListenOptions,
  OpenSocket,
  RequestEnv,
  Runtime,
  RuntimeOptions,
  Socket,
  SocketHandler,
} from '../socket.ts'
import { BunStreams } from './bun-stream.ts'
import { connectSupervisor, spawnWorker } from './child-process.ts'
import { listenTcp } from './tcp.ts'

/** Seconds without a byte after which Bun drops a peer that does not answer pings either. */
const IDLE_TIMEOUT_S = 120
/** Seconds without a byte after which an HTTP connection is dropped. */
const REQUEST_TIMEOUT_S = 30

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
  const streams = new BunStreams(options.hardUnsentBytes, REQUEST_TIMEOUT_S)
  const fanout: Fanout = {
    // Bun gathers what is published in one turn of the event loop by itself.
    publish(group, messages) {
      for (const data of messages) server.publish(group, data, data.length >= compressionMinBytes)
    },
  }
  const services: BunServices = { fanout, streams, compressionMinBytes }
  const server = Bun.serve<BunSocket>({
    hostname: options.host,
    port: options.port,
    reusePort,
    maxRequestBodySize: options.maxBodyBytes,
    idleTimeout: REQUEST_TIMEOUT_S,
    fetch(request, bun) {
      const response = options.fetch(request, new BunRequestEnv(bun, request, services))
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
    fanout,
    stopAccepting: () => void server.stop(false),
    close: async () => {
      await server.stop(true)
    },
  })
}

/** What the application returns for a request that was upgraded: to Bun that is no response. */
const UPGRADED = new Response(null)

/** What the connections of one listener have in common. */
interface BunServices {
  readonly fanout: Fanout
  readonly streams: BunStreams
  readonly compressionMinBytes: number
}

class BunRequestEnv implements RequestEnv {
  readonly #server: BunServer<BunSocket>
  readonly #request: Request
  readonly #services: BunServices

  constructor(server: BunServer<BunSocket>, request: Request, services: BunServices) {
    this.#server = server
    this.#request = request
    this.#services = services
  }

  get remoteAddress(): string {
    return this.#server.requestIP(this.#request)?.address ?? ''
  }

  upgrade(request: Request, { protocol, open }: { protocol: string | undefined; open: OpenSocket }): Response {
    const data = new BunSocket(open, this.#services)
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

  stream(_request: Request, options: Parameters<RequestEnv['stream']>[1]): Response {
    return this.#services.streams.respond(this.#server, this.#request, options)
  }
}

/** One WebSocket; it is also what Bun keeps for it as `data`, from the upgrade on. */
class BunSocket implements Socket {
  readonly fanout: Fanout
  readonly #open: OpenSocket
  readonly #compressionMinBytes: number
  /** Set when it has opened, before anybody else has this object. */
  #ws!: ServerWebSocket<BunSocket>
  #handler: SocketHandler | undefined
  /** Messages so far. */
  #received = 0
  #isClosing = false

  constructor(open: OpenSocket, { fanout, compressionMinBytes }: BunServices) {
    this.fanout = fanout
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
