/**
 * What waits for a stream that is full. A stream of Node's hands all that waits to the kernel as one write, of which one
 * cannot see how much is through: here it gets no more than it asks for, so that a slow peer is seen to move.
 */
import type { Duplex } from 'node:stream'

/** What may be cut is written in pieces of this length, in bytes. */
const PIECE = 65_536

/** How much a stream takes before it says that it is full, in bytes; for the options of a server. */
export const HIGH_WATER_MARK = 65_536

export class OutputQueue {
  /** How often the stream was empty again, and asked for more. */
  drains = 0
  readonly #stream: Duplex
  /** May one chunk reach the stream in several writes? Not if others write to it too. */
  readonly #mayCut: boolean
  /** Undefined until the stream is full for the first time. */
  #waiting: Uint8Array[] | undefined
  /** Of these, how many are written. */
  #written = 0
  #waitingBytes = 0
  #whenEmpty: (() => void) | undefined

  constructor(stream: Duplex, mayCut: boolean) {
    this.#stream = stream
    this.#mayCut = mayCut
  }

  /** Not yet taken by the kernel. */
  get bytes(): number {
    return this.#waitingBytes + this.#stream.writableLength
  }

  write(chunk: Uint8Array): void {
    if (this.#waitingBytes > 0) this.#keep(chunk)
    else if (this.#stream.writableNeedDrain) {
      this.#keep(chunk)
      this.#awaitDrain()
    } else if (this.#mayCut && chunk.length > PIECE) {
      this.#stream.write(chunk.subarray(0, PIECE))
      this.write(chunk.subarray(PIECE))
    } else this.#stream.write(chunk)
  }

  /** Calls back when everything has been handed to the stream: now, or later. Nothing may be written after it. */
  whenEmpty(then: () => void): void {
    if (this.#waitingBytes === 0) then()
    else this.#whenEmpty = then
  }

  #keep(chunk: Uint8Array): void {
    this.#waiting ??= []
    this.#waitingBytes += chunk.length
    if (!this.#mayCut) this.#waiting.push(chunk)
    else for (let i = 0; i < chunk.length; i += PIECE) this.#waiting.push(chunk.subarray(i, i + PIECE))
  }

  /** Makes its listener when it is needed: most sockets are never full. */
  #awaitDrain(): void {
    this.#stream.once('drain', () => this.#refill())
  }

  #refill(): void {
    this.drains++
    const waiting = this.#waiting!
    let hasRoom = true
    while (hasRoom && this.#written < waiting.length) {
      const chunk = waiting[this.#written++]!
      this.#waitingBytes -= chunk.length
      hasRoom = this.#stream.write(chunk)
    }
    if (this.#written < waiting.length) {
      // what is written is let go of now and then, not one by one: that would cost the square of their number
      if (this.#written * 2 > waiting.length) this.#waiting = waiting.slice(this.#written)
      if (this.#waiting !== waiting) this.#written = 0
      this.#awaitDrain()
      return
    }
    this.#waiting = undefined
    this.#written = 0
    this.#whenEmpty?.()
  }
}
