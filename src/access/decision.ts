/** What is said of a wish to subscribe or send, and why. */
export interface Decision {
  readonly allowed: boolean
  /** The place of the deciding rule in the list, from 0; undefined if none of them has decided. */
  readonly rule: number | undefined
  /** For people: the rule, or what decides without one. */
  readonly reason: string
}
