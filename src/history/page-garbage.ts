/**
 * What is left of pages that were read from a log: text that was parsed, encoded and thrown away, several times the length of
 * the page. A runtime lets tens of megabytes of that pass before it looks. So it is asked to, between two pages: what is in
 * use at that moment stays for long, and the promise of a page on its way would keep that page. Knows nothing of who reads.
 */
import type { Clock } from '../clock.ts'
import type { HistoryLog, LogPage } from './log.ts'

/** Characters that are read until it is time. */
export const COLLECT_EVERY = 128 * 1024
/** How long it is waited until no page is on its way, in milliseconds. */
const PATIENCE_MS = 20

export class PageGarbage {
  readonly #collect: () => void
  readonly #clock: Clock
  readonly #everyLength: number
  #length = 0
  #underWay = 0
  #timer: unknown
  #waiting: (() => void)[] = []

  /** `collect`: collects what was made lately and is in use no more. */
  constructor(collect: () => void, clock: Clock, everyLength = COLLECT_EVERY) {
    this.#collect = collect
    this.#clock = clock
    this.#everyLength = everyLength
  }

  /** Returns the same log; what is read from it is counted. */
  counted(log: HistoryLog): HistoryLog {
    return {
      begin: () => log.begin(),
      value: (channel) => log.value(channel),
      publish: (messages) => log.publish(messages),
      record: (...args) => log.record(...args),
      clear: (...args) => log.clear(...args),
      read: (destination, options) => this.#count(log.read(destination, options)),
    }
  }

  /** Should whoever reads on wait until it was collected? */
  get isDue(): boolean {
    return this.#length > this.#everyLength
  }

  /** Calls back when what is due was collected. */
  whenCollected(resume: () => void): void {
    this.#waiting.push(resume)
  }

  close(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#waiting = []
  }

  async #count(read: Promise<LogPage | undefined>): Promise<LogPage | undefined> {
    this.#underWay++
    try {
      const page = await read
      if (page) for (const { payload } of page.entries) this.#length += payload.length
      return page
    } finally {
      this.#underWay--
      // In a turn of the event loop of its own: then the page was handed over, and nobody is about to use it.
      if (this.isDue) this.#collectIn(this.#underWay === 0 ? 0 : PATIENCE_MS)
    }
  }

  #collectIn(delayMs: number): void {
    if (this.#timer !== undefined && delayMs > 0) return
    this.#clock.clearTimeout(this.#timer)
    this.#timer = this.#clock.setTimeout(() => this.#collectNow(), delayMs)
  }

  #collectNow(): void {
    this.#timer = undefined
    this.#length = 0
    this.#collect()
    for (const resume of this.#waiting.splice(0)) resume()
  }
}
