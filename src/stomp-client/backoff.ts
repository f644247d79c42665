/**
 * How long to wait before the next attempt: exponential, with full jitter, so that the clients of a node that has gone
 * do not come back together. The client asks after each connection that has ended; of connections nothing is known
 * here.
 */
import type { BackoffOptions } from './options.ts'

const FIRST_MS = 1_000
const MAX_MS = 30_000
const STABLE_MS = 10_000
/** The longest that a timer can wait; for longer ones it does not wait at all. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** Doubled more often, the number is no longer one. */
const MAX_DOUBLINGS = 50

export class Backoff {
  readonly #firstMs: number
  readonly #maxMs: number
  /** How long a connection has to hold until the next wait is a first one again. */
  readonly stableMs: number
  readonly #random: () => number
  #failures = 0

  /** `random`: from 0 to 1. */
  constructor({ firstMs = FIRST_MS, maxMs = MAX_MS, stableMs = STABLE_MS }: BackoffOptions, random: () => number) {
    this.#firstMs = firstMs
    this.#maxMs = maxMs
    this.stableMs = stableMs
    this.#random = random
  }

  /** Returns a time between `leastMs` and that much more than the cap of this attempt, which doubles each time. */
  nextMs(leastMs: number): number {
    const capMs = Math.min(this.#maxMs, this.#firstMs * 2 ** Math.min(this.#failures++, MAX_DOUBLINGS))
    // On top of the least time: all who were told the same one would else come at the same moment.
    return Math.min(MAX_TIMER_MS, leastMs + this.#random() * capMs)
  }

  reset(): void {
    this.#failures = 0
  }
}
