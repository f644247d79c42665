/**
 * Who is subscribed, and what that makes the bus subscribe. Everything that is delivered has come over the bus, also
 * what was sent on this node, so one node and ten behave alike. Knows feeds and topics; never a connection.
 */
import { isPattern } from '../destinations.ts'
import type { Delivery, FeedOptions } from '../delivery/delivery.ts'
import { countFeeds, isEmptyTopic, newTopic, type Feed, type Topic } from '../delivery/feed.ts'
import type { Message } from '../delivery/message.ts'
import { slowPolicyOf, type SlowClientRule } from '../delivery/slow-policy.ts'
import { ProtocolError, quoted } from '../errors.ts'
import type { RouteTable } from '../routes/table.ts'
import { ownCopy } from '../text.ts'
import type { ChannelInterests, Hold, Liveness } from './channel-interests.ts'
import type { DestinationRules } from './destination-rules.ts'
import { Registry } from './registry.ts'

export type { Hold, Liveness } from './channel-interests.ts'

/** A live subscription: its flow of messages, and the channels that it holds. */
export interface Entry {
  readonly feed: Feed
  readonly hold: Hold
}

/** A destination that the bus is made to feed. */
export interface Claim {
  /** Undefined if it does already. */
  readonly liveness: Liveness | undefined
  release(): void
}

export class Broker {
  readonly destinations: DestinationRules
  readonly #slowClients: readonly SlowClientRule[]
  readonly #table: RouteTable
  readonly #interests: ChannelInterests
  readonly #delivery: Delivery
  readonly #registry = new Registry<Topic>(newTopic)
  /** What the latest subscription to a topic holds: the next one shares it. */
  readonly #holds = new Map<Topic, Hold>()
  /** Those of work queues, whose messages do not come over the bus. */
  readonly #queues = new Map<string, Topic>()
  #size = 0

  /** `slowClients`: the first match counts; what none matches is closed when it is slow. */
  constructor(
    destinations: DestinationRules,
    slowClients: readonly SlowClientRule[],
    table: RouteTable,
    interests: ChannelInterests,
    delivery: Delivery,
  ) {
    this.destinations = destinations
    this.#slowClients = slowClients
    this.#table = table
    this.#interests = interests
    this.#delivery = delivery
  }

  /** Live subscriptions. */
  get size(): number {
    return this.#size
  }

  /** How many have subscribed with each string: the exact ones, then the patterns. */
  *subscriptionCounts(): Generator<readonly [destination: string, subscriptions: number]> {
    for (const topic of this.#registry) yield [topic.destination, countFeeds(topic)]
    for (const topic of this.#queues.values()) yield [topic.destination, countFeeds(topic)]
  }

  /**
   * Subscribe. Delivery begins at once, as far as the bus feeds it: see `whenLive`. `internal`: the destination that is meant
   * by what the client has written; for most it is the same.
   * Errors: ProtocolError `bad-destination`.
   */
  subscribe(options: FeedOptions, internal = options.destination): Entry {
    // What somebody has subscribed before has been looked at then.
    const known = this.#registry.find(internal)
    if (!known) this.destinations.requireSubscribable(internal)
    const topic = known ?? this.#registry.obtain(ownCopy(internal))
    // There are many with the same text: they share it.
    const isSame = options.destination === topic.destination
    const destination = isSame ? topic.destination : ownCopy(options.destination)
    const hold = this.#holdFor(topic, internal === options.destination ? destination : topic.destination)
    const slowPolicy = slowPolicyOf(this.#slowClients, destination)
    const feed = this.#delivery.open({ ...options, destination }, topic, slowPolicy)
    this.#size++
    return { feed, hold }
  }

  /** The same for a work queue, which hands each of its messages to one feed. */
  subscribeToQueue(options: FeedOptions): Entry {
    const { destination } = options
    const known = this.#queues.get(destination)
    const topic = known ?? newTopic(ownCopy(destination))
    if (!known) this.#queues.set(topic.destination, topic)
    const feed = this.#delivery.open({ ...options, destination: topic.destination }, topic, undefined)
    this.#size++
    return { feed, hold: this.#interests.hold([]) }
  }

  /**
   * Makes the bus feed this destination before somebody subscribes to it, so that a subscription is live at once. Give it
   * back with `release` when that has happened.
   * Errors: ProtocolError `bad-destination`.
   */
  claim(destination: string): Claim {
    if (!this.#registry.find(destination)) this.destinations.requireSubscribable(destination)
    const hold = this.#interests.hold(this.#table.interests(destination))
    return { liveness: this.#whenLive(hold, destination), release: () => this.#interests.release(hold) }
  }

  /** Has somebody subscribed exactly this (internal) destination? */
  isSubscribed(destination: string): boolean {
    return this.#registry.find(destination) !== undefined
  }

  /** Undefined if the bus feeds it already. Ask at most once per subscription. */
  whenLive({ hold, feed }: Entry): Liveness | undefined {
    return this.#whenLive(hold, feed.destination)
  }

  /** Why a subscription that was live gets nothing any more; undefined if it does. */
  refusalOf({ hold, feed }: Entry): ProtocolError | undefined {
    if (this.#queues.get(feed.topic.destination) === feed.topic) return undefined
    const cause = this.#interests.refusalOf(hold)
    if (!cause) return undefined
    const text = `The subscription to ${quoted(feed.destination)} has ended: Redis refuses its channel`
    return new ProtocolError('bus-refused', text, {}, { cause })
  }

  /** After this call nothing more is delivered for the subscription. */
  unsubscribe({ feed, hold }: Entry): void {
    const { topic } = feed
    this.#delivery.close(feed)
    if (isEmptyTopic(topic)) {
      this.#registry.remove(topic.destination, topic)
      if (this.#queues.get(topic.destination) === topic) this.#queues.delete(topic.destination)
      this.#holds.delete(topic)
    }
    this.#interests.release(hold)
    this.#size--
  }

  /** All topics that a message to this destination reaches, each once. */
  match(destination: string): readonly Topic[] {
    return this.#registry.match(destination)
  }

  deliver(topics: readonly Topic[], message: Message): void {
    for (const topic of topics) this.#delivery.deliver(topic, message)
  }

  #whenLive(hold: Hold, destination: string): Liveness | undefined {
    if (this.#interests.isLive(hold)) return undefined
    const refusal = (cause: Error): ProtocolError => {
      const text = `Cannot subscribe to ${quoted(destination)}: Redis refuses its channel`
      return new ProtocolError('bus-refused', text, {}, { cause })
    }
    return this.#interests.whenLive(hold, refusal)
  }

  /** What those before it to the same destination hold, if that is live; else one of its own, to wait with. */
  #holdFor(topic: Topic, destination: string): Hold {
    const take = (): Hold => this.#interests.hold(this.#table.interests(destination))
    // a topic stands for every spelling of a pattern, a hold for one
    if (isPattern(destination) && topic.destination !== destination) return take()
    const shared = this.#holds.get(topic)
    if (shared && this.#interests.share(shared)) return shared
    const hold = take()
    this.#holds.set(topic, hold)
    return hold
  }
}
