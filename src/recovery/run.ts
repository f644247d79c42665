/**
 * The newest messages of one log, in memory and without a gap, for those who come back: many of them at once cost Redis
 * as much as one. Pure data.
 */
import type { Message } from '../delivery/message.ts'
import { numberOf } from '../history/log.ts'

/** About what a message takes beside its text, in bytes. */
const OVERHEAD = 600

/** How much is kept. */
export interface RunLimits {
  /** Of messages that the log does not hold either. */
  readonly maxMessages: number
  readonly maxBytes: number
}

export class Run {
  /** Offset of the message before the first; where there is none, of the newest that there ever was. */
  #before: string
  /** Its number. */
  #beforeNumber: number
  /** Undefined at the beginning, where it was cut off. */
  #messages: (Message | undefined)[] = []
  /** How many those are. Once they are half of all they are removed: to move the rest for each one would be slow. */
  #cut = 0
  #bytes = 0
  /** Does the log hold nothing older? */
  isComplete = false

  /** `newest`: offset of the newest message of the log. */
  constructor(newest: string) {
    this.#before = newest
    this.#beforeNumber = numberOf(newest)
  }

  get before(): string {
    return this.#before
  }

  get isEmpty(): boolean {
    return this.#messages.length === this.#cut
  }

  /** About how much memory it takes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Offset of the message with this number; undefined if it is not here. */
  offsetOf(number: number): string | undefined {
    return number === this.#beforeNumber ? this.#before : this.#at(number)?.position!.offset
  }

  /** At most so many messages behind the one with this number; undefined if the first of them is not here. */
  after(number: number, most: number): readonly Message[] | undefined {
    if (number < this.#beforeNumber) return undefined
    const start = this.#cut + number - this.#beforeNumber
    return this.#messages.slice(start, start + most) as Message[]
  }

  /** Offset of the last message that is not later than this time; undefined if it is not here. */
  offsetAt(ms: number, timeOf: (offset: string) => number): string | undefined {
    if (timeOf(this.#before) > ms) return undefined
    let low = this.#beforeNumber
    let high = low + this.#messages.length - this.#cut
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (timeOf(this.offsetOf(middle)!) <= ms) low = middle
      else high = middle - 1
    }
    return this.offsetOf(low)
  }

  /** The next newer one has come. */
  push(message: Message, { maxMessages, maxBytes }: RunLimits): void {
    this.#messages.push(message)
    this.#bytes += sizeOf(message)
    // What the log does not hold either is not missed.
    while (this.#messages.length - this.#cut > maxMessages) this.#cutFirst()
    while (this.#bytes > maxBytes && this.#cut < this.#messages.length) {
      this.#cutFirst()
      this.isComplete = false
    }
  }

  /** Those just before. `before`: offset of the one before them. */
  prepend(messages: readonly Message[], before: string): void {
    this.#messages = [...messages, ...this.#messages.slice(this.#cut)]
    this.#cut = 0
    for (const message of messages) this.#bytes += sizeOf(message)
    this.#before = before
    this.#beforeNumber = numberOf(before)
  }

  #at(number: number): Message | undefined {
    return number > this.#beforeNumber ? this.#messages[this.#cut + number - this.#beforeNumber - 1] : undefined
  }

  #cutFirst(): void {
    const first = this.#messages[this.#cut]!
    this.#bytes -= sizeOf(first)
    this.#before = first.position!.offset
    this.#beforeNumber++
    this.#messages[this.#cut++] = undefined
    if (this.#cut * 2 < this.#messages.length) return
    this.#messages = this.#messages.slice(this.#cut)
    this.#cut = 0
  }
}

function sizeOf({ length }: Message): number {
  // The text, and what it is encoded as.
  return OVERHEAD + length * 3
}
