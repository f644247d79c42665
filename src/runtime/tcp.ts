/** STOMP over TCP, with or without TLS, on `node:net`, which all three runtimes have: for backends with a TCP client. */
import { Buffer } from 'node:buffer'
import { createServer, type Socket as NetSocket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Listener, Socket, TcpListenOptions } from '../socket.ts'
import { concatenate, toBytes } from './bytes.ts'
import { GroupFanout, type GroupMember } from './groups.ts'
import { HIGH_WATER_MARK, OutputQueue } from './output-queue.ts'
import { handshakesOf, tlsOptions } from './tls.ts'

/** After this silence the kernel probes the peer, in milliseconds: finds half-open clients without heart-beats. */
const KEEP_ALIVE_MS = 60_000

/** `reusePort`: share the port with other processes, on a runtime that can. */
export function listenTcp(options: TcpListenOptions, reusePort = false): Promise<Listener> {
  const fanout = new GroupFanout<Uint8Array>(framesOf)
  const open = new Set<NetSocket>()
  // Half-open: a client may end its side and still wait for a receipt.
  const serverOptions = {
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    highWaterMark: HIGH_WATER_MARK,
  }
  const accept = (net: NetSocket): void => {
    open.add(net)
    const handler = options.open(new TcpSocket(net, fanout, options.hardUnsentBytes))
    net.on('data', (data) => handler.receive(data))
    net.on('end', () => handler.ended())
    net.on('error', () => {}) // 'close' follows
    net.on('close', () => {
      open.delete(net)
      handler.closed(1006, '')
    })
  }
  const { certificate } = options
  const tls = certificate && createTlsServer({ ...serverOptions, ...tlsOptions(certificate) }, accept)
  const server = tls ?? createServer(serverOptions, accept)
  const handshakes = tls && handshakesOf(tls)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: options.port, host: options.host, ...(reusePort ? { reusePort } : {}) }, () => {
      server.off('error', reject)
      const address = server.address()
      resolve({
        host: options.host,
        port: typeof address === 'object' && address ? address.port : options.port,
        useCertificate: (next) => tls?.setSecureContext(tlsOptions(next)),
        stopAccepting: () => void server.close(),
        close() {
          for (const net of open) net.destroy()
          handshakes?.destroy()
          return server.listening ? new Promise((closed) => server.close(() => closed())) : Promise.resolve()
        },
      })
    })
  })
}

const HEART_BEAT = '\n'
const EOL = Buffer.from('\n')

/**
 * Returns the frames one after the other, with an EOL behind each, as RabbitMQ sends it: STOMP 1.2 "STOMP Frames" allows
 * it, and some clients (PHP's extension) lose every second frame without. A heart-beat is an EOL already.
 */
function framesOf(frames: readonly (string | Uint8Array)[]): Uint8Array {
  if (frames.every((frame) => typeof frame === 'string')) {
    return Buffer.from(frames.map((frame) => (frame === HEART_BEAT ? frame : `${frame}\n`)).join(''))
  }
  return concatenate(frames.flatMap((frame) => (frame === HEART_BEAT ? [EOL] : [toBytes(frame), EOL])))
}

class TcpSocket implements Socket, GroupMember<Uint8Array> {
  readonly transport = 'tcp'
  readonly remoteAddress: string
  readonly fanout: GroupFanout<Uint8Array>
  readonly #net: NetSocket
  readonly #queue: OutputQueue
  readonly #hardUnsentBytes: number
  #isClosing = false

  constructor(net: NetSocket, fanout: GroupFanout<Uint8Array>, hardUnsentBytes: number) {
    this.remoteAddress = net.remoteAddress ?? ''
    this.#net = net
    this.fanout = fanout
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
    this.write(framesOf([data]))
  }

  sendAll(messages: readonly (string | Uint8Array)[]): void {
    this.write(framesOf(messages))
  }

  write(bytes: Uint8Array): void {
    if (this.#isClosing || !this.#net.writable) return
    if (this.#queue.bytes > this.#hardUnsentBytes) this.#net.destroy()
    else this.#queue.write(bytes)
  }

  /** Bytes are all there is. */
  sendBinary(): void {}

  ping(): void {}

  join(group: string): void {
    this.fanout.join(group, this)
  }

  leave(group: string): void {
    this.fanout.leave(group, this)
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
