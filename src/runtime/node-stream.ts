/**
 * Responses of `node:http` whose body goes on, as sockets. The server writes the head and the end; what is between goes
 * straight to the connection, as chunks that were built once for all, which costs no more than WebSocket frames do.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { FetchHandler, OpenSocket, RequestEnv, Socket, SocketHandler } from '../socket.ts'
import { Backlog, PIECE_BYTES } from './backlog.ts'
import { BodyPiece, LAST_CHUNK } from './body-piece.ts'
import { GroupFanout, type GroupMember } from './groups.ts'

/** What the application was told to return, and who is to be told once it has. */
export interface StreamAnswer {
  readonly response: Response
  readonly open: OpenSocket
}

/** The part of a request's environment that lets the application answer with a stream. */
export class StreamAsk implements Pick<RequestEnv, 'stream'> {
  #body: ReadableStream | undefined
  #open: OpenSocket | undefined

  readonly stream: RequestEnv['stream'] = (_request, { headers, open }) => {
    // Never read: it tells whether this is what the application returns, whatever headers others have added to it.
    this.#body = new ReadableStream()
    this.#open = open
    return new Response(this.#body, { headers })
  }

  /** Undefined if the application has returned another response. */
  answerOf(response: Response): StreamAnswer | undefined {
    const open = this.#open
    return open && response.body === this.#body ? { response, open } : undefined
  }
}

/** Those of one listener; they share a fan-out. */
export class NodeStreams {
  readonly fanout = new GroupFanout<BodyPiece>((messages) => new BodyPiece(messages))
  readonly hardUnsentBytes: number

  constructor(hardUnsentBytes: number) {
    this.hardUnsentBytes = hardUnsentBytes
  }

  /** Runs the application for a request of the HTTP server. */
  answer(
    fetch: FetchHandler,
    request: Request,
    env: Omit<RequestEnv, 'stream'>,
    outgoing: ServerResponse,
  ): Response | Promise<Response> {
    const ask = new StreamAsk()
    const startIfAsked = (response: Response): Response => {
      const answer = ask.answerOf(response)
      if (!answer) return response
      this.#start(answer, env.remoteAddress, outgoing)
      return RESPONSE_ALREADY_SENT
    }
    const response = fetch(request, { ...env, stream: ask.stream })
    return response instanceof Promise ? response.then(startIfAsked) : startIfAsked(response)
  }

  #start({ response, open }: StreamAnswer, remoteAddress: string, outgoing: ServerResponse): void {
    outgoing.statusCode = response.status
    for (const [name, value] of response.headers) outgoing.appendHeader(name, value)
    if (outgoing.req.method === 'HEAD') {
      outgoing.end()
      return
    }
    outgoing.flushHeaders()
    const start = (): void => {
      const connection = outgoing.socket
      if (!connection) return
      connection.setTimeout(0) // the server sets it again for the next request
      const isChunked = outgoing.chunkedEncoding
      // Where nothing is left to say, `outgoing` writes nothing. Deno 2.9 does not come back from that over TLS.
      const end = (): void => (isChunked ? void outgoing.end() : connection.destroySoon())
      const stream = new NodeStream({ connection, isChunked, end }, remoteAddress, this)
      outgoing.once('close', () => stream.closed())
      stream.opened(open)
      // The client may have left while the application looked for its answer, and 'close' has been then.
      if (outgoing.destroyed || connection.destroyed) stream.closed()
    }
    // It has none while the response to an earlier request of the connection goes on.
    if (outgoing.socket) start()
    else outgoing.once('socket', () => process.nextTick(start))
  }

