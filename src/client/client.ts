/**
 * One client of any protocol: who it is, what it has subscribed, what it sends, and how its output is watched. A door
 * (STOMP, plain WebSocket, Server-Sent Events) speaks the protocol and calls this; nothing here knows which door it is.
 */
import { randomUUID } from 'node:crypto'
import type { Access } from '../access/access.ts'
import { subscribedAddress } from '../access/addresses.ts'
import { ANONYMOUS, type Identity } from '../access/identity.ts'
import type { Broker, Liveness } from '../broker/broker.ts'
import type { Outbound, RoutedMessage } from '../broker/outbound.ts'
import type { Recent } from '../recent.ts'
import type { SettledEntries } from '../bus/queue-adder.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Feed } from '../delivery/feed.ts'
import { HeldMessages } from '../delivery/held-messages.ts'
import { Message, type Encoding, type Marker } from '../delivery/message.ts'
import { Output, type WrittenGroup } from '../delivery/output.ts'
import type { OutputWatch, WatchedOutput } from '../delivery/output-watch.ts'
import type { Deadlines } from '../clock.ts'
import { ProtocolError, quoted, type ErrorCode } from '../errors.ts'
import type { HeaderPair } from '../headers.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Ask } from '../recovery/ask.ts'
import { noHistory } from '../recovery/archive.ts'
import type { Queues } from '../queue/queues.ts'
import type { Queue } from '../queue/queue.ts'
import type { QueueRules } from '../queue/queue-rules.ts'
import type { KeptValues } from '../recovery/kept-values.ts'
import type { History } from '../recovery/history.ts'
import { COMMANDS_DESTINATION, type RedisCommands } from '../redis-commands/redis-commands.ts'
import type { OutboundMessage } from '../routes/payload.ts'
import type { Snapshots } from '../snapshots/snapshots.ts'
import type { Socket, Transport } from '../socket.ts'
import { maySubscribe, requireSendable, requireSubscribable } from './authorize.ts'
import type { Door } from './door.ts'
import { Expiry } from './expiry.ts'
import { DEFAULT_PREFETCH, QueueFeed, requireOfQueue } from './queue-feed.ts'
import type { ChannelTarget } from './plans.ts'
import type { Rated, Rates, RateState } from './rates.ts'
import { refusalError } from './refusals.ts'
import type { Replies } from './replies.ts'
import type { Seats } from './seats.ts'
import { endOfPeer, type SessionEnd } from './session-end.ts'
import type { ShownEncodings } from './shown-encodings.ts'
import { AckMode, Subscription, type SubscribeOptions, type SubscriptionOwner } from './subscription.ts'
import type { SubscriptionPresence } from './subscription-presence.ts'
import { Subscriptions, type SubscriptionLimits } from './subscriptions.ts'

/** What all clients of a bridge share. */
export interface ClientServices {
  readonly limits: SubscriptionLimits
  readonly access: Access
  readonly broker: Broker
  readonly delivery: Delivery
  readonly outbound: Outbound
  readonly outputs: OutputWatch
  /** Ids of subscriptions, each text once. */
  readonly ids: Recent<string>
  readonly encodings: ShownEncodings
  readonly rates: Rates
  /** Addresses of those whom a proxy stands for. */
  readonly forwarded: ReadonlyMap<Client, string>
  readonly seats: Seats
  /** Undefined if nobody can watch who is where. */
  readonly presence: SubscriptionPresence | undefined
  /** Undefined if no destination has history. */
  readonly history: History | undefined
  /** Undefined if no route keeps its newest payload. */
  readonly keptValues: KeptValues | undefined
  readonly replies: Replies
  /** Undefined if no client may send commands to Redis. */
  readonly commands: RedisCommands | undefined
  /** Undefined if no destination answers with a snapshot. */
  readonly snapshots: Snapshots | undefined
  readonly queueRules: QueueRules
  /** Undefined if no destination is a work queue. */
  readonly queues: Queues | undefined
  readonly deadlines: Deadlines
  /** How long a session goes on when its credential has expired, in milliseconds. */
  readonly expiryGraceMs: number
  readonly metrics: Metrics
  readonly log: Log
}

