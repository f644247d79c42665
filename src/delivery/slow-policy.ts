/** What is done for a destination when a client is behind, as the configuration says it. */
import { patternMatches } from '../destinations.ts'

/** Messages are let go rather than the client. */
export interface SlowPolicy {
  readonly policy: 'drop-oldest' | 'latest'
  /** `latest`: the header whose values each keep their newest message; without it there is one for the subscription. */
  readonly key?: string | undefined
  /** Characters or bytes that may be held per subscription. */
  readonly maxBytes: number
  /** What is older is dropped. */
  readonly maxAgeMs: number
}

/** Of a destination or pattern; the first match counts. */
export type SlowClientRule = { readonly destination: string } & (SlowPolicy | { readonly policy: 'disconnect' })

/** Returns what is done for what was subscribed so; undefined if a client that is behind is closed. */
export function slowPolicyOf(rules: readonly SlowClientRule[], destination: string): SlowPolicy | undefined {
  if (rules.length === 0) return undefined
  const rule = rules.find((each) => patternMatches(each.destination, destination))
  return rule === undefined || rule.policy === 'disconnect' ? undefined : rule
}
