/**
 * What the log says about a Redis that is away: one line when it goes, one for each other cause that is seen, a summary
 * every minute, and one line when it is over; however often it is tried meanwhile.
 */
import { systemClock, type Clock } from '../clock.ts'
import type { Log } from '../log.ts'

const SUMMARY_INTERVAL_MS = 60_000
/** Causes that are told apart in one outage; each has a line. */
const MAX_CAUSES = 20

/** What the others notice of it, in words for whoever reads the log. */
const MEANWHILE =
  'Clients stay connected and get no messages; what they SEND, and what is posted, is refused with bus-unavailable; /ready is 503'

interface Outage {
  readonly sinceMs: number
  /** The same by the clock on the wall, ISO 8601. */
  readonly since: string
  /** How often each cause was seen. */
  readonly causes: Map<string, number>
  lastCause: string
  failures: number
}

export class OutageLog {
  readonly #log: Log
  readonly #bus: string
  readonly #clock: Clock
  #outage: Outage | undefined
  #timer: unknown

  constructor(log: Log, bus: string, clock: Clock = systemClock) {
    this.#log = log
    this.#bus = bus
    this.#clock = clock
  }

  /** It does not work now, for this cause; said each time. */
  failed(cause: string): void {
    const outage = this.#outage
    if (!outage) {
      this.#outage = {
        sinceMs: this.#clock.now(),
        since: new Date().toISOString(),
        causes: new Map([[cause, 1]]),
        lastCause: cause,
        failures: 1,
      }
      this.#log.error({ bus: this.#bus, reason: cause, meanwhile: MEANWHILE }, 'Redis is away')
      this.#summarizeLater()
      return
    }
    outage.lastCause = cause
    outage.failures++
    const seen = outage.causes.get(cause)
    if (seen === undefined && outage.causes.size >= MAX_CAUSES) return
    outage.causes.set(cause, (seen ?? 0) + 1)
    if (seen === undefined) this.#log.warn({ bus: this.#bus, reason: cause }, 'Redis is away for another reason')
  }

  /** All works; said on each change, also the first time. */
  over(): void {
    this.close()
    this.#log.info({ bus: this.#bus, ...this.#numbers() }, 'Redis is connected and subscribed')
    this.#outage = undefined
  }

  close(): void {
    this.#clock.clearTimeout(this.#timer)
  }

  #summarizeLater(): void {
    this.#timer = this.#clock.setTimeout(() => this.#summarize(), SUMMARY_INTERVAL_MS)
  }

  #summarize(): void {
    const { lastCause, causes } = this.#outage!
    const fields = { bus: this.#bus, reason: lastCause, ...this.#numbers(), causes: Object.fromEntries(causes) }
    this.#log.warn(fields, 'Redis is still away')
    this.#summarizeLater()
  }

  #numbers() {
    if (!this.#outage) return {}
    const { sinceMs, since, failures } = this.#outage
    return { since, awaySeconds: Math.round((this.#clock.now() - sinceMs) / 1000), failures }
  }
}
