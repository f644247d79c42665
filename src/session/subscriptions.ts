/** The subscriptions of one session, by the id that the client chose. Ids are per connection and may be used again. */
import type { BrokerSubscription, Liveness } from '../broker/broker.ts'
import { ProtocolError, quoted } from '../errors.ts'

export const AckMode = { auto: 'auto', client: 'client', individual: 'client-individual' } as const
export type AckMode = (typeof AckMode)[keyof typeof AckMode]

export interface SessionSubscription {
  readonly broker: BrokerSubscription
  readonly ackMode: AckMode
  /** Unlike the id never used again in this session. */
  readonly serial: number
}

/** What the session does for the table: it is the subscriber that the broker knows. */
export interface SubscriptionSource {
  /** Does it stand for more than one destination? */
  isPattern(destination: string): boolean
  subscribe(
    destination: string,
    id: string | undefined,
    acknowledges: boolean,
  ): { subscription: BrokerSubscription; liveness: Liveness | undefined }
  unsubscribe(subscription: BrokerSubscription): void
}

export class Subscriptions {
  readonly #source: SubscriptionSource
  readonly #max: number
  readonly #maxPatterns: number
  #patterns = 0
  readonly #byKey = new Map<string, SessionSubscription>()
  #serial = 0

  constructor(source: SubscriptionSource, maxSubscriptions: number, maxPatterns: number) {
    this.#source = source
    this.#max = maxSubscriptions
    this.#maxPatterns = maxPatterns
  }

  get size(): number {
    return this.#byKey.size
  }

  [Symbol.iterator](): Iterator<SessionSubscription> {
    return this.#byKey.values()
  }

  get(id: string): SessionSubscription | undefined {
    return this.#byKey.get(idKey(id))
  }

  /** Errors: ProtocolError `duplicate-subscription`, `too-many-subscriptions`, `bad-destination`. */
  add(destination: string, id: string | undefined, ackMode: AckMode): Liveness | undefined {
    const key = id === undefined ? destinationKey(destination) : idKey(id)
    if (this.#byKey.has(key)) {
      // A 1.0 client that repeats itself without an id wants what it has.
      if (id === undefined) return undefined
      throw new ProtocolError('duplicate-subscription', `Cannot subscribe ${quoted(id)}: this id is already in use`)
    }
    if (this.#byKey.size >= this.#max) {
      throw new ProtocolError('too-many-subscriptions', `A session may have at most ${this.#max} subscriptions`)
    }
    const isPattern = this.#source.isPattern(destination)
    if (isPattern && this.#patterns >= this.#maxPatterns) {
      throw new ProtocolError(
        'too-many-subscriptions',
        `A session may have at most ${this.#maxPatterns} subscriptions with "*" or "?"`,
      )
    }
    const { subscription, liveness } = this.#source.subscribe(destination, id, ackMode !== AckMode.auto)
    this.#byKey.set(key, { broker: subscription, ackMode, serial: ++this.#serial })
    if (isPattern) this.#patterns++
    return liveness
  }

  /** By id; or by destination where a 1.0 client gives no id, also if it gave one when it subscribed. Undefined if there is none. */
  remove(id: string | undefined, destination: string | undefined): SessionSubscription | undefined {
    const key = id !== undefined ? idKey(id) : this.#keyOf(destination ?? '')
    const subscription = this.#byKey.get(key)
    if (!subscription) return undefined
    this.#byKey.delete(key)
    if (this.#source.isPattern(subscription.broker.destination)) this.#patterns--
    this.#source.unsubscribe(subscription.broker)
    return subscription
  }

  #keyOf(destination: string): string {
    const key = destinationKey(destination)
    if (this.#byKey.has(key)) return key
    for (const [other, { broker }] of this.#byKey) if (broker.destination === destination) return other
    return key
  }

  clear(): void {
    const all = [...this.#byKey.values()]
    this.#byKey.clear()
    this.#patterns = 0
    for (const { broker } of all) this.#source.unsubscribe(broker)
  }

  /** Was this serial ever given out? */
  knows(serial: number): boolean {
    return serial >= 1 && serial <= this.#serial
  }

  bySerial(serial: number): SessionSubscription | undefined {
    for (const subscription of this.#byKey.values()) if (subscription.serial === serial) return subscription
    return undefined
  }
}

function idKey(id: string): string {
  return `id:${id}`
}

function destinationKey(destination: string): string {
  return `destination:${destination}`
}
