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
  #serial = 0
  /** The only one of a session that has had no second: most have one, and a map is larger than all else a session holds. */
  #only: SessionSubscription | undefined
  /** All of them, from the second on. */
  #byKey: Map<string, SessionSubscription> | undefined

  constructor(source: SubscriptionSource, maxSubscriptions: number, maxPatterns: number) {
    this.#source = source
    this.#max = maxSubscriptions
    this.#maxPatterns = maxPatterns
  }

  get size(): number {
    return this.#byKey?.size ?? (this.#only ? 1 : 0)
  }

  [Symbol.iterator](): Iterator<SessionSubscription> {
    return this.#byKey ? this.#byKey.values() : (this.#only ? [this.#only] : []).values()
  }

  get(id: string): SessionSubscription | undefined {
    if (this.#byKey) return this.#byKey.get(idKey(id))
    return this.#only?.broker.id === id ? this.#only : undefined
  }

  /** Errors: ProtocolError `duplicate-subscription`, `too-many-subscriptions`, `bad-destination`. */
  add(destination: string, id: string | undefined, ackMode: AckMode): Liveness | undefined {
    if (id === undefined) {
      // A 1.0 client that repeats itself without an id wants what it has.
      if (this.#withoutId(destination)) return undefined
    } else if (this.get(id)) {
      throw new ProtocolError('duplicate-subscription', `Cannot subscribe ${quoted(id)}: this id is already in use`)
    }
    if (this.size >= this.#max) {
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
    this.#keep({ broker: subscription, ackMode, serial: ++this.#serial })
    if (isPattern) this.#patterns++
    return liveness
  }

  /** By id; or by destination where a 1.0 client gives no id, also if it gave one when it subscribed. Undefined if there is none. */
  remove(id: string | undefined, destination: string | undefined): SessionSubscription | undefined {
    const subscription = id !== undefined ? this.get(id) : this.#to(destination ?? '')
    if (!subscription) return undefined
    if (this.#byKey) this.#byKey.delete(keyOf(subscription))
    else this.#only = undefined
    if (this.#source.isPattern(subscription.broker.destination)) this.#patterns--
    this.#source.unsubscribe(subscription.broker)
    return subscription
  }

  clear(): void {
    const all = [...this]
    this.#only = undefined
    this.#byKey = undefined
    this.#patterns = 0
    for (const { broker } of all) this.#source.unsubscribe(broker)
  }

  /** Was this serial ever given out? */
  knows(serial: number): boolean {
    return serial >= 1 && serial <= this.#serial
  }

  bySerial(serial: number): SessionSubscription | undefined {
    for (const subscription of this) if (subscription.serial === serial) return subscription
    return undefined
  }

  #keep(subscription: SessionSubscription): void {
    if (!this.#only && !this.#byKey) {
      this.#only = subscription
      return
    }
    this.#byKey ??= new Map()
    if (this.#only) this.#byKey.set(keyOf(this.#only), this.#only)
    this.#only = undefined
    this.#byKey.set(keyOf(subscription), subscription)
  }

  #to(destination: string): SessionSubscription | undefined {
    const withoutId = this.#withoutId(destination)
    if (withoutId) return withoutId
    for (const subscription of this) if (subscription.broker.destination === destination) return subscription
    return undefined
  }

  #withoutId(destination: string): SessionSubscription | undefined {
    if (this.#byKey) return this.#byKey.get(destinationKey(destination))
    const only = this.#only?.broker
    return only && only.id === undefined && only.destination === destination ? this.#only : undefined
  }
}

function keyOf({ broker }: SessionSubscription): string {
  return broker.id === undefined ? destinationKey(broker.destination) : idKey(broker.id)
}

function idKey(id: string): string {
  return `id:${id}`
}

function destinationKey(destination: string): string {
  return `destination:${destination}`
}
