/**
 * The interface between a runtime and everything above it. A runtime adapter (Bun, Deno, Node, plain TCP) makes
 * these objects; sessions, the broker and the HTTP app use them and know nothing else of the runtime. Types only.
 */

/** One accepted connection. Never throws; calls after close are no-ops. */
export interface Socket {
  /** IP address of the peer, without port; `""` if the runtime cannot tell. */
  readonly remoteAddress: string
  /**
   * `websocket`, `tcp`, or `http`: the body of a response that goes on. Only a WebSocket has message boundaries and close
   * codes, and over `http` nothing is received.
   */
  readonly transport: 'websocket' | 'tcp' | 'http'
  /** The fan-out whose groups this socket can join. */
  readonly fanout: Fanout
  /** Bytes handed to `send` (or published to a group of this socket) that have not reached the kernel; compressed ones as they are. */
  readonly bufferedBytes: number
  /** A string becomes a text message, bytes a binary message; on TCP both are bytes. */
  send(data: string | Uint8Array): void
  /** Several messages in one write; on a WebSocket each stays a message of its own. */
  sendAll(messages: readonly (string | Uint8Array)[]): void
  /** Take part in a group of this socket's {@link Fanout}. */
  join(group: string): void
  /** After this call nothing published to the group reaches the socket. */
  leave(group: string): void
  /** Stop reading: inbound backpressure. */
  pause(): void
  resume(): void
  /** Flush what is queued, then close. `closed` follows, at the latest when the peer is gone. */
  close(code: number, reason: string): void
  /** Drop the connection now. */
  terminate(): void
}

/** What a session does with what its socket reports. `closed` comes exactly once, and last. */
export interface SocketHandler {
  receive(data: string | Uint8Array): void
  /** The peer will send nothing more but still reads (TCP half-close). */
  ended(): void
  closed(code: number, reason: string): void
}

/** Makes the handler of a socket that has just opened. */
export type OpenSocket = (socket: Socket) => SocketHandler

/** Same bytes to every socket of a group, in order with what each of them is sent by itself. */
export interface Fanout {
  /** Several messages leave in one write per socket; on a WebSocket each stays a message of its own. */
  publish(group: string, messages: readonly (string | Uint8Array)[]): void
}

/** What the HTTP app gets from the runtime with each request (Hono's `env`). */
export interface RequestEnv {
  readonly remoteAddress: string
  /**
   * Accept the WebSocket upgrade of this request.
   * `protocol` is the sub-protocol to answer, or undefined for none.
   * Returns the response that the app must return; 426 if the request is no valid upgrade.
   */
  upgrade(request: Request, options: { protocol: string | undefined; open: OpenSocket }): Response
  /**
   * Answers 200 with these headers and a body that goes on until the socket is closed. What is sent are pieces of the body.
   * Returns the response that the app must return; it may add headers to it. If the app returns another one, or if the
   * request is a HEAD, nothing is opened. The head of the response may leave only with the first piece.
   */
  stream(request: Request, options: { headers: Readonly<Record<string, string>>; open: OpenSocket }): Response
}

/** The HTTP application: every request of the listener, upgrades included. */
export type FetchHandler = (request: Request, env: RequestEnv) => Response | Promise<Response>

export interface ListenOptions {
  host: string
  /** 0 for any free port. */
  port: number
  fetch: FetchHandler
  /** Largest WebSocket message taken, in bytes, decompressed; larger ones close the socket with 1009. */
  maxMessageBytes: number
  /** Largest HTTP request body the runtime lets in, in bytes; the app's own limits are lower. */
  maxBodyBytes: number
  /** A socket with more unsent bytes than this is dropped by the runtime itself: the last line behind the session's own limit. */
  hardUnsentBytes: number
  /**
   * Messages from this length on are compressed for clients that offer permessage-deflate (RFC 7692); undefined: it is
   * negotiated with nobody. In bytes, where a runtime cannot tell in characters.
   */
  compressionMinBytes: number | undefined
}

export interface TcpListenOptions {
  host: string
  port: number
  open: OpenSocket
  hardUnsentBytes: number
}

/** A bound listener. */
export interface Listener {
  readonly host: string
  /** The port really bound. */
  readonly port: number
  readonly fanout: Fanout
  /** Stop accepting; open sockets stay. Idempotent. */
  stopAccepting(): void
  /** Drop what is still open and release the port. Idempotent. */
  close(): Promise<void>
}

export interface RuntimeOptions {
  /** Other processes of this program listen on the same ports (SO_REUSEPORT); where it is the supervisor who listens, this changes nothing. */
  readonly sharesPorts?: boolean
}

/** What main passes to a bridge: how to listen here. */
export interface Runtime {
  /** `bun`, `deno` or `node`, with version, for the banner and `/health`. */
  readonly name: string
  readonly version: string
  listen(options: ListenOptions): Promise<Listener>
  listenTcp(options: TcpListenOptions): Promise<Listener>
}