/** How all of a connection's subscriptions are. */
interface SubscribeAllOptions {
  readonly encoding: Encoding
  readonly excludesOwn?: boolean
  readonly isSingle?: boolean
  /** From where each goes on, in order. */
  readonly asks?: readonly (Ask | undefined)[]
}

export class Client implements SubscriptionOwner, WatchedOutput, Rated {
  /** Unique over all nodes. */
  readonly id: string
  readonly output: Output
  readonly subscriptions: Subscriptions
  /** Milliseconds since 1970. */
  readonly openedAtMs = Date.now()
  /** Of the watch on its output. */
  place = -1
  /** What it has done lately, where that is limited. */
  rates: RateState | undefined
  /** Frames, or messages where the protocol has none. */
  received = 0
  /** Set when the connection opens, before anybody else has this object. */
  door!: Door
  /** Of the request that it came by, if that has one: what proxies call it. */
  requestId: string | undefined
  readonly #services: ClientServices
  #identity: Identity = ANONYMOUS
  /** Most credentials of most bridges have no end. */
  #expiry: Expiry | undefined
  #isHolding = false
  #hasBegun = false
  #hasLeft = false
  #isClosed = false
  #ending: SessionEnd | undefined

  constructor(socket: Socket, id: string, services: ClientServices) {
    this.id = id
    this.output = new Output(socket, services.outputs)
    this.subscriptions = new Subscriptions(services.limits)
    this.#services = services
  }

  get remoteAddress(): string {
    return this.#services.forwarded.get(this) ?? this.output.socket.remoteAddress
  }

  get transport(): Transport {
    return this.output.socket.transport
  }

  /** Watch its output, from the moment that its connection is open. */
  open(): void {
    this.#services.outputs.add(this)
  }

  /** It was let in, and what it speaks is agreed: from here on it is a session that was opened, and will be closed. */
  begin(): void {
    this.#hasBegun = true
    this.#services.metrics.count.sessionsOpened++
  }

  get hasBegun(): boolean {
    return this.#hasBegun
  }

  get identity(): Identity {
    return this.#identity
  }

  /** From here on it is this one, and ends with it. Errors: ProtocolError `too-many-sessions-of-user`. */
  identify(identity: Identity): void {
    const { deadlines, expiryGraceMs, seats, metrics } = this.#services
    if (!seats.identify(this, identity.user)) {
      metrics.refusals['user-sessions']++
      throw refusalError('user-sessions')
    }
    this.#identity = identity
    if (identity.expiresAt !== undefined) this.#expiry ??= new Expiry(deadlines, () => this.#expired())
    this.#expiry?.set(identity.expiresAt, expiryGraceMs)
  }

