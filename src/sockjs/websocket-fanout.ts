/** Fan-out to SockJS sessions over WebSocket: that of their runtime, with each write as one frame of SockJS. */
import type { Fanout } from '../socket.ts'
import { messageFrame, quoteAll } from './frames.ts'
import { textOf } from './quoted-messages.ts'

export class WebSocketFanout implements Fanout {
  readonly #sockets: Fanout

  /** `sockets`: of the WebSockets below the sessions. */
  constructor(sockets: Fanout) {
    this.#sockets = sockets
  }

  write(group: string, messages: readonly (string | Uint8Array)[]): void {
    this.#sockets.write(group, [messageFrame(quoteAll(messages.map(textOf)))])
  }
}
