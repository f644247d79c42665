/**
 * The interface between a runtime and everything above it. A runtime adapter (Bun, Deno, Node, plain TCP) makes
 * these objects; sessions, the broker and the HTTP app use them and know nothing else of the runtime. Types only.
 */

export type Transport = 'websocket' | 'tcp' | 'http' | 'sockjs-websocket' | 'sockjs-xhr'

/** One accepted connection. Never throws; calls after close are no-ops. */
export interface Socket {
  /** IP address of the peer, without port; `""` if the runtime cannot tell. */
  readonly remoteAddress: string
  /**
   * `tcp` has no message boundaries and no close codes; `http` is a response body that goes on, and only sends. Those of
   * SockJS are sessions over others, and have text only.
   */
  readonly transport: Transport
  /** The fan-out whose groups this socket can join. */
  readonly fanout: Fanout
  /** Bytes handed to `send` (or written to a group of this socket) that have not reached the kernel; compressed ones as they are. */
  readonly bufferedBytes: number
  /**
   * Changes when the kernel has taken something of what it had no room for. Not every time: where it does not,
   * `bufferedBytes` gets less.
   */
  readonly drains: number
  /** A string becomes a text message, bytes a binary message; on TCP both are bytes, with the EOL that ends a frame there. */
  send(data: string | Uint8Array): void
  /** Several messages in one write; on a WebSocket each stays a message of its own. */
  sendAll(messages: readonly (string | Uint8Array)[]): void
  /**
   * From here on text leaves as binary messages too, what is written to its groups included: for a client that speaks so
   * itself. To be called before the first `join`, and changes `fanout`. Only on a WebSocket does it mean anything.
   */
  sendBinary(): void
  /** Take part in a group of its {@link Fanout}. */
  join(group: string): void
  /** After this call nothing written to the group reaches the socket. */
  leave(group: string): void
  /** Ask the peer for a sign of life: `ponged` follows if it is there. Elsewhere nothing happens. */
  ping(): void
  /** Stop reading: inbound backpressure. */
  pause(): void
  resume(): void
  /**
   * Flush what is queued, then close. `closed` follows, at the latest when the peer is gone; on `http` with 1006 if it went
   * before all was handed to the kernel.
   */
  close(code: number, reason: string): void
  /** Drop the connection now. */
  terminate(): void
}

/** What a session does with what its socket reports. `closed` comes exactly once, and last. */
export interface SocketHandler {
  /** `isBinary`: it was a binary WebSocket message; a text message may come as its bytes too. */
  receive(data: string | Uint8Array, isBinary?: boolean): void
  /** The peer will send nothing more but still reads (TCP half-close). */
  ended(): void
  closed(code: number, reason: string): void
  /** The peer has answered a ping, one of the socket's own or one that was asked for. */
  ponged?(): void
}

/** Makes the handler of a socket that has just opened. */
export type OpenSocket = (socket: Socket) => SocketHandler

/** The same bytes to every socket of a group, in order with what each of them is sent by itself. */
export interface Fanout {
  /** Several messages in one write per socket; on a WebSocket each stays a message of its own. */
  write(group: string, messages: readonly (string | Uint8Array)[]): void
}

/** What the HTTP app gets from the runtime with each request (Hono's `env`). */
export interface RequestEnv {
  /** Of whoever sent it: behind a trusted proxy that is not who has connected. */
  readonly remoteAddress: string
  /** Of whoever has connected, where that is somebody else: a proxy. */
  readonly peerAddress?: string
  /** The request names no host, as HTTP/1.0 allows: its URL then has one that nobody can have. */
  readonly isHostMissing?: boolean
  /**
   * Accept the WebSocket upgrade of this request.
   * `protocol` is the sub-protocol to answer, or undefined for none.
   * `abandoned` is called instead of `open` if that cannot be: the request is no valid upgrade, or its client has left.
   * Returns the response that the app must return; 426 if the request is no valid upgrade.
   */
  upgrade(request: Request, options: UpgradeOptions): Response
  /**
   * Answer 200 with these headers and a body that goes on until the socket is closed; what is sent are pieces of it.
   * Returns the response that the app must return; it may add headers to it. If the app returns another one, or if the
   * request is a HEAD, nothing is opened. The head of the response may leave only with the first piece.
   * `abandoned` is called instead of `open` if the client has left; it may also be opened, and closed at once.
   */
  stream(request: Request, options: StreamOptions): Response
}

export interface UpgradeOptions {
  readonly protocol: string | undefined
  readonly open: OpenSocket
  readonly abandoned?: () => void
}

export interface StreamOptions {
  readonly headers: Readonly<Record<string, string>>
  readonly open: OpenSocket
  readonly abandoned?: () => void
}

/** The HTTP application: every request of the listener, upgrades included. */
export type FetchHandler = (request: Request, env: RequestEnv) => Response | Promise<Response>

/** What a listener shows who connects by TLS, and its key; text in PEM. */
export interface Certificate {
  /** Those of the authorities in between come behind it. */
  readonly cert: string
  readonly key: string
}

export interface ListenOptions {
  host: string
  /** 0 for any free port. */
  port: number
  /** Speak TLS, 1.2 or newer; undefined: plain text. */
  certificate?: Certificate | undefined
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
  /** How often WebSockets are pinged; 0 is never. A peer that is silent for 2.4 times as long is dropped. */
  pingIntervalMs: number
  /** An HTTP connection may be idle between two requests for this long; it is closed at most a few seconds later. */
  keepAliveMs: number
  /** The whole of a request, head and body, has to arrive within this time. */
  requestTimeoutMs: number
}

export interface TcpListenOptions {
  host: string
  port: number
  /** As in {@link ListenOptions}. */
  certificate?: Certificate | undefined
  open: OpenSocket
  hardUnsentBytes: number
}

/** A bound listener. */
export interface Listener {
  readonly host: string
  /** The port really bound. */
  readonly port: number
  /**
   * Who connects from here on is shown this certificate; open connections go on. Only where it listens with one.
   * Errors: throws if the runtime does not take it; the one before then stays.
   */
  useCertificate(certificate: Certificate): void
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
  /** Collects what was made lately and is in use no more, in about a millisecond; undefined where a program cannot ask for that. */
  readonly collectGarbage?: () => void
}
