/** Which destinations there are: those of the broker below its prefixes, those of the application below its own. */
import { destinationProblem } from '../destinations.ts'
import { ProtocolError, quoted } from '../errors.ts'

export interface Prefixes {
  /** Destinations that can be subscribed lie below these, for example `/topic`. */
  readonly prefixes: readonly string[]
  /** SEND below these goes to a backend, for example `/app`. */
  readonly applicationPrefixes: readonly string[]
}

export class DestinationRules {
  readonly #prefixes: Prefixes

  constructor(prefixes: Prefixes) {
    this.#prefixes = prefixes
  }

  /** May something be subscribed by this name? */
  isBroker(destination: string): boolean {
    return isBelow(destination, this.#prefixes.prefixes)
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
    if (!this.isBroker(destination)) {
      throw new ProtocolError(
        'bad-destination',
        `Cannot subscribe to ${quoted(destination)}: it must start with ${this.brokerPrefixes}`,
      )
    }
    requireUsable(destination)
  }

  /** Errors: ProtocolError `bad-destination`. */
  requireBroker(destination: string): void {
    if (!this.isBroker(destination)) {
      throw new ProtocolError('bad-destination', `${quoted(destination)} must start with ${this.brokerPrefixes}`)
    }
    requireUsable(destination)
  }
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
