/** STOMP over plain TCP, on `node:net`, which all three runtimes have: for backends with a TCP client. */
import { Buffer } from 'node:buffer'
import { createServer, type Socket as NetSocket } from 'node:net'
import type { Listener, Socket, TcpListenOptions } from '../socket.ts'
import { GroupFanout, type GroupMember } from './groups.ts'
import { HIGH_WATER_MARK, OutputQueue } from './output-queue.ts'

/** After this silence the kernel probes the peer, in milliseconds: finds half-open clients without heart-beats. */
const KEEP_ALIVE_MS = 60_000

/** `reusePort`: share the port with other processes, on a runtime that can. */
export function listenTcp(options: TcpListenOptions, reusePort = false): Promise<Listener> {
  // Nothing is joined above: each frame comes here by itself, and gets its EOL. Turn joins them again.
  const fanout = new GroupFanout<Uint8Array>(toBytes, 0)
  const turn = new Turn()
  const open = new Set<NetSocket>()
  // Half-open: a client may end its side and still wait for a receipt.
  const server = createServer(
    {
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      highWaterMark: HIGH_WATER_MARK,
    },
    (net) => {
      open.add(net)
      const handler = options.open(new TcpSocket(net, fanout, turn, options.hardUnsentBytes))
      net.on('data', (data) => handler.receive(data))
      net.on('end', () => handler.ended())
      net.on('error', () => {}) // 'close' follows
      net.on('close', () => {
        open.delete(net)
        handler.closed(1006, '')
      })
    },
  )
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: options.port, host: options.host, ...(reusePort ? { reusePort } : {}) }, () => {
      server.off('error', reject)
      const address = server.address()
      resolve({
        host: options.host,
        port: typeof address === 'object' && address ? address.port : options.port,
        fanout,
        stopAccepting: () => void server.close(),
        close() {
          for (const net of open) net.destroy()
          return server.listening ? new Promise((closed) => server.close(() => closed())) : Promise.resolve()
        },
      })
    })
  })
}

const HEART_BEAT = '\n'
const EOL = 10

/**
 * With an EOL behind the frame, as RabbitMQ sends it: STOMP 1.2 "STOMP Frames" allows it, and some clients (PHP's
 * extension) lose every second frame without. A heart-beat is an EOL already.
 */
function toBytes(data: string | Uint8Array): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data === HEART_BEAT ? data : `${data}\n`)
  if (data.length === 1 && data[0] === EOL) return data
  const bytes = Buffer.allocUnsafe(data.length + 1)
  bytes.set(data)
  bytes[data.length] = EOL
  return bytes
}

/** Holds back what is written to sockets until this turn of the event loop has done, so that it leaves in one write each. */
class Turn {
  #held: NetSocket[] = []
  readonly #end = (): void => {
    const held = this.#held
    this.#held = []
    for (const net of held) net.uncork()
  }

  hold(net: NetSocket): void {
    if (net.writableCorked > 0) return
    net.cork()
    if (this.#held.length === 0) queueMicrotask(this.#end)
    this.#held.push(net)
  }
}

class TcpSocket implements Socket, GroupMember<Uint8Array> {
  readonly transport = 'tcp'
  readonly remoteAddress: string
  readonly #net: NetSocket
  readonly #fanout: GroupFanout<Uint8Array>
  readonly #turn: Turn
  readonly #queue: OutputQueue
  readonly #hardUnsentBytes: number
  #isClosing = false

  constructor(net: NetSocket, fanout: GroupFanout<Uint8Array>, turn: Turn, hardUnsentBytes: number) {
    this.remoteAddress = net.remoteAddress ?? ''
    this.#net = net
    this.#fanout = fanout
    this.#turn = turn
    this.#queue = new OutputQueue(net, true)
    this.#hardUnsentBytes = hardUnsentBytes
  }

  get bufferedBytes(): number {
    return this.#queue.bytes
  }

  get drains(): number {
    return this.#queue.drains
  }

  send(data: string | Uint8Array): void {
    this.write(toBytes(data))
  }

  write(bytes: Uint8Array): void {
    if (this.#isClosing || !this.#net.writable) return
    if (this.#queue.bytes > this.#hardUnsentBytes) this.#net.destroy()
    else {
      this.#turn.hold(this.#net)
      this.#queue.write(bytes)
    }
  }

  /** Bytes are all there is. */
  sendBinary(): void {}

  ping(): void {}

  join(group: string): void {
    this.#fanout.join(group, this)
  }

  leave(group: string): void {
    this.#fanout.leave(group, this)
  }

  pause(): void {
    this.#net.pause()
  }

  resume(): void {
    this.#net.resume()
  }

  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#queue.whenEmpty(() => this.#net.end())
  }

  terminate(): void {
    this.#net.destroy()
  }
}
