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
import type { InboundRoute, RouteTable } from '../routes/table.ts'
import { ownCopy } from '../text.ts'
import { deliverSpan } from '../delivery/deliver-span.ts'
import type { Tracing } from '../tracing/tracing.ts'
import type { ChannelInterests } from './channel-interests.ts'
import { PROBE_PATTERN } from './destination-channel.ts'
import type { DestinationRules } from './destination-rules.ts'
import type { Distribution } from './distribution.ts'
import type { BusInterest, Hold, Liveness } from './hold.ts'
import { Registry } from './registry.ts'

export type { Hold, Liveness } from './hold.ts'

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
  #slowClients: readonly SlowClientRule[]
  readonly #table: RouteTable
  readonly #interests: ChannelInterests
  readonly #delivery: Delivery
  readonly #distribution: Distribution
  readonly #tracing: Tracing | undefined
  readonly #registry = new Registry<Topic>(newTopic)
  /** What the latest subscription to a topic holds: the next one shares it. */
  readonly #holds = new Map<Topic, Hold>()
  /** Of those that are patterns: the glob by which messages for their destinations come. */
  readonly #globs = new Map<Topic, string>()
  /** Those of work queues, whose messages do not come over the bus. */
  readonly #queues = new Map<string, Topic>()
  /** Live where the bus takes any pattern. */
  #probe: Hold | undefined
  #size = 0

  /** `slowClients`: the first match counts; what none matches is closed when it is slow. */
  constructor(
    destinations: DestinationRules,
    slowClients: readonly SlowClientRule[],
    table: RouteTable,
    interests: ChannelInterests,
    delivery: Delivery,
    distribution: Distribution,
    tracing?: Tracing,
  ) {
    this.#tracing = tracing
    this.destinations = destinations
    this.#slowClients = slowClients
    this.#table = table
    this.#interests = interests
    this.#delivery = delivery
    this.#distribution = distribution
  }

  /** Call this when the bus was started. */
  begin(): void {
    if (this.hearsByInterest) this.#probe = this.#interests.hold([{ kind: 'pattern', name: PROBE_PATTERN }])
  }

  /** Does a message for a destination come only while somebody here has subscribed it? */
  get hearsByInterest(): boolean {
    return this.#distribution.hearsByInterest
  }

  get isBusAway(): boolean {
    return !this.#interests.isBusAvailable
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
    const hold = this.#interests.hold(this.#interestsOf(destination))
    return { liveness: this.#whenLive(hold, destination), release: () => this.#interests.release(hold) }
  }

  /** Has somebody subscribed exactly this (internal) destination? */
  isSubscribed(destination: string): boolean {
    return this.#registry.find(destination) !== undefined
  }

  /** Of subscriptions from here on; those that are there keep the policy that they have. */
  replaceSlowClients(rules: readonly SlowClientRule[]): void {
    this.#slowClients = rules
  }

  /**
   * The routes have changed: in this call each of these subscriptions, which are all, gets the channels that feed it now.
   * `retired`: the routes that are gone. Returns undefined if the bus feeds all of that already.
   */
  reroute(entries: Iterable<Entry>, retired: readonly InboundRoute[]): Liveness | undefined {
    const done = new Set<Hold>()
    const added = new Map<string, BusInterest>()
    for (const { hold, feed } of entries) {
      if (done.has(hold) || this.#queues.get(feed.topic.destination) === feed.topic) continue
      done.add(hold)
      for (const interest of this.#interests.change(hold, this.#interestsOf(this.#fedAs(feed), feed.topic))) {
        added.set(`${interest.kind} ${interest.name}`, interest)
      }
    }
    this.#interests.keepRoutes(this.#table.permanentInterests())
    this.#interests.retire(retired)
    if (added.size === 0) return undefined
    // Held by itself, only to wait with.
    const hold = this.#interests.hold([...added.values()])
    const liveness = this.#interests.whenLive(hold)
    const release = (): void => this.#interests.release(hold)
    if (liveness) liveness.live.then(release, release)
    else release()
    return liveness
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
      this.#globs.delete(topic)
    }
    this.#interests.release(hold)
    this.#size--
  }

  /** All topics that a message to this destination reaches, each once. */
  match(destination: string): readonly Topic[] {
    return this.#registry.match(destination)
  }

  /**
   * Of those, the ones that a copy from the channel of the destination is for: `glob` is the pattern that brought it, or
   * undefined. A payload comes once for each way that is subscribed, and each topic has one way.
   */
  matchOfCopy(destination: string, glob: string | undefined): readonly Topic[] {
    if (glob !== undefined) return this.match(destination).filter((topic) => this.#globs.get(topic) === glob)
    const topic = this.#registry.find(destination)
    return topic ? [topic] : []
  }

  deliver(topics: readonly Topic[], message: Message): void {
    const span = this.#tracing && topics.length > 0 ? deliverSpan(this.#tracing, message, feedsOf(topics)) : undefined
    for (const topic of topics) this.#delivery.deliver(topic, message)
    span?.end()
  }

  #whenLive(hold: Hold, destination: string): Liveness | undefined {
    if (this.#interests.isLive(hold)) return undefined
    const refusal = (cause: Error): ProtocolError => {
      const text = `Cannot subscribe to ${quoted(destination)}: Redis refuses its channel`
      return new ProtocolError('bus-refused', text, {}, { cause })
    }
    return this.#interests.whenLive(hold, refusal)
  }

  /** The destination of which the bus feeds a subscription; see `subscribe`. */
  #fedAs({ destination, topic }: Feed): string {
    return this.destinations.isAddress(destination) ? topic.destination : destination
  }

  /** What the bus has to bring for a destination or pattern; `topic` where it is being subscribed. */
  #interestsOf(destination: string, topic?: Topic): BusInterest[] {
    const interests: BusInterest[] = this.#table.interests(destination)
    if (!this.hearsByInterest || !this.destinations.isHeard(destination)) return interests
    // However its pattern is spelled, a topic has one way.
    const known = topic && this.#globs.get(topic)
    const interest: BusInterest = known
      ? { kind: 'pattern', name: known }
      : this.#distribution.interestOf(destination, (glob) => this.#canHear(glob))
    if (topic && interest.kind === 'pattern') this.#globs.set(topic, interest.name)
    return [...interests, interest]
  }

  #canHear(glob: string): boolean {
    return this.#probe !== undefined && this.#interests.isTaken(this.#probe) && this.#interests.hasRoomFor(glob)
  }

  /** What those before it to the same destination hold, if that is live; else one of its own, to wait with. */
  #holdFor(topic: Topic, destination: string): Hold {
    const take = (): Hold => this.#interests.hold(this.#interestsOf(destination, topic))
    // a topic stands for every spelling of a pattern, a hold for one
    if (isPattern(destination) && topic.destination !== destination) return take()
    const shared = this.#holds.get(topic)
    if (shared && this.#interests.share(shared)) return shared
    const hold = take()
    this.#holds.set(topic, hold)
    return hold
  }
}

function feedsOf(topics: readonly Topic[]): number {
  return topics.reduce((sum, topic) => sum + countFeeds(topic), 0)
}
