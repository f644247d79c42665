/**
 * One STOMP session over one WebSocket. `@stomp/stompjs` runs it: the handshake, the heart-beats of this side, the
 * polite end. Frames that a person composes go out beside it, from the encoder of `frames/`: stompjs cannot repeat a
 * header or put one on BEGIN, and does not escape headers in STOMP 1.1.
 */
import { Client, Versions } from '@stomp/stompjs'
import { encodeFrame, Version, VERSIONS, type FrameToEncode } from '../../frames/index.ts'
import { withKeptHeartBeats } from '../../src/stomp-client/heart-beats.ts'
import { connectHeaders, versionsOf, type Profile } from './profile.ts'
import type { TappedSocket } from './tapped-socket.ts'

export class StompLink {
  readonly #socket: TappedSocket
  readonly #client: Client

  constructor(socket: TappedSocket, profile: Profile, onConnected: () => void) {
    this.#socket = socket
    this.#client = new Client({
      webSocketFactory: () => withKeptHeartBeats(socket),
      stompVersions: new Versions([...versionsOf(profile)]),
      connectHeaders: connectHeaders(profile),
      heartbeatOutgoing: profile.heartBeatOutMs,
      heartbeatIncoming: profile.heartBeatInMs,
      // The connection tries again itself, to be able to say when.
      reconnectDelay: 0,
      // Silence is noticed by the connection, which says so and drops the WebSocket: stompjs would close it politely,
      // and a server that is gone never answers a close.
      heartbeatToleranceMultiplier: Infinity,
      onConnect: onConnected,
    })
    this.#client.activate()
  }

  /** Undefined before CONNECTED. A server of STOMP 1.0 names no version. */
  get version(): Version | undefined {
    if (!this.#client.connected) return undefined
    return VERSIONS.find((version) => version === this.#client.connectedVersion) ?? Version.V1_0
  }

  /** False if there is no session. */
  transmit(frame: FrameToEncode, options: { hasContentLength?: boolean } = {}): boolean {
    const { version } = this
    if (version === undefined || !this.#socket.isOpen) return false
    const encoded = encodeFrame(frame, version)
    const isBare = options.hasContentLength === false && typeof encoded === 'string'
    const data = isBare ? encoded.replace(/\ncontent-length:\d+\n\n/, '\n\n') : encoded
    this.#socket.send(data)
    return true
  }

  /** DISCONNECT, its RECEIPT, then the close; or only the close where there is no session yet. */
  disconnect(): void {
    if (this.version === undefined) this.#socket.close()
    else void this.#client.deactivate()
  }

  /** To be called when the WebSocket has ended: stops what may still wait. */
  dispose(): void {
    void this.#client.deactivate()
  }
}
