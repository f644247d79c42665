/**
 * One client of any protocol: who it is, what it has subscribed, what it sends, and how its output is watched. A door
 * (STOMP, plain WebSocket, Server-Sent Events) speaks the protocol and calls this; nothing here knows which door it is.
 */
import type { Access } from '../access/access.ts'
import { ANONYMOUS, type Identity } from '../access/identity.ts'
import type { Broker, Liveness } from '../broker/broker.ts'
import type { Outbound, RoutedMessage } from '../broker/outbound.ts'
import type { Recent } from '../broker/recent.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Feed } from '../delivery/feed.ts'
import { HeldMessages } from '../delivery/held-messages.ts'
import type { Encoding, Message } from '../delivery/message.ts'
import { Output, type WrittenGroup } from '../delivery/output.ts'
import type { OutputWatch, WatchedOutput } from '../delivery/output-watch.ts'
import { ProtocolError, quoted } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { OutboundMessage } from '../routes/payload.ts'
import type { Socket, Transport } from '../socket.ts'
import type { Door } from './door.ts'
import { AckMode, Subscription, type SubscribeOptions, type SubscriptionOwner } from './subscription.ts'
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
  readonly metrics: Metrics
  readonly log: Log
}

export class Client implements SubscriptionOwner, WatchedOutput {
  /** Unique over all nodes. */
  readonly id: string
  readonly output: Output
  readonly subscriptions: Subscriptions
  /** Milliseconds since 1970. */
  readonly openedAtMs = Date.now()
  identity: Identity = ANONYMOUS
  /** Of the watch on its output. */
  place = -1
  /** Frames, or messages where the protocol has none. */
  received = 0
  /** Set when the connection opens, before anybody else has this object. */
  door!: Door
  readonly #services: ClientServices
  #isHolding = false

  constructor(socket: Socket, id: string, services: ClientServices) {
    this.id = id
    this.output = new Output(socket, services.outputs)
    this.subscriptions = new Subscriptions(services.limits)
    this.#services = services
  }

  get remoteAddress(): string {
    return this.output.socket.remoteAddress
  }

  get transport(): Transport {
    return this.output.socket.transport
  }

  /** Watch its output, from the moment that its connection is open. */
  open(): void {
    this.#services.outputs.add(this)
  }

  /** The connection is gone: nothing is delivered any more. */
  close(): void {
    this.#services.outputs.remove(this)
    this.unsubscribeAll()
  }

  // --- What it asks for

  /**
   * Subscribes. Delivery begins at once; the result tells when the bus feeds it, and is undefined if it does already.
   * Errors: ProtocolError `not-authorized`, `duplicate-subscription`, `too-many-subscriptions`, `bad-destination`.
   */
  subscribe(options: SubscribeOptions): Liveness | undefined {
    const { destination, id, ackMode, encoding, stamp } = options
    const { access, broker } = this.#services
    if (!access.maySubscribe(this.identity, destination)) {
      throw new ProtocolError('not-authorized', `You may not subscribe to ${quoted(destination)}`)
    }
    // A client that repeats itself without an id wants what it has.
    if (id === undefined && this.subscriptions.withoutId(destination)) return undefined
    this.subscriptions.requireRoomFor(destination, id)
    // Clients number their subscriptions alike: many share the text.
    const ownId = id === undefined ? undefined : this.#services.ids.get(id)
    const subscription = new Subscription(this, ownId, ackMode, this.subscriptions.nextSerial())
    const isSingle = ackMode !== AckMode.auto
    const excludes = options.excludesOwn ? this.id : undefined
    const entry = broker.subscribe({ receiver: subscription, destination, encoding, stamp, isSingle, excludes })
    subscription.feed = entry.feed
    subscription.hold = entry.hold
    this.subscriptions.add(subscription)
    return broker.whenLive(subscription)
  }

  /**
   * Subscribes to all that a connection is opened for. `onRefused`: what cannot be subscribed; called later, because the
   * runtime does not have the handler of a connection before its `open` has returned.
   */
  subscribeAll(
    destinations: readonly string[],
    { encoding, excludesOwn = false }: { readonly encoding: Encoding; readonly excludesOwn?: boolean },
    onRefused: (error: unknown) => void,
  ): void {
    try {
      for (const destination of destinations) {
        const options = { destination, id: undefined, ackMode: AckMode.auto, encoding, stamp: '', excludesOwn }
        this.subscribe(options)?.live.catch(onRefused)
      }
    } catch (error) {
      queueMicrotask(() => onRefused(error))
    }
  }

  /** By id or destination, see `Subscriptions.take`. Returns what has ended; undefined if there is no such subscription. */
  unsubscribe(id: string | undefined, destination: string | undefined): Subscription | undefined {
    const subscription = this.subscriptions.take(id, destination)
    if (subscription) this.#services.broker.unsubscribe(subscription)
    return subscription
  }

  unsubscribeAll(): void {
    for (const each of this.subscriptions.takeAll()) this.#services.broker.unsubscribe(each)
  }

  /**
   * Returns what goes over the bus for a message that it sends.
   * Errors: ProtocolError `not-authorized`, `no-route`, `bad-destination`, `bad-body`.
   */
  route(message: OutboundMessage): RoutedMessage {
    const { destination } = message
    if (!this.#services.access.maySend(this.identity, destination)) {
      throw new ProtocolError('not-authorized', `You may not send to ${quoted(destination)}`)
    }
    return this.#services.outbound.route(message)
  }

  /** Resolves when the bus has it. Rejects with ProtocolError `bus-unavailable` or `bus-refused`. */
  publish(message: RoutedMessage): Promise<void> {
    return this.#services.outbound.publish(message)
  }

  /** All or none, in order. Rejects as `publish`. */
  publishAll(messages: readonly RoutedMessage[]): Promise<void> {
    return this.#services.outbound.publishAll(messages)
  }

  // --- What it gets

  deliver(subscription: Subscription, message: Message, dropped: number): void {
    this.door.deliver(subscription, message, dropped)
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
