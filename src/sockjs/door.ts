/** Opens SockJS sessions as sockets of whoever speaks STOMP over them, and finds those over HTTP by what they are called. */
import type { Handshake } from '../access/handshake.ts'
import type { Deadlines } from '../clock.ts'
import type { Fanout, Socket, SocketHandler } from '../socket.ts'
import type { Receiving } from './receiver.ts'
import { WebSocketFanout } from './websocket-fanout.ts'
import { WebSocketSession } from './websocket-session.ts'
import { XhrFanout } from './xhr-fanout.ts'
import { XhrSession } from './xhr-session.ts'

/** A session has opened. */
export type OpenSession = (socket: Socket, handshake: Handshake) => SocketHandler

export class SockJsDoor {
  /** Of one request that sends, in bytes. */
  readonly maxPayloadBytes: number
  readonly #open: OpenSession
  readonly #deadlines: Deadlines
  readonly #sessions = new Map<string, XhrSession>()
  readonly #xhrFanout = new XhrFanout()
  /** By that of the runtime, of which there are few. */
  readonly #fanouts = new Map<Fanout, WebSocketFanout>()

  constructor(open: OpenSession, deadlines: Deadlines, maxPayloadBytes: number) {
    this.maxPayloadBytes = maxPayloadBytes
    this.#open = open
    this.#deadlines = deadlines
  }

  /** A WebSocket has opened that is to be a session. */
  openWebSocket(websocket: Socket, handshake: Handshake): SocketHandler {
    const fanout = this.#fanoutOver(websocket.fanout)
    return new WebSocketSession(websocket, fanout, this.#deadlines, (socket) => this.#open(socket, handshake))
  }

  /** Returns a session over HTTP, also for some seconds after its end; undefined if there is none of this name. */
  find(name: string): XhrSession | undefined {
    return this.#sessions.get(name)
  }

  /** A receiving connection has opened: of the session of this name, which opens with it unless it is there. */
  openXhr(name: string, connection: Socket, kind: Receiving, handshake: Handshake): SocketHandler {
    const session = this.#sessions.get(name) ?? this.#openSession(name, connection.remoteAddress, handshake)
    return session.attach(connection, kind)
  }

  #openSession(name: string, remoteAddress: string, handshake: Handshake): XhrSession {
    const session = new XhrSession(
      remoteAddress,
      this.#xhrFanout,
      this.#deadlines,
      (socket) => this.#open(socket, handshake),
      () => this.#sessions.delete(name),
    )
    this.#sessions.set(name, session)
    return session
  }

  #fanoutOver(sockets: Fanout): WebSocketFanout {
    let fanout = this.#fanouts.get(sockets)
    if (!fanout) this.#fanouts.set(sockets, (fanout = new WebSocketFanout(sockets)))
    return fanout
  }
}
