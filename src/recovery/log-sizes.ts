/**
 * How much the histories of each rule hold, for whoever watches the bridge. Nothing of it is counted while messages go
 * through: it is looked up when somebody asks, seldom, and for a few histories at a time.
 */
import type { HistoryRule } from '../broker/history-rules.ts'
import type { Clock } from '../clock.ts'
import { numberOf, timeOf, type HistoryLog, type LogPage } from '../history/log.ts'
import type { Log } from '../log.ts'
import type { LogSize } from '../metrics.ts'

export interface LogSizesDeps {
  readonly log: Pick<HistoryLog, 'read'>
  readonly rules: readonly HistoryRule[]
  /** The histories that this node reads now. */
  readonly inUse: () => Iterable<{ readonly destination: string; readonly rule: HistoryRule }>
  readonly clock: Clock
  /** Milliseconds since 1970. */
  readonly dateNow: () => number
  readonly logger: Log
}

interface Size {
  readonly rule: HistoryRule
  readonly messages: number
  readonly oldestMs: number | undefined
}

/** Histories that are looked up at a time; where more are in use, the others have their turn the next time. */
const MAX_LOOKED_UP = 100
/** Asked again within this time, they are not looked up again; milliseconds. */
const FRESH_MS = 10_000
/** Who asks does not wait longer than this for Redis, and gets what was known before; milliseconds. */
const PATIENCE_MS = 500

export class LogSizes {
  readonly #deps: LogSizesDeps
  /** By destination; those that were looked up longest ago first. */
  readonly #known = new Map<string, Size>()
  #looking: Promise<void> | undefined
  #lookedMs = -Infinity

  constructor(deps: LogSizesDeps) {
    this.#deps = deps
  }

  /** Resolves soon, to the longest history of each rule, of those in use here, by the pattern of the rule. */
  async byRule(): Promise<ReadonlyMap<string, LogSize>> {
    const { clock, rules, dateNow } = this.#deps
    if (!this.#looking && clock.now() - this.#lookedMs >= FRESH_MS) {
      this.#lookedMs = clock.now()
      this.#looking = this.#look()
    }
    if (this.#looking) await this.#within(this.#looking)
    const longest = new Map<HistoryRule, Size>()
    for (const size of this.#known.values()) {
      if (size.messages > (longest.get(size.rule)?.messages ?? 0)) longest.set(size.rule, size)
    }
    return new Map(
      rules.map((rule) => {
        const { messages = 0, oldestMs } = longest.get(rule) ?? {}
        const ageMs = oldestMs === undefined ? 0 : Math.max(0, dateNow() - oldestMs)
        return [rule.destination, { messages, ageSeconds: ageMs / 1000 }]
      }),
    )
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const inUse = new Map([...this.#deps.inUse()].map(({ destination, rule }) => [destination, rule]))
    for (const destination of [...this.#known.keys()]) if (!inUse.has(destination)) this.#known.delete(destination)
    const isNew = [...inUse.keys()].filter((destination) => !this.#known.has(destination))
    const due = [...isNew, ...this.#known.keys()].slice(0, MAX_LOOKED_UP)
    await Promise.all(due.map((destination) => this.#lookUp(destination, inUse.get(destination)!)))
    this.#looking = undefined
  }

  async #lookUp(destination: string, rule: HistoryRule): Promise<void> {
    const { log, logger } = this.#deps
    try {
      const page = await log.read(destination, { from: { kind: 'first' }, maxEntries: 1, maxLength: 1 })
      this.#known.delete(destination)
      this.#known.set(destination, sizeOf(page, rule))
    } catch (error) {
      // Redis is away: what was known stays.
      logger.debug({ destination, error }, 'The length of a history could not be looked up')
    }
  }

  #within(looking: Promise<void>): Promise<void> {
    const { clock } = this.#deps
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, PATIENCE_MS)
      void looking.then(() => {
        clock.clearTimeout(timer)
        resolve()
      })
    })
  }
}

function sizeOf(page: LogPage | undefined, rule: HistoryRule): Size {
  const [first] = page?.entries ?? []
  if (!page || !first) return { rule, messages: 0, oldestMs: undefined }
  return { rule, messages: numberOf(page.newest) - numberOf(first.previous), oldestMs: timeOf(first.offset) }
}
