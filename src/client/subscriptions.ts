/**
 * The subscriptions of one client, by the id that it chose, and how many there may be. Ids are per connection and may be
 * used again. A table: it subscribes nothing itself.
 */
import { isPattern } from '../destinations.ts'
import { ProtocolError, quoted } from '../errors.ts'
import type { Subscription } from './subscription.ts'

export interface SubscriptionLimits {
  readonly maxSubscriptions: number
  /** Of these, with `*` or `?` in their destination. */
  readonly maxPatterns: number
}

/** May a client have so many? Errors: ProtocolError `too-many-subscriptions`. */
export function requireWithin({ maxSubscriptions, maxPatterns }: SubscriptionLimits, all: number, patterns: number) {
  if (all > maxSubscriptions) {
    throw new ProtocolError('too-many-subscriptions', `A session may have at most ${maxSubscriptions} subscriptions`)
  }
  if (patterns > maxPatterns) {
    const text = `A session may have at most ${maxPatterns} subscriptions with "*" or "?"`
    throw new ProtocolError('too-many-subscriptions', text)
  }
}

export class Subscriptions implements Iterable<Subscription> {
  readonly #limits: SubscriptionLimits
  #patterns = 0
  #serial = 0
  /** The only one of a client that has had no second: most have one, and a map is larger than all else a client holds. */
  #only: Subscription | undefined
  /** All of them, from the second on. */
  #byKey: Map<string, Subscription> | undefined

  constructor(limits: SubscriptionLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#byKey?.size ?? (this.#only ? 1 : 0)
  }

  [Symbol.iterator](): Iterator<Subscription> {
    return this.#byKey ? this.#byKey.values() : (this.#only ? [this.#only] : []).values()
  }

  get(id: string): Subscription | undefined {
    if (this.#byKey) return this.#byKey.get(idKey(id))
    return this.#only?.id === id ? this.#only : undefined
  }

  /** The one to this destination that has no id. */
  withoutId(destination: string): Subscription | undefined {
    if (this.#byKey) return this.#byKey.get(destinationKey(destination))
    const only = this.#only
    return only && only.id === undefined && only.destination === destination ? only : undefined
  }

  /** Errors: ProtocolError `duplicate-subscription`, `too-many-subscriptions`. */
  requireRoomFor(destination: string, id: string | undefined): void {
    if (id !== undefined && this.get(id)) {
      throw new ProtocolError('duplicate-subscription', `Cannot subscribe ${quoted(id)}: this id is already in use`)
    }
    requireWithin(this.#limits, this.size + 1, isPattern(destination) ? this.#patterns + 1 : 0)
  }

  /** Of the next subscription. */
  nextSerial(): number {
    return ++this.#serial
  }

  add(subscription: Subscription): void {
    if (isPattern(subscription.destination)) this.#patterns++
    if (!this.#only && !this.#byKey) {
      this.#only = subscription
      return
    }
    this.#byKey ??= new Map()
    if (this.#only) this.#byKey.set(keyOf(this.#only), this.#only)
    this.#only = undefined
    this.#byKey.set(keyOf(subscription), subscription)
  }

  /** By id; or by destination where a client gives no id, also if it gave one when it subscribed. Undefined if there is none. */
  take(id: string | undefined, destination: string | undefined): Subscription | undefined {
    const subscription = id !== undefined ? this.get(id) : this.#to(destination ?? '')
    if (!subscription) return undefined
    if (this.#byKey) this.#byKey.delete(keyOf(subscription))
    else this.#only = undefined
    if (isPattern(subscription.destination)) this.#patterns--
    return subscription
  }

  takeAll(): Subscription[] {
    const all = [...this]
    this.#only = undefined
    this.#byKey = undefined
    this.#patterns = 0
    return all
  }

  /** Was this serial ever given out? */
  knows(serial: number): boolean {
    return serial >= 1 && serial <= this.#serial
  }

  bySerial(serial: number): Subscription | undefined {
    for (const subscription of this) if (subscription.serial === serial) return subscription
    return undefined
  }

  #to(destination: string): Subscription | undefined {
    const withoutId = this.withoutId(destination)
    if (withoutId) return withoutId
    for (const subscription of this) if (subscription.destination === destination) return subscription
    return undefined
  }
}

function keyOf({ id, destination }: Subscription): string {
  return id === undefined ? destinationKey(destination) : idKey(id)
}

function idKey(id: string): string {
  return `id:${id}`
}

function destinationKey(destination: string): string {
  return `destination:${destination}`
}
