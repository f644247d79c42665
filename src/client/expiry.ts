/** The end of a session whose credential has expired: by the clock, also without traffic. */
import type { Deadlines, Due } from '../clock.ts'

export class Expiry implements Due {
  dueSlot = 0
  readonly #deadlines: Deadlines
  readonly #onExpired: () => void
  #at = Infinity

  constructor(deadlines: Deadlines, onExpired: () => void) {
    this.#deadlines = deadlines
    this.#onExpired = onExpired
  }

  /**
   * Ends it so long after it expires, or after now if that is later.
   * `expiresAt`: seconds since 1970, undefined for never; `graceMs`: milliseconds.
   */
  set(expiresAt: number | undefined, graceMs: number): void {
    this.cancel()
    if (expiresAt === undefined) return
    const leftMs = Math.max(0, expiresAt * 1000 - Date.now())
    this.#at = this.#deadlines.now() + leftMs + graceMs
    this.#deadlines.schedule(this, this.#at)
  }

  cancel(): void {
    this.#at = Infinity
    this.#deadlines.cancel(this)
  }

  due(now: number): number | undefined {
    if (now < this.#at) return this.#at
    this.#onExpired()
    return undefined
  }
}
