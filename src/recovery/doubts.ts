/**
 * Looks up where a log stands for those who say that they have heard more of it than this node. One read is for all who
 * doubt until it begins; and there are few, however many come, for somebody may invent what he has heard.
 */
import type { Clock } from '../clock.ts'
import type { LogPage } from '../history/log.ts'

/** From one read to the next, in milliseconds; but so many more may come at once. */
const EVERY_MS = 2000
const BURST = 5

export class Doubts {
  readonly #clock: Clock
  readonly #read: () => Promise<LogPage | undefined>
  #next: Promise<LogPage | undefined> | undefined
  /** When the next read may be, or could have been. */
  #dueMs = -Infinity
  #timer: unknown

  constructor(clock: Clock, read: () => Promise<LogPage | undefined>) {
    this.#clock = clock
    this.#read = read
  }

  /** Resolves to a page that is read after this call. Rejects as the read. */
  lookUp(): Promise<LogPage | undefined> {
    this.#next ??= this.#soon()
    return this.#next
  }

  close(): void {
    this.#clock.clearTimeout(this.#timer)
  }

  async #soon(): Promise<LogPage | undefined> {
    await new Promise<void>((resolve) => {
      const waitMs = this.#dueMs - this.#clock.now()
      if (waitMs > 0) this.#timer = this.#clock.setTimeout(resolve, waitMs)
      else queueMicrotask(resolve)
    })
    this.#next = undefined
    this.#dueMs = Math.max(this.#dueMs, this.#clock.now() - BURST * EVERY_MS) + EVERY_MS
    return this.#read()
  }
}
