/**
 * How long messages take from the bus to the sockets of their subscribers: of one in so many, so that the others cost a
 * comparison. What arrives is handed on in the same call, up to where it is gathered for its topic.
 */
import type { Buckets } from './buckets.ts'

/** Less one: a mask. */
const ONE_IN = 16 - 1

export class DeliveryDelay {
  readonly #seconds: Buckets
  #messages = 0
  /** When the message that is being handed on arrived, by `performance.now()`; 0 if it is not measured. */
  #arrivedMs = 0

  /** `seconds`: where each measured delay is added. */
  constructor(seconds: Buckets) {
    this.#seconds = seconds
  }

  /** A message has arrived. Call `passed` when it has been handed on. */
  arrived(): void {
    if ((++this.#messages & ONE_IN) === 0) this.#arrivedMs = performance.now()
  }

  /** Whoever wanted it has it, or keeps it. */
  passed(): void {
    this.#arrivedMs = 0
  }

  /** Returns when it arrived; 0 if it is not measured, or somebody else measures it. */
  take(): number {
    const arrivedMs = this.#arrivedMs
    this.#arrivedMs = 0
    return arrivedMs
  }

  /** It was written. `arrivedMs`: as `take` has returned it, and not 0. */
  written(arrivedMs: number): void {
    this.#seconds.add((performance.now() - arrivedMs) / 1000)
  }
}
