/**
 * What waits for a client that does not keep up. A runtime tells of no progress within what it was given at once, so that
 * a client with a long way to go looks like one that stands still: what waits is handed on in pieces.
 */
import { concatenate } from './bytes.ts'

/** What a runtime is given at once, in bytes. */
export const PIECE_BYTES = 65_536

export class Backlog {
  #waiting: Uint8Array[] = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#waiting.push(bytes)
    this.#bytes += bytes.length
  }

  /** Returns the next piece; there has to be one. */
  take(): Uint8Array {
    const first = this.#waiting[0]!
    let { length } = first
    if (length > PIECE_BYTES) {
      this.#waiting[0] = first.subarray(PIECE_BYTES)
      this.#bytes -= PIECE_BYTES
      return first.subarray(0, PIECE_BYTES)
    }
    let count = 1
    for (let next; (next = this.#waiting[count]) && length + next.length <= PIECE_BYTES; count++) length += next.length
    this.#bytes -= length
    return concatenate(this.#waiting.splice(0, count))
  }

  clear(): void {
    this.#waiting = []
    this.#bytes = 0
  }
}