  /** The same for a request that the server has handed over raw, because it offered an upgrade that nobody took. */
  startRaw({ response, open }: StreamAnswer, incoming: IncomingMessage, connection: Duplex): void {
    const isChunked = incoming.httpVersionMinor > 0
    const headers = new Headers(response.headers)
    headers.set('connection', 'close')
    if (isChunked) headers.set('transfer-encoding', 'chunked')
    const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
    connection.write(`HTTP/1.1 200 OK\r\n${lines}\r\n`)
    connection.once('finish', () => connection.destroy())
    const end = (): void => void (isChunked ? connection.end(LAST_CHUNK) : connection.end())
    if (incoming.method === 'HEAD') {
      connection.end()
      return
    }
    incoming.socket.setTimeout(0)
    const stream = new NodeStream({ connection, isChunked, end }, incoming.socket.remoteAddress ?? '', this)
    connection.once('close', () => stream.closed())
    connection.once('end', () => connection.destroy())
    connection.resume()
    stream.opened(open)
    if (connection.destroyed) stream.closed() // as above
  }
}

/** What there is of a response whose head is written. */
interface Body {
  readonly connection: Duplex
  /** Else it ends with the connection. */
  readonly isChunked: boolean
  /** Writes what ends the body after all that is written. */
  end(): void
}

class NodeStream implements Socket, GroupMember<BodyPiece> {
  readonly transport = 'http'
  /** What waits is handed over in pieces: it gets less. */
  readonly drains = 0
  readonly remoteAddress: string
  readonly #body: Body
  readonly #streams: NodeStreams
  #handler: SocketHandler | undefined
  /** What the connection has not been given. */
  readonly #backlog = new Backlog()
  /** How many of its own writes the connection has not reported as taken: each report gives out what waits. */
  #untold = 0
  readonly #taken = (): void => {
    this.#untold--
    this.#giveWaiting()
  }
  #closing: { readonly code: number; readonly reason: string } | undefined
  /** From then on the connection may be another request's. */
  #isClosed = false

  constructor(body: Body, remoteAddress: string, streams: NodeStreams) {
    this.#body = body
    this.remoteAddress = remoteAddress
    this.#streams = streams
  }

  opened(open: OpenSocket): void {
    this.#handler = open(this)
  }

  /** The client is gone, or all that is to be sent is. */
  closed(): void {
    if (this.#isClosed) return
    const { code, reason } = (this.bufferedBytes === 0 && this.#closing) || { code: 1006, reason: '' }
    this.#isClosed = true
    this.#backlog.clear()
    this.#handler?.closed(code, reason)
  }

  get fanout(): GroupFanout<BodyPiece> {
    return this.#streams.fanout
  }

  get bufferedBytes(): number {
    return this.#isClosed ? 0 : this.#backlog.bytes + this.#body.connection.writableLength
  }

  send(data: string | Uint8Array): void {
    this.write(new BodyPiece([data]))
  }

  sendAll(messages: readonly (string | Uint8Array)[]): void {
    this.write(new BodyPiece(messages))
  }

  write(piece: BodyPiece): void {
    const { connection, isChunked } = this.#body
    if (this.#isClosed || this.#closing || !connection.writable) return
    const bytes = isChunked ? piece.chunk : piece.plain
    if (bytes.length === 0) return
    if (this.#backlog.bytes === 0 && bytes.length <= PIECE_BYTES && this.#mayGive) this.#give(bytes)
    else if (this.bufferedBytes > this.#streams.hardUnsentBytes) connection.destroy()
    else {
      this.#backlog.push(bytes)
      this.#giveWaiting()
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
    if (this.#backlog.bytes === 0) this.#body.end()
  }

  terminate(): void {
    if (!this.#isClosed) this.#body.connection.destroy()
  }

  /**
   * What others have written, such as the head, is nothing to wait for: nobody would tell when it is taken. Over TLS it is
   * still there when the first piece comes.
   */
  get #mayGive(): boolean {
    const { connection } = this.#body
    return connection.writable && (this.#untold === 0 || connection.writableLength === 0)
  }

  #give(bytes: Uint8Array): void {
    this.#untold++
    this.#body.connection.write(bytes, this.#taken)
  }

  #giveWaiting(): void {
    if (this.#backlog.bytes === 0) return
    while (this.#backlog.bytes > 0 && this.#mayGive) this.#give(this.#backlog.take())
    if (this.#closing && this.#backlog.bytes === 0) this.#body.end()
  }
}
