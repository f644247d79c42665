/**
 * Which destinations there are: those of the broker below its prefixes, those of the application below its own, and the
 * addresses of users, groups and sessions.
 */
import { destinationProblem, isPattern, patternMatches, watchedBy } from '../destinations.ts'
import { ProtocolError, quoted } from '../errors.ts'

export interface Prefixes {
  /** Destinations that can be subscribed lie below these, for example `/topic`. */
  readonly prefixes: readonly string[]
  /** SEND below these goes to a backend, for example `/app`. */
  readonly applicationPrefixes: readonly string[]
  /** Patterns of the destinations whose attendance can be watched below `/presence`. */
  readonly watched?: readonly string[] | undefined
  /** Those that answer a SUBSCRIBE with a snapshot. */
  readonly snapshots?: { meantBy(destination: string): string | undefined } | undefined
}

/** The destinations by which one user, group or session is reached. */
export interface Addresses {
  /** Is it below `/user`, `/group` or `/session`? */
  covers(destination: string): boolean
  /** Why nothing can be sent to one of those, as a phrase that continues its name (`must …`); undefined if it can. */
  problem(destination: string): string | undefined
}

export class DestinationRules {
  readonly #prefixes: Prefixes
  readonly #addresses: Addresses
  readonly #isQueue: (destination: string) => boolean

  /** `isQueue`: is this destination a work queue? Those need not lie below a prefix. */
  constructor(prefixes: Prefixes, addresses: Addresses, isQueue: (destination: string) => boolean = () => false) {
    this.#prefixes = prefixes
    this.#addresses = addresses
    this.#isQueue = isQueue
  }

  /** May a message be for this destination? */
  isDeliverable(destination: string): boolean {
    if (this.#addresses.covers(destination)) return this.#addresses.problem(destination) === undefined
    return this.isBroker(destination)
  }

  /** May something be subscribed by this name? */
  isBroker(destination: string): boolean {
    return isBelow(destination, this.#prefixes.prefixes)
  }

  /** Can messages for it, or for what it matches if it is a pattern, come from other clients? */
  isHeard(destination: string): boolean {
    return this.isBroker(destination) || this.isAddress(destination)
  }

  isApplication(destination: string): boolean {
    return isBelow(destination, this.#prefixes.applicationPrefixes)
  }

  /** The prefixes of the broker as an error names them. */
  get brokerPrefixes(): string {
    return this.#prefixes.prefixes.map((prefix) => `"${prefix}/"`).join(' or ')
  }

  /** Errors: ProtocolError `bad-destination`. */
  requireSubscribable(destination: string): void {
    const watched = watchedBy(destination)
    if (watched !== undefined) this.#requireWatched(destination, watched)
    else if (!this.#hasSomething(destination)) {
      throw new ProtocolError(
        'bad-destination',
        `Cannot subscribe to ${quoted(destination)}: it must start with ${this.brokerPrefixes}${hintFor(destination)}`,
      )
    }
    requireUsable(destination)
  }

  /** Can something come to who subscribes it? */
  #hasSomething(destination: string): boolean {
    if (this.isBroker(destination) || this.#addresses.covers(destination)) return true
    return this.#prefixes.snapshots?.meantBy(destination) !== undefined
  }

  #requireWatched(destination: string, watched: string): void {
    if (!isPattern(watched) && this.#prefixes.watched?.some((pattern) => patternMatches(pattern, watched))) return
    const text = `nobody keeps who is at ${quoted(watched)}; see the setting presence.destinations`
    throw new ProtocolError('bad-destination', `Cannot subscribe to ${quoted(destination)}: ${text}`)
  }

  /** Errors: ProtocolError `bad-destination` if no message can be for this destination. */
  requireDeliverable(destination: string): void {
    const problem = this.deliveryProblem(destination)
    if (problem !== undefined) {
      throw new ProtocolError('bad-destination', `Cannot send to ${quoted(destination)}: it ${problem}`)
    }
    requireUsable(destination)
  }

  /** Why no message can be for this destination, as a phrase that continues its name (`must …`); undefined if one can. */
  deliveryProblem(destination: string): string | undefined {
    if (this.#addresses.covers(destination)) return this.#addresses.problem(destination)
    if (this.isBroker(destination) || this.#isQueue(destination)) return undefined
    return `must start with ${this.brokerPrefixes}${hintFor(destination)}`
  }

  /**
   * Why no message that every node hears can be for this destination, though a message can: one node alone should work on
   * it. A phrase that continues its name.
   * Errors: ProtocolError `bad-destination`.
   */
  hearingProblem(destination: string): string | undefined {
    return this.#isQueue(destination) ? 'is a work queue: SEND, POST or XADD to its stream' : undefined
  }

  /** Is it the address of a user, a group or a session, well written or not? */
  isAddress(destination: string): boolean {
    return this.#addresses.covers(destination)
  }
}

/** Who comes from another broker expects it to have work queues without being told of them. */
function hintFor(destination: string): string {
  return destination.startsWith('/queue/') ? ', or the section "queues" must name it as a work queue' : ''
}

/** Is it within the limits of all destinations? Errors: ProtocolError `bad-destination`. */
export function requireUsable(destination: string): void {
  const problem = destinationProblem(destination)
  if (problem !== undefined) throw new ProtocolError('bad-destination', `Cannot use ${quoted(destination)}: ${problem}`)
}

/** Below a prefix, at a segment border: `/topic` has `/topic/x` but not `/topicx`, and not itself. */
function isBelow(destination: string, prefixes: readonly string[]): boolean {
  return prefixes.some(
    (prefix) =>
      destination.length > prefix.length + 1 && destination.startsWith(prefix) && destination[prefix.length] === '/',
  )
}
