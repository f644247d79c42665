/** Which destinations are work queues, as the configuration says it. */
import { isPattern, patternMatches } from '../destinations.ts'
import { ProtocolError, quoted } from '../errors.ts'
import { Recent } from '../recent.ts'
import { DEAD_SUFFIX, isQueueName, streamOf, type Queue, type QueueRule } from './queue.ts'

/** Destinations whose rule is remembered. */
const MAX_KNOWN = 10_000
/** Of a destination that is no queue. */
const NO_QUEUE = {}

export class QueueRules {
  readonly #rules: readonly QueueRule[]
  readonly #known = new Recent<Queue | typeof NO_QUEUE>(MAX_KNOWN, (destination) => this.#look(destination))

  /** The first match counts. */
  constructor(rules: readonly QueueRule[]) {
    this.#rules = rules
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0
  }

  /** Queues that have a rule of their own. */
  get named(): readonly Queue[] {
    return this.#rules.flatMap(({ destination }) => this.of(destination) ?? [])
  }

  /** Undefined if this destination is no queue, and for a pattern. Errors: ProtocolError `bad-destination` if no queue can have this name. */
  of(destination: string): Queue | undefined {
    if (this.#rules.length === 0 || !isQueueName(destination)) return undefined
    const known = this.#known.get(destination)
    return 'rule' in known ? known : undefined
  }

  /**
   * The same for what somebody subscribes.
   * Errors: ProtocolError `bad-destination`; `bad-header` for a pattern that may mean a queue.
   */
  ofSubscription(destination: string): Queue | undefined {
    if (this.#rules.length === 0) return undefined
    if (!isPattern(destination)) return this.of(destination)
    if (!this.#rules.some((rule) => mayMeet(rule.destination, destination))) return undefined
    const text = `Cannot subscribe to ${quoted(destination)}: a work queue is subscribed by its name, not by a pattern`
    throw new ProtocolError('bad-header', text)
  }

  #look(destination: string): Queue | typeof NO_QUEUE {
    if (isPattern(destination)) return NO_QUEUE
    const rule = this.#rules.find((each) => patternMatches(each.destination, destination))
    if (!rule) return NO_QUEUE
    if (destination.endsWith(DEAD_SUFFIX)) {
      const text = `Cannot use ${quoted(destination)}: what ends with "${DEAD_SUFFIX}" is for the dead messages of a queue`
      throw new ProtocolError('bad-destination', text)
    }
    return { destination, stream: streamOf(destination), rule }
  }
}

/** Is there a destination that both take? May err on the side of yes, where both have wildcards in one segment. */
function mayMeet(one: string, other: string): boolean {
  const [a, b] = [one.split('/'), other.split('/')]
  const from = (i: number, j: number): boolean => {
    if (a[i] === '**' || b[j] === '**') return true
    if (i === a.length || j === b.length) return i === a.length && j === b.length
    return segmentsMayMeet(a[i]!, b[j]!) && from(i + 1, j + 1)
  }
  return from(0, 0)
}

function segmentsMayMeet(a: string, b: string): boolean {
  if (isPattern(a) && isPattern(b)) return true
  return isPattern(a) ? patternMatches(a, b) : patternMatches(b, a)
}
