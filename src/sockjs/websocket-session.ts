/**
 * One SockJS session over a WebSocket: it begins and ends with it. To the runtime it is the handler of the WebSocket, to
 * whoever speaks STOMP over it a socket; between the two it packs and unpacks frames of SockJS.
 */
import type { Deadlines, Due } from '../clock.ts'
import type { Fanout, OpenSocket, Socket, SocketHandler } from '../socket.ts'
import { closeFrame, HEARTBEAT_FRAME, messageFrame, OPEN_FRAME, parsePayload, quoteAll } from './frames.ts'
import { HEARTBEAT_MS } from './heartbeat.ts'
import { textOf } from './quoted-messages.ts'

export class WebSocketSession implements Socket, SocketHandler, Due {
  readonly transport = 'sockjs-websocket'
  readonly fanout: Fanout
  dueSlot = 0
  readonly #websocket: Socket
  readonly #deadlines: Deadlines
  readonly #handler: SocketHandler
  #heartbeatAt: number
  #isClosing = false

  constructor(websocket: Socket, fanout: Fanout, deadlines: Deadlines, open: OpenSocket) {
    this.#websocket = websocket
    this.fanout = fanout
    this.#deadlines = deadlines
    websocket.send(OPEN_FRAME)
    this.#heartbeatAt = deadlines.now() + HEARTBEAT_MS
    deadlines.schedule(this, this.#heartbeatAt)
    this.#handler = open(this)
  }

  // --- SocketHandler: what the WebSocket reports

  receive(data: string | Uint8Array): void {
    if (this.#isClosing || data.length === 0) return
    const messages = parsePayload(textOf(data))
    // 0.3.3 "test_broken_json": the connection ends without a frame that says so.
    if (!messages) this.#end(1002, 'Broken JSON encoding.')
    else if (messages.length > 0) this.#handler.receive(messages.join(''))
  }

  ended(): void {
    this.#handler.ended()
  }

  closed(code: number, reason: string): void {
    this.#deadlines.cancel(this)
    this.#handler.closed(code, reason)
  }

  ponged(): void {
    this.#handler.ponged?.()
  }

  due(now: number): number | undefined {
    if (this.#isClosing) return undefined
    if (now >= this.#heartbeatAt) {
      this.#heartbeatAt = now + HEARTBEAT_MS
      this.#websocket.send(HEARTBEAT_FRAME)
    }
    return this.#heartbeatAt
  }

  // --- Socket

  get remoteAddress(): string {
    return this.#websocket.remoteAddress
  }

  get bufferedBytes(): number {
    return this.#websocket.bufferedBytes
  }

  get drains(): number {
    return this.#websocket.drains
  }

  send(data: string | Uint8Array): void {
    this.sendAll([data])
  }

  sendAll(messages: readonly (string | Uint8Array)[]): void {
    if (!this.#isClosing) this.#websocket.send(messageFrame(quoteAll(messages.map(textOf))))
  }

  /** SockJS has text only. */
  sendBinary(): void {}

  join(group: string): void {
    this.#websocket.join(group)
  }

  leave(group: string): void {
    this.#websocket.leave(group)
  }

  ping(): void {
    this.#websocket.ping()
  }

  pause(): void {
    this.#websocket.pause()
  }

  resume(): void {
    this.#websocket.resume()
  }

  close(code: number, reason: string): void {
    if (this.#isClosing) return
    this.#websocket.send(closeFrame(code, reason))
    this.#end(code, reason)
  }

  terminate(): void {
    this.#websocket.terminate()
  }

  #end(code: number, reason: string): void {
    this.#isClosing = true
    this.#websocket.close(code, reason)
  }
}
