/** The end of a connection: closed in order, and dropped if the peer does not go in time. */
import type { Deadlines, Due } from '../clock.ts'
import { closeReason } from '../errors.ts'
import type { Socket } from '../socket.ts'

export class Closing implements Due {
  dueSlot = 0
  readonly #socket: Socket
  readonly #deadlines: Deadlines
  #at = 0

  constructor(socket: Socket, deadlines: Deadlines) {
    this.#socket = socket
    this.#deadlines = deadlines
  }

  /** `lingerMs`: how long the peer may take. */
  begin(code: number, reason: string, lingerMs: number): void {
    this.#at = this.#deadlines.now() + lingerMs
    this.#deadlines.schedule(this, this.#at)
    this.#socket.close(code, closeReason(reason))
  }

  /** The connection is gone. */
  end(): void {
    this.#deadlines.cancel(this)
  }

  due(now: number): number | undefined {
    if (now < this.#at) return this.#at
    this.#socket.terminate()
    return undefined
  }
}
