/** How often one destination was asked for lately. Where several come back, what one of them has had read is kept for all. */
import type { Clock } from '../clock.ts'

/** For so long after an ask others are expected, in milliseconds. */
const RECENT_MS = 60_000

export class RecentAsks {
  readonly #clock: Clock
  #count = 0
  #lastMs = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(): void {
    if (!this.isRecent) this.#count = 0
    this.#count++
    this.#lastMs = this.#clock.now()
  }

  /** Was it asked for within the last minute? */
  get isRecent(): boolean {
    return this.#clock.now() - this.#lastMs <= RECENT_MS
  }

  /** Do several come back? Then they read together. */
  get isShared(): boolean {
    return this.#count > 1 && this.isRecent
  }
}