  /** Has its credential been revoked since it was looked at? Then its connection ends. */
  endIfRevoked(): void {
    if (!this.#services.access.isRevoked(this.#identity)) return
    this.door.fail(new ProtocolError('revoked', 'This login was revoked'))
  }

  /** How it ends, once that has begun. */
  get end(): SessionEnd | undefined {
    return this.#ending
  }

  /** The bridge ends it: why, for the log and the metrics. What is said first counts. */
  endsAs(code: string, closeCode: number, reason: string): void {
    this.#ending ??= { code, closeCode, reason }
  }

  /** It ends: from here on it counts no more as a session of its address and user. */
  leave(): void {
    this.#hasLeft = true
    this.#services.seats.leave(this)
  }

  /** It has ended, although its connection may not be gone yet. */
  get hasLeft(): boolean {
    return this.#hasLeft
  }

  /** The connection is gone: nothing is delivered any more. `closeCode`: as the runtime tells it. */
  close(closeCode: number): void {
    this.#isClosed = true
    this.#ending ??= endOfPeer(closeCode)
    this.leave()
    this.#expiry?.cancel()
    this.#services.outputs.remove(this)
    this.#services.replies.end(this)
    this.unsubscribeAll()
  }

  // --- What it asks for

  /**
   * Subscribes. Delivery begins at once, or behind what the history has for it; the result tells when the bus feeds it and it
   * has been told where it stands, and is undefined if all of that is so already.
   * Errors: ProtocolError `not-authorized`, `rate-limited`, `duplicate-subscription`, `too-many-subscriptions`,
   * `bad-destination`, `no-history`, `bad-header`; `bus-unavailable` and `source-unavailable` as a rejection.
   */
  subscribe(options: SubscribeOptions): Liveness | undefined {
    const { destination, id, ackMode, stamp, ask } = options
    const { access, broker, encodings, history, keptValues, snapshots } = this.#services
    const { kind, internal } = requireSubscribable(access, this.#identity, this.id, destination)
    const meant = snapshots?.meantBy(internal) ?? destination
    // However it is written, it is the same state that is read.
    if (meant !== destination) requireSubscribable(access, this.#identity, this.id, meant)
    this.#requireRate('subscribe', destination)
    const queue = this.#services.queueRules.ofSubscription(internal)
    if (queue) return this.#subscribeToQueue(queue, options)
    if (ask) this.#requireHistory(destination, internal)
    // A client that repeats itself without an id wants what it has.
    if (id === undefined && this.subscriptions.withoutId(destination)) return undefined
    this.subscriptions.requireRoomFor(destination, id)
    // Clients number their subscriptions alike: many share the text.
    const ownId = id === undefined ? undefined : this.#services.ids.get(id)
    const subscription = new Subscription(this, ownId, ackMode, this.subscriptions.nextSerial())
    const isSingle = ackMode !== AckMode.auto || options.isSingle === true
    const excludes = options.excludesOwn ? this.id : undefined
    const isOwnQueue = kind === 'user' || kind === 'session'
    const encoding = isOwnQueue ? encodings.of(options.encoding, destination.startsWith('/user/')) : options.encoding
    const isRecovering = history?.hasBeginning(internal, ask) ?? false
    const isTold = ask !== undefined
    const feed = { receiver: subscription, destination, encoding, stamp, isSingle, excludes, isRecovering, isTold }
    const entry = broker.subscribe(feed, internal)
    subscription.feed = entry.feed
    subscription.hold = entry.hold
    this.subscriptions.add(subscription)
    this.#services.presence?.begin(subscription, this.id, this.#identity.user)
    const snapshot = snapshots?.opened(subscription.feed)
    // The bus feeds no such destination: whether it is there is nothing to wait for.
    if (snapshot) return { live: snapshot, liveOrLost: Promise.resolve() }
    const liveness = broker.whenLive(subscription)
    const begun =
      history?.opened(subscription.feed, ask, liveness?.live) ?? keptValues?.opened(subscription.feed, liveness?.live)
    return begun ? { live: begun, liveOrLost: liveness?.liveOrLost ?? Promise.resolve() } : liveness
  }

  /** Returns and throws as `subscribe`. */
  #subscribeToQueue(queue: Queue, options: SubscribeOptions): Liveness | undefined {
    const { destination, id, ackMode, encoding, stamp, prefetch = DEFAULT_PREFETCH } = options
    const { broker, delivery, outputs, ids, presence, queues } = this.#services
    requireOfQueue(options)
    if (id === undefined && this.subscriptions.withoutId(destination)) return undefined
    this.subscriptions.requireRoomFor(destination, id)
    const ownId = id === undefined ? undefined : ids.get(id)
    const subscription = new Subscription(this, ownId, ackMode, this.subscriptions.nextSerial())
    const entry = broker.subscribeToQueue({ receiver: subscription, destination, encoding, stamp, isSingle: true })
    subscription.feed = entry.feed
    subscription.hold = entry.hold
    this.subscriptions.add(subscription)
    presence?.begin(subscription, this.id, this.#identity.user)
    const receiver = new QueueFeed(this, subscription, delivery, outputs)
    const { consumer, live, liveOrLost } = queues!.subscribe(queue, receiver, prefetch)
    subscription.work = consumer
    return { live, liveOrLost }
  }

  /** Is the bus away? When it comes back nobody knows. */
  get isBusAway(): boolean {
    return this.#services.broker.isBusAway
  }

  /** Has this destination, as the client writes it, history? */
  hasHistory(destination: string): boolean {
    const internal = subscribedAddress(destination, { user: this.#identity.user, session: this.id })?.internal
    return internal !== undefined && (this.#services.history?.isAskable(internal) ?? false)
  }

  /** Errors: ProtocolError `no-history`; `bad-header` for a pattern. */
  #requireHistory(destination: string, internal: string): void {
    const { history } = this.#services
    if (!history) throw noHistory(destination)
    history.requireAskable(internal, destination)
  }

  /**
   * Subscribes to all that a connection is opened for. `onRefused`: what cannot be subscribed; called later, because the
   * runtime does not have the handler of a connection before its `open` has returned.
   */
  subscribeAll(
    destinations: readonly string[],
    { encoding, excludesOwn = false, isSingle = false, asks = [] }: SubscribeAllOptions,
    onRefused: (error: unknown) => void,
  ): void {
    try {
      for (const [i, destination] of destinations.entries()) {
        const options = {
          destination,
          id: undefined,
          ackMode: AckMode.auto,
          encoding,
          stamp: '',
          excludesOwn,
          isSingle,
          ask: asks[i],
        }
        this.subscribe(options)?.live.catch(onRefused)
      }
    } catch (error) {
      queueMicrotask(() => onRefused(error))
    }
  }

  /** By id or destination, see `Subscriptions.take`. Returns what has ended; undefined if there is no such subscription. */
  unsubscribe(id: string | undefined, destination: string | undefined): Subscription | undefined {
    const subscription = this.subscriptions.take(id, destination)
    if (subscription) this.#end(subscription)
    return subscription
  }

  unsubscribeAll(): void {
    for (const each of this.subscriptions.takeAll()) this.#end(each)
  }

  #end(subscription: Subscription): void {
    if (subscription.work) this.#services.queues?.unsubscribe(subscription.work)
    this.#services.broker.unsubscribe(subscription)
    this.#services.history?.closed(subscription.feed)
    this.#services.presence?.end(subscription)
  }

  /**
   * Returns what goes over the bus for a message that it sends. `once`: see {@link RoutedMessage}.
   * Errors: ProtocolError `not-authorized`, `rate-limited`, `no-route`, `bad-destination`, `bad-body`.
   */
  route(message: OutboundMessage, once?: string): RoutedMessage {
    const { access, outbound } = this.#services
    requireSendable(access, this.#identity, message.destination)
    this.#requireRate('send', message.destination)
    const routed = outbound.route(message)
    return once === undefined ? routed : { ...routed, once }
  }

  /**
   * Returns the same for a channel that stands for a destination.
   * Errors: ProtocolError `not-authorized`, `rate-limited`.
   */
  routeTo({ destination, channel }: ChannelTarget, payload: string | Uint8Array): RoutedMessage {
    requireSendable(this.#services.access, this.#identity, destination)
    this.#requireRate('send', destination)
    return this.#services.outbound.routeTo(destination, channel, payload)
  }

  /** Is what it sends to this destination a command to Redis? */
  isCommand(destination: string): boolean {
    return destination === COMMANDS_DESTINATION && this.#services.commands !== undefined
  }

  /**
   * Resolves when a command to Redis has been answered, behind those that it has sent before. `body`: JSON, as in the message.
   * Errors: ProtocolError `not-authorized`, `rate-limited`.
   */
  runCommand(body: Uint8Array, correlationId?: string): Promise<void> {
    requireSendable(this.#services.access, this.#identity, COMMANDS_DESTINATION)
    this.#requireRate('send', COMMANDS_DESTINATION)
    const owner = { user: this.#identity.user, session: this.id }
    return this.#services.commands!.run(this, owner, body, correlationId)
  }

  /**
   * A message that was routed wants an answer at this queue of its own. Returns undefined if it can come at once, else a
   * promise, as {@link Replies.listen}.
   * Errors: ProtocolError `too-many-subscriptions`.
   */
  listenForReplies(destination: string, queue: string): Promise<void> | undefined {
    // What is for subscribers is no request, and who has gone gets no answer.
    if (this.#isClosed || !this.#services.outbound.isRequest(destination)) return undefined
    return this.#services.replies.listen(this, queue)
  }

  /** Resolves when the bus has it. Rejects with ProtocolError `bus-unavailable`, `bus-refused` or `queue-full`. */
  publish(message: RoutedMessage): Promise<void> {
    return this.#services.outbound.publish(message)
  }

  /** All or none, in order, with what is settled of work queues. Rejects as `publish`. */
  publishAll(messages: readonly RoutedMessage[], settled?: readonly SettledEntries[]): Promise<void> {
    return this.#services.outbound.publishAll(messages, settled)
  }

  /**
   * Judges again what it has subscribed, when what it may do has changed. Returns what is refused, and has ended with this
   * call.
   */
  reviewSubscriptions(): Subscription[] {
    const { access } = this.#services
    const refused = [...this.subscriptions].filter(
      ({ destination }) => !maySubscribe(access, this.#identity, this.id, destination),
    )
    for (const { id, destination } of refused) this.unsubscribe(id, destination)
    return refused
  }

  /** Has it subscribed exactly this (internal) destination? */
  hasSubscribed(internal: string): boolean {
    for (const { feed } of this.subscriptions) if (feed.topic.destination === internal) return true
    return false
  }

  // --- What it gets

  /** Counts what it is refused. */
  refused(code: ErrorCode): void {
    this.#services.metrics.refused(code)
  }

  /** A message of the bridge's own to whoever has subscribed this destination here. Returns false if nobody has. */
  sendOwn(destination: string, headers: readonly HeaderPair[], body: string | Uint8Array): boolean {
    let isTold = false
    for (const subscription of [...this.subscriptions]) {
      if (subscription.destination !== destination) continue
      const { feed } = subscription
      const message = new Message({ id: randomUUID(), destination: feed.topic.destination, headers, body })
      this.#services.delivery.deliverTo(feed, message)
      isTold = true
    }
    return isTold
  }

  /** Errors: ProtocolError `rate-limited`. */
  #requireRate(action: 'subscribe' | 'send', destination: string): void {
    const { rates, deadlines } = this.#services
    if (!rates.limits(action)) return
    const seconds = rates.take(this, action, destination, deadlines.now())
    if (seconds === undefined) return
    const wish = action === 'send' ? 'send to' : 'subscribe to'
    const text = `You may not ${wish} ${quoted(destination)} so often: try again in ${seconds} s`
    throw new ProtocolError('rate-limited', text, { 'retry-after': String(seconds) })
  }

  #expired(): void {
    this.door.fail(new ProtocolError('token-expired', 'The credential has expired: connect again with a new one'))
  }

  deliver(subscription: Subscription, message: Message, dropped: number): void {
    this.door.deliver(subscription, message, dropped)
  }

  tell(subscription: Subscription, marker: Marker): void {
    this.door.tell(subscription, marker)
  }

  // --- What the slow-client watch asks

  get unsentBytes(): number {
    return this.output.unsentBytes
  }

  get drains(): number {
    return this.output.socket.drains
  }

  get totalBytes(): number {
    return this.output.total(this.#groups())
  }

  get isHolding(): boolean {
    return this.#isHolding
  }

  get mayDropAll(): boolean {
    if (this.subscriptions.size === 0) return false
    for (const feed of this.#feeds()) if (!feed.slowPolicy) return false
    return true
  }

  fallBehind(): void {
    for (const feed of this.#feeds()) {
      if (!feed.slowPolicy || feed.backlog) continue
      this.#isHolding = true
      this.#services.delivery.hold(feed, new HeldMessages(feed.slowPolicy, feed.encoding))
    }
  }

  catchUp(mayWrite: () => boolean): void {
    for (const feed of this.#feeds()) this.#services.delivery.catchUp(feed, mayWrite)
    this.#isHolding = [...this.#feeds()].some(({ backlog }) => backlog !== undefined)
  }

  closeAsSlow(reason: string): void {
    if (!this.door.isOpen) return
    const { log, metrics } = this.#services
    const { id, unsentBytes, totalBytes } = this
    metrics.count.slowConsumersClosed++
    log.warn({ session: id, unsentBytes, totalBytes, reason }, 'A client does not read and is closed')
    this.door.closeAsSlow(reason)
  }

  *#feeds(): Generator<Feed> {
    for (const { feed } of this.subscriptions) yield feed
  }

  /** Those whose messages the fan-out hands to the socket. */
  *#groups(): Generator<WrittenGroup> {
    for (const feed of this.#feeds()) if (feed.group && feed.group.sole !== feed) yield feed.group
  }
}
