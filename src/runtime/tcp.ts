/** STOMP over plain TCP, on `node:net`, which all three runtimes have: for backends with a TCP client. */
import { createServer, type Socket as NetSocket } from 'node:net'
import type { Listener, Socket, TcpListenOptions } from '../socket.ts'
import { bytesOf } from './bytes.ts'
import { GroupFanout, type GroupMember } from './groups.ts'

/** After this silence the kernel probes the peer, in milliseconds: finds half-open clients without heart-beats. */
const KEEP_ALIVE_MS = 60_000

/** `reusePort`: share the port with other processes, on a runtime that can. */
export function listenTcp(options: TcpListenOptions, reusePort = false): Promise<Listener> {
  const fanout = new GroupFanout<Uint8Array>(bytesOf)
  const open = new Set<NetSocket>()
  // Half-open: a client may end its side and still wait for a receipt.
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
    (net) => {
      open.add(net)
      const handler = options.open(new TcpSocket(net, fanout, options.hardUnsentBytes))
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

class TcpSocket implements Socket, GroupMember<Uint8Array> {
  readonly transport = 'tcp'
  readonly remoteAddress: string
  readonly fanout: GroupFanout<Uint8Array>
  readonly #net: NetSocket
  readonly #hardUnsentBytes: number

  constructor(net: NetSocket, fanout: GroupFanout<Uint8Array>, hardUnsentBytes: number) {
    this.remoteAddress = net.remoteAddress ?? ''
    this.#net = net
    this.fanout = fanout
    this.#hardUnsentBytes = hardUnsentBytes
  }

  get bufferedBytes(): number {
    return this.#net.writableLength
  }

  send(data: string | Uint8Array): void {
    this.write(bytesOf([data]))
  }

  sendAll(messages: readonly (string | Uint8Array)[]): void {
    this.write(bytesOf(messages))
  }

  write(bytes: Uint8Array): void {
    if (!this.#net.writable) return
    if (this.#net.writableLength > this.#hardUnsentBytes) this.#net.destroy()
    else this.#net.write(bytes)
  }

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
    this.#net.end()
  }

  terminate(): void {
    this.#net.destroy()
  }
}
