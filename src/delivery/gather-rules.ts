/** How long what is for a destination is gathered before it is written, as the configuration says it. */
import { patternMatches } from '../destinations.ts'
import { Recent } from '../recent.ts'

/** Of a destination or pattern. */
export interface GatherRule {
  readonly destination: string
  readonly gatherMs: number
}

/** Destinations whose time is remembered. */
const MAX_KNOWN = 10_000

export class GatherRules {
  readonly #isEmpty: boolean
  readonly #known: Recent<number>

  /** The first match counts. */
  constructor(rules: readonly GatherRule[]) {
    this.#isEmpty = rules.length === 0
    this.#known = new Recent(
      MAX_KNOWN,
      (destination) => rules.find((rule) => patternMatches(rule.destination, destination))?.gatherMs ?? 0,
    )
  }

  /** Returns how long a message for this (internal) destination may wait for others, in milliseconds; 0 is until the end of the turn. */
  of(destination: string): number {
    return this.#isEmpty ? 0 : this.#known.get(destination)
  }
}
