/**
 * One attempt to connect, and the connection that comes of it: credentials, WebSocket, and a client of @stomp/stompjs
 * that never reconnects. It ends once, with everything that is known of why. What comes next its owner decides.
 */
import { Client, Versions, type IStompSocket, type StompHeaders } from '@stomp/stompjs'
import type { Clock } from './clock.ts'
import { ClientError, ClientErrorCode, errorOf } from './errors.ts'
import { limitHeartBeat, withKeptHeartBeats } from './heart-beats.ts'
import type { ClientOptions, Credentials } from './options.ts'

const CONNECT_TIMEOUT_MS = 15_000
/** For the server to close after its ERROR, or to answer DISCONNECT. */
const CLOSE_TIMEOUT_MS = 3_000

/** How a connection has ended. */
export interface Ending {
  readonly code?: number | undefined
  readonly reason?: string | undefined
  readonly error?: ClientError | undefined
}

export interface ConnectionOwner {
  connected(headers: StompHeaders): void
  receipt(headers: StompHeaders): void
  /** Called once; nothing else after it. */
  ended(ending: Ending): void
}

export class Connection {
  readonly #options: ClientOptions
  readonly #clock: Clock
  readonly #owner: ConnectionOwner
  #stomp: Client | undefined
  #socket: IStompSocket | undefined
  #timer: unknown
  #error: ClientError | undefined
  #isOver = false
  /** Since CONNECTED, of the clock. */
  connectedAtMs: number | undefined
  /** Settles when it is over. */
  readonly ended: Promise<void>
  #settle!: () => void

  constructor(options: ClientOptions, clock: Clock, owner: ConnectionOwner) {
    this.#options = options
    this.#clock = clock
    this.#owner = owner
    this.ended = new Promise((resolve) => (this.#settle = resolve))
  }

  /** Undefined unless it is connected. */
  get stomp(): Client | undefined {
    return this.#stomp?.connected ? this.#stomp : undefined
  }

  /** Never rejects. */
  async open(): Promise<void> {
    const { credentials, connectTimeoutMs = CONNECT_TIMEOUT_MS, stompjs, heartbeat = {} } = this.#options
    this.#limit(connectTimeoutMs, `No connection within ${connectTimeoutMs} ms`)
    let code: string = ClientErrorCode.CREDENTIALS_FAILED
    try {
      const login = (await credentials?.()) ?? {}
      if (this.#isOver) return
      code = ClientErrorCode.UNREACHABLE
      // Here, as @stomp/stompjs would leave what it throws to nobody.
      const socket = this.#createSocket(login)
      socket.onerror = () => {} // a close follows
      this.#socket = socket
      this.#stomp = new Client({
        ...stompjs,
        connectHeaders: connectHeadersOf(login),
        heartbeatIncoming: limitHeartBeat(heartbeat.incomingMs ?? 10_000),
        heartbeatOutgoing: limitHeartBeat(heartbeat.outgoingMs ?? 10_000),
        reconnectDelay: 0,
        webSocketFactory: () => withKeptHeartBeats(socket),
        onConnect: ({ headers }) => {
          this.#clock.clearTimeout(this.#timer)
          this.connectedAtMs = this.#clock.now()
          this.#owner.connected(headers)
        },
        onStompError: (frame) => {
          this.#error ??= errorOf(frame)
          this.#limit(CLOSE_TIMEOUT_MS, 'The server has not closed after its ERROR')
        },
        onUnhandledReceipt: ({ headers }) => this.#owner.receipt(headers),
        onHeartbeatLost: () => this.#end({ reason: 'No heart-beat from the server' }),
        onWebSocketClose: ({ code, reason }: Ending) => this.#end({ code, reason }),
      })
      this.#stomp.activate()
    } catch (cause) {
      this.#error = new ClientError(code, `Cannot connect: ${String(cause)}`, { cause })
      this.#end({})
    }
  }

  /** In order: what was sent before has taken effect. At once, if there is no connection yet. */
  close(): Promise<void> {
    if (this.stomp) {
      this.#limit(CLOSE_TIMEOUT_MS, 'The server has not confirmed')
      void this.stomp.deactivate()
    } else this.#end({})
    return this.ended
  }

  #createSocket({ ticket }: Credentials): IStompSocket {
    const { brokerURL, webSocketFactory, stompjs } = this.#options
    const mark = brokerURL.includes('?') ? '&' : '?'
    const url = ticket === undefined ? brokerURL : `${brokerURL}${mark}ticket=${encodeURIComponent(ticket)}`
    const protocols = (stompjs?.stompVersions ?? Versions.default).protocolVersions()
    return webSocketFactory ? webSocketFactory(url, protocols) : new WebSocket(url, protocols)
  }

  /** One time limit at a time. */
  #limit(ms: number, reason: string): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = this.#clock.setTimeout(() => {
      if (this.connectedAtMs === undefined) this.#error ??= new ClientError(ClientErrorCode.TIMEOUT, reason)
      this.#end({ reason })
    }, ms)
  }

  #end(ending: Ending): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#clock.clearTimeout(this.#timer)
    void this.#stomp?.deactivate({ force: true })
    // It has the socket only a moment after it was activated.
    if (!this.#stomp?.webSocket) this.#socket?.close()
    this.#owner.ended({ ...ending, error: this.#error })
    this.#settle()
  }
}

function connectHeadersOf({ token, connectHeaders }: Credentials): StompHeaders {
  return { ...connectHeaders, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) }
}
