/** Those who read a history and wait: for their client to read what it has, or for Redis. One timer for all of them. */
import type { Clock } from '../clock.ts'

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
  readonly #waiting = new Set<Paced>()
  readonly #failed = new Set<Paced>()
  readonly #begun = new Set<Paced>()
  #begunTimer: unknown
  #lookTimer: unknown
  #retryTimer: unknown

  constructor(clock: Clock) {
    this.#clock = clock
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

  /** Until the next attempt. */
  retry(paced: Paced): void {
    this.#failed.add(paced)
    this.#retryTimer ??= this.#clock.setTimeout(() => this.#retryAll(), RETRY_MS)
  }

  forget(paced: Paced): void {
    this.#waiting.delete(paced)
    this.#failed.delete(paced)
    this.#begun.delete(paced)
  }

  close(): void {
    this.#waiting.clear()
    this.#failed.clear()
    this.#begun.clear()
    this.#clock.clearTimeout(this.#begunTimer)
    this.#clock.clearTimeout(this.#lookTimer)
    this.#clock.clearTimeout(this.#retryTimer)
  }

  #goOn(): void {
    this.#begunTimer = undefined
    const begun = [...this.#begun]
    this.#begun.clear()
    for (const paced of begun) paced.step()
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
    const failed = [...this.#failed]
    this.#failed.clear()
    for (const paced of failed) paced.step()
  }
}
