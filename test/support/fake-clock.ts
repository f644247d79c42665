/** A clock that moves when the test says so. Callbacks run in the order of their moments, each at its own moment. */
import type { Clock } from '../../src/clock.ts'

/** Real timers take a longer delay than this for 1 ms. */
const MAX_TIMER_DELAY_MS = 2_147_483_647

interface Timer {
  readonly atMs: number
  readonly callback: () => void
}

export class FakeClock implements Clock {
  #nowMs: number
  #lastId = 0
  readonly #timers = new Map<number, Timer>()

  /** Does not begin at 0: a process has run for a while when its first session comes. */
  constructor(nowMs = 1_000_000) {
    this.#nowMs = nowMs
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#nowMs
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    const delay = delayMs > MAX_TIMER_DELAY_MS ? 1 : Math.max(1, delayMs)
    this.#timers.set(++this.#lastId, { atMs: this.#nowMs + delay, callback })
    return this.#lastId
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number)
  }

  /** Lets time pass. Returns how many callbacks ran. */
  advance(ms: number): number {
    const endMs = this.#nowMs + ms
    let ran = 0
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      const [id, { atMs, callback }] = next
      this.#timers.delete(id)
      this.#nowMs = Math.max(this.#nowMs, atMs)
      ran++
      callback()
    }
    this.#nowMs = endMs
    return ran
  }

  /** Time passes and nothing runs, as on a computer that sleeps: what was due is late at the next {@link advance}. */
  sleep(ms: number): void {
    this.#nowMs += ms
  }

  #next(endMs: number): [number, Timer] | undefined {
    let earliest: [number, Timer] | undefined
    for (const entry of this.#timers) {
      if (entry[1].atMs <= endMs && (!earliest || entry[1].atMs < earliest[1].atMs)) earliest = entry
    }
    return earliest
  }
}
