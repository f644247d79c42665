/** Which destinations have history, as the configuration says it. */
import { isPattern, patternMatches } from '../destinations.ts'
import type { LogTarget } from '../history/log.ts'
import { Recent } from '../recent.ts'

export interface HistoryRule {
  /** Destination or pattern. */
  readonly destination: string
  readonly size: number
  readonly ttlSeconds: number
  /** Does the newest message come to who subscribes, also unasked? */
  readonly retain: boolean
}

/** A destination with history. */
export interface KeptDestination {
  readonly rule: HistoryRule
  readonly target: LogTarget
}

/** Destinations whose rule is remembered. */
const MAX_KNOWN = 10_000
/** Of a destination without history. */
const NOT_KEPT = {}

export class HistoryRules {
  readonly #rules: readonly HistoryRule[]
  readonly #known = new Recent<KeptDestination | typeof NOT_KEPT>(MAX_KNOWN, (destination) => this.#look(destination))

  /** The first match counts. */
  constructor(rules: readonly HistoryRule[]) {
    this.#rules = rules
  }

  /** In the order in which they are tried. */
  get all(): readonly HistoryRule[] {
    return this.#rules
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0
  }

  /** Returns how this (internal) destination is kept; undefined if it is not, and for a pattern. */
  of(destination: string): KeptDestination | undefined {
    if (this.#rules.length === 0) return undefined
    const known = this.#known.get(destination)
    return 'rule' in known ? known : undefined
  }

  #look(destination: string): KeptDestination | typeof NOT_KEPT {
    if (isPattern(destination)) return NOT_KEPT
    const rule = this.#rules.find((each) => patternMatches(each.destination, destination))
    if (!rule) return NOT_KEPT
    const { size, ttlSeconds } = rule
    return { rule, target: { destination, size, ttlSeconds } }
  }
}
