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
  SendResult,
  Socket,
  SocketHandler,
} from '../socket.ts'
import { connectSupervisor, spawnWorker } from './child-process.ts'
import { joined } from './groups.ts'
import { listenTcp } from './tcp.ts'

/** Seconds without a byte after which Bun drops a peer that does not answer pings either. */
const IDLE_TIMEOUT_S = 120
/** Seconds without a byte after which an HTTP connection is dropped. */
const REQUEST_TIMEOUT_S = 30

interface SocketData {
  readonly open: OpenSocket
  readonly remoteAddress: string
  handler: SocketHandler | undefined
}

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

function ownArguments(): string[] {
  const given = process.argv.slice(2)
  if (Bun.isStandaloneExecutable) return given
  // That one is for the supervisor alone: a worker that has lost it closes in order.
  const options = process.execArgv.filter((option) => option !== '--no-orphans')
  return [...options, Bun.main, ...given]
}

function listen(options: ListenOptions, reusePort: boolean): Promise<Listener> {
  const upgrades = new WeakSet<Response>()
  const fanout: BunFanout = new BunFanout(options.joinFrames, (group, data) => server.publish(group, data))
  const server = Bun.serve<SocketData>({
    hostname: options.host,
    port: options.port,
    reusePort,
    maxRequestBodySize: options.maxBodyBytes,
    idleTimeout: REQUEST_TIMEOUT_S,
    async fetch(request, bun) {
      const response = await options.fetch(request, requestEnv(bun, request, upgrades))
      return upgrades.has(response) ? undefined : response
    },
    websocket: {
      maxPayloadLength: options.maxMessageBytes,
      // Bun loses messages silently past its limit unless it closes the socket: the last line behind the session's own.
      backpressureLimit: options.hardUnsentBytes,
      closeOnBackpressureLimit: true,
      idleTimeout: IDLE_TIMEOUT_S,
      sendPings: true,
      publishToSelf: true,
      perMessageDeflate: false,
      open(ws) {
        ws.data.handler = ws.data.open(new BunSocket(ws, fanout))
      },
      message(ws, data) {
        ws.data.handler?.receive(data)
      },
      close(ws, code, reason) {
        ws.data.handler?.closed(code, reason)
      },
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

function requestEnv(server: BunServer<SocketData>, request: Request, upgrades: WeakSet<Response>): RequestEnv {
  const remoteAddress = server.requestIP(request)?.address ?? ''
  return {
    remoteAddress,
    upgrade(request, { protocol, open }) {
      // Bun answers with the first offered sub-protocol unless told otherwise; "" is none.
      const offered = request.headers.has('sec-websocket-protocol')
      const accepted = server.upgrade(request, {
        data: { open, remoteAddress, handler: undefined },
        ...(offered ? { headers: { 'sec-websocket-protocol': protocol ?? '' } } : {}),
      })
      if (!accepted)
        return new Response('Expected a WebSocket upgrade', { status: 426, headers: { upgrade: 'websocket' } })
      const response = new Response(null)
      upgrades.add(response)
      return response
    },
  }
}

class BunSocket implements Socket {
  readonly transport = 'websocket'
  readonly #ws: ServerWebSocket<SocketData>
  readonly #fanout: BunFanout

  constructor(ws: ServerWebSocket<SocketData>, fanout: BunFanout) {
    this.#ws = ws
    this.#fanout = fanout
  }

  get remoteAddress(): string {
    return this.#ws.data.remoteAddress
  }

  get bufferedBytes(): number {
    return this.#ws.getBufferedAmount()
  }

  send(data: string | Uint8Array): SendResult {
    const result = typeof data === 'string' ? this.#ws.sendText(data) : this.#ws.sendBinary(data)
    return result > 0 ? 'written' : result < 0 ? 'queued' : 'dropped'
  }

  join(group: string): void {
    this.#fanout.flush() // what was published before is not for the newcomer
    this.#ws.subscribe(group)
  }

  leave(group: string): void {
    this.#fanout.flush() // what was published before still is for the leaver
    this.#ws.unsubscribe(group)
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

/** Bun gathers the writes of a turn by itself; joining its frames as well saves their headers and the calls. */
class BunFanout implements Fanout {
  readonly #joinFrames: boolean
  readonly #write: (group: string, data: string | Uint8Array) => void
  #pending = new Map<string, (string | Uint8Array)[]>()

  constructor(joinFrames: boolean, write: (group: string, data: string | Uint8Array) => void) {
    this.#joinFrames = joinFrames
    this.#write = write
  }

  publish(group: string, data: string | Uint8Array): void {
    if (!this.#joinFrames) {
      this.#write(group, data)
      return
    }
    if (this.#pending.size === 0) queueMicrotask(() => this.flush())
    const frames = this.#pending.get(group)
    if (frames) frames.push(data)
    else this.#pending.set(group, [data])
  }

  flush(): void {
    if (this.#pending.size === 0) return
    const pending = this.#pending
    this.#pending = new Map()
    for (const [group, frames] of pending) for (const data of joined(frames)) this.#write(group, data)
  }
}
