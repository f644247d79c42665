/**
 * Responses of Bun whose body goes on, as sockets. A `direct` stream writes to the connection without a queue between,
 * but Bun does not tell how much the kernel has not taken, only that there is something and when all of it is gone. So what
 * comes meanwhile waits in a backlog: then it is known, to within one piece of that.
 */
import type { Server as BunServer } from 'bun'
import type { OpenSocket, Socket, SocketHandler, StreamOptions } from '../socket.ts'
import { Backlog, PIECE_BYTES } from './backlog.ts'
import { bytesOf } from './bytes.ts'
import { GroupFanout, type GroupMember } from './groups.ts'

/** Those of one listener; they share a fan-out. */
export class BunStreams {
  readonly fanout = new GroupFanout<Uint8Array>(bytesOf)
  readonly hardUnsentBytes: number
  /** Seconds without a byte after which a connection is dropped that has no stream. */
  readonly idleTimeoutS: number

  constructor(hardUnsentBytes: number, idleTimeoutS: number) {
    this.hardUnsentBytes = hardUnsentBytes
    this.idleTimeoutS = idleTimeoutS
  }

  respond(server: BunServer<unknown>, request: Request, { headers, open, abandoned }: StreamOptions): Response {
    // Bun does not even begin it then, and says nothing.
    if (request.signal.aborted) abandoned?.()
    const stream = new BunStream(server, request, this)
    const source: Bun.DirectUnderlyingSource = {
      type: 'direct',
      // Bun calls it once, when it sends the response; not for HEAD.
      pull: (sink) => stream.opened(sink, open),
      cancel: () => stream.closed(),
    }
    return new Response(new ReadableStream(source), { headers })
  }
}

class BunStream implements Socket, GroupMember<Uint8Array> {
  readonly transport = 'http'
  /** What waits is handed over in pieces: it gets less. */
  readonly drains = 0
  readonly remoteAddress: string
  readonly #server: BunServer<unknown>
  readonly #request: Request
  readonly #streams: BunStreams
  /** Set when it has opened, before anybody else has this object. */
  #sink!: ReadableStreamDirectController
  /** Lets Bun drop the connection. */
  #drop!: () => void
  #handler: SocketHandler | undefined
  /** What Bun has not been given. */
  readonly #backlog = new Backlog()
  /** What Bun was given last and the kernel has not taken whole; 0 if nothing is known to be untaken. */
  #untakenBytes = 0
  #closing: { readonly code: number; readonly reason: string } | undefined
  #isClosed = false

  constructor(server: BunServer<unknown>, request: Request, streams: BunStreams) {
    this.remoteAddress = server.requestIP(request)?.address ?? ''
    this.#server = server
    this.#request = request
    this.#streams = streams
  }

  opened(sink: ReadableStreamDirectController, open: OpenSocket): Promise<void> {
    this.#sink = sink
    this.#server.timeout(this.#request, 0) // who writes nothing for long tells the client that it is still there
    // To Bun 1.4 a promise that is rejected with nothing means: reset the connection and say nothing.
    const dropped = new Promise<void>((_resolve, reject) => {
      this.#drop = reject
    })
    this.#handler = open(this)
    return dropped
  }

  /** The client is gone, or all that is to be sent is. */
  closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const { code, reason } = (this.bufferedBytes === 0 && this.#closing) || { code: 1006, reason: '' }
    this.#backlog.clear()
    this.#untakenBytes = 0
    this.#handler?.closed(code, reason)
  }

  get fanout(): GroupFanout<Uint8Array> {
    return this.#streams.fanout
  }

  get bufferedBytes(): number {
    return this.#backlog.bytes + this.#untakenBytes
  }

  send(data: string | Uint8Array): void {
    this.write(bytesOf([data]))
  }

  sendAll(messages: readonly (string | Uint8Array)[]): void {
    this.write(bytesOf(messages))
  }

  write(bytes: Uint8Array): void {
    if (this.#isClosed || this.#closing) return
    if (this.bufferedBytes === 0 && bytes.length <= PIECE_BYTES) this.#give(bytes)
    else if (this.bufferedBytes > this.#streams.hardUnsentBytes) this.terminate()
    else {
      this.#backlog.push(bytes)
      if (this.#untakenBytes === 0) this.#giveWaiting()
    }
  }

  join(group: string): void {
    this.fanout.join(group, this)
  }

  leave(group: string): void {
    this.fanout.leave(group, this)
  }

  /** Bytes are all there is. */
  sendBinary(): void {}

  // Nothing is received.
  ping(): void {}
  pause(): void {}
  resume(): void {}

  close(code: number, reason: string): void {
    if (this.#isClosed || this.#closing) return
    this.#closing = { code, reason }
    if (this.bufferedBytes === 0) this.#end()
  }

  terminate(): void {
    if (this.#isClosed) return
    this.#drop()
    this.closed()
  }

  /** Bun writes what it is given in one turn of the event loop in one go, if it is not much. */
  #give(bytes: Uint8Array): void {
    const result = this.#sink.write(bytes)
    if (typeof result === 'number') return
    this.#untakenBytes = bytes.length
    void result.then(() => {
      if (this.#isClosed) return
      this.#untakenBytes = 0
      this.#giveWaiting()
    })
  }

  #giveWaiting(): void {
    while (this.#backlog.bytes > 0 && this.#untakenBytes === 0) this.#give(this.#backlog.take())
    if (this.#closing && this.bufferedBytes === 0) this.#end()
  }

  #end(): void {
    this.#server.timeout(this.#request, this.#streams.idleTimeoutS)
    void this.#sink.end()
    this.closed()
  }
}
