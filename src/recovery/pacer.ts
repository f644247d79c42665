/**
 * Those who read a history and wait: for their client to read what it has, for Redis, or until garbage was collected. One
 * timer for all of them.
 */
import type { Clock } from '../clock.ts'
import type { PageGarbage } from '../history/page-garbage.ts'

/** Somebody who waits. */
export interface Paced {
  /** May more be handed to the client? */
  readonly hasRoom: boolean
  step(): void
}

/** How often it is looked whether clients have read, in milliseconds. */
const LOOK_MS = 20
/** How long after a failed read the next one comes, in milliseconds. */
const RETRY_MS = 1000

export class Pacer {
  readonly #clock: Clock
  readonly #garbage: PageGarbage | undefined
  readonly #waiting = new Set<Paced>()
  readonly #failed = new Set<Paced>()
  readonly #begun = new Set<Paced>()
  /** Between two pages. */
  readonly #pausing = new Set<Paced>()
  #begunTimer: unknown
  #lookTimer: unknown
  #retryTimer: unknown

  /** `garbage`: undefined where nothing is collected between pages. */
  constructor(clock: Clock, garbage?: PageGarbage) {
    this.#clock = clock
    this.#garbage = garbage
  }

  /** Until its client has room. */
  wait(paced: Paced): void {
    this.#waiting.add(paced)
    this.#lookTimer ??= this.#clock.setTimeout(() => this.#look(), LOOK_MS)
  }

  /** Until what was written in this turn of the event loop, and what follows from it, has its place in the output. */
  soon(paced: Paced): void {
    this.#begun.add(paced)
    this.#begunTimer ??= this.#clock.setTimeout(() => this.#goOn(), 0)
  }

  /** May it read a page now? If not, it goes on when that of the pages before was collected. */
  mayRead(paced: Paced): boolean {
    if (!this.#garbage?.isDue) return true
    if (this.#pausing.size === 0) this.#garbage.whenCollected(() => this.#resume())
    this.#pausing.add(paced)
    return false
  }

  /** Until the next attempt. */
  retry(paced: Paced): void {
    this.#failed.add(paced)
    this.#retryTimer ??= this.#clock.setTimeout(() => this.#retryAll(), RETRY_MS)
  }

  forget(paced: Paced): void {
    this.#waiting.delete(paced)
    this.#failed.delete(paced)
    this.#begun.delete(paced)
    this.#pausing.delete(paced)
  }

  close(): void {
    this.#waiting.clear()
    this.#failed.clear()
    this.#begun.clear()
    this.#pausing.clear()
    this.#clock.clearTimeout(this.#begunTimer)
    this.#clock.clearTimeout(this.#lookTimer)
    this.#clock.clearTimeout(this.#retryTimer)
  }

  #goOn(): void {
    this.#begunTimer = undefined
    stepAll(this.#begun)
  }

  #resume(): void {
    stepAll(this.#pausing)
  }

  #look(): void {
    this.#lookTimer = undefined
    for (const paced of [...this.#waiting]) {
      if (!paced.hasRoom) continue
      this.#waiting.delete(paced)
      paced.step()
    }
    if (this.#waiting.size > 0) this.#lookTimer ??= this.#clock.setTimeout(() => this.#look(), LOOK_MS)
  }

  #retryAll(): void {
    this.#retryTimer = undefined
    stepAll(this.#failed)
  }
}

function stepAll(set: Set<Paced>): void {
  const all = [...set]
  set.clear()
  for (const paced of all) paced.step()
}
