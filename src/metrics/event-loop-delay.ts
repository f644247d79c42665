/**
 * How late the event loop is: a timer that should come ten times a second, and how much later it comes. The same on
 * every runtime, and it can be added up over processes.
 */
import type { Buckets } from './buckets.ts'
import type { Clock } from '../clock.ts'

const EVERY_MS = 100

export class EventLoopDelay {
  readonly #clock: Clock
  readonly #seconds: Buckets
  #dueMs = 0
  #longest = 0
  #timer: unknown

  /** `seconds`: where each delay is added. */
  constructor(clock: Clock, seconds: Buckets) {
    this.#clock = clock
    this.#seconds = seconds
  }

  start(): void {
    this.#dueMs = this.#clock.now() + EVERY_MS
    this.#timer = this.#clock.setTimeout(() => this.#look(), EVERY_MS)
  }

  close(): void {
    this.#clock.clearTimeout(this.#timer)
  }

  /** Returns the longest since it was taken last, in seconds. */
  takeLongest(): number {
    const longest = this.#longest
    this.#longest = 0
    return longest
  }

  #look(): void {
    const seconds = Math.max(0, this.#clock.now() - this.#dueMs) / 1000
    this.#seconds.add(seconds)
    this.#longest = Math.max(this.#longest, seconds)
    this.start()
  }
}
