/**
 * The broker: takes messages from sessions and HTTP to the bus, and from the bus to subscribers. Everything that is
 * delivered has come over the bus, also what was sent on this node, so one node and ten behave alike. Knows
 * subscribers only by the interface below; never a session, never a connection's protocol state.
 */
import type { Header } from '../../frames/index.ts'
import type { Bus, BusMessage } from '../bus/bus.ts'
import { ProtocolError, quoted } from '../errors.ts'
import { LogBudget, type Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Fanout } from '../socket.ts'
import {
  decodeBroadcast,
  decodePayload,
  encodeBroadcast,
  encodeNotification,
  encodePayload,
  PayloadError,
  type InboundMessage,
  type OutboundMessage,
  type PayloadCodec,
} from '../routes/payload.ts'
import { destinationProblem, isPattern } from '../routes/destination-pattern.ts'
import type { OutboundRoute, RouteTable } from '../routes/table.ts'
import { ChannelInterests, type Liveness } from './channel-interests.ts'
import { ChannelWatches } from './channel-watches.ts'
import { GroupOutput } from './group-output.ts'
import { Handover } from './handover.ts'
import { Memberships, type Member } from './memberships.ts'
import { OutgoingMessage } from './outgoing-message.ts'
import { Recent } from './recent.ts'
import { Registry } from './registry.ts'
import { isReserved } from './reserved-headers.ts'
import type { BrokerOptions, BrokerSubscription } from './subscriber.ts'
import type { OutputMeter } from './tally.ts'

export type { Liveness } from './channel-interests.ts'
export type { BrokerOptions, BrokerSubscription, DeliveredHeaders, SlowPolicy, Subscriber } from './subscriber.ts'

/** A SEND as it goes over the bus; made by `route`, handed over by `publish`. */
export type RoutedMessage = BusMessage

/** Where a SEND goes, and how it is written there; without a codec it is broadcast. */
interface SendRoute {
  readonly channel: string
  readonly codec: PayloadCodec | undefined
  readonly route: OutboundRoute | undefined
}

/** A malformed payload is quoted in the log up to this many characters. */
const QUOTED_PAYLOAD = 120
/** Malformed payloads that are logged in a window; all are counted. */
const MALFORMED_PER_WINDOW = 20
/** Destinations whose route is remembered; each may be as long as a destination may be, and so may its channel. */
const MAX_SEND_ROUTES = 1_000

const NOBODY: readonly never[] = []

export class Broker {
  /** Who looks at channels as they are on the bus. */
  readonly watches: ChannelWatches
  readonly #options: BrokerOptions
  readonly #table: RouteTable
  readonly #bus: Bus
  readonly #nodeId: string
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #registry = new Registry<Member>()
  readonly #interests: ChannelInterests
  readonly #memberships: Memberships
  readonly #output: GroupOutput
  readonly #handover: Handover
  readonly #sendRoutes = new Recent(MAX_SEND_ROUTES, (destination) => this.#sendRouteOf(destination))
  #messageCount = 0
  readonly #malformedLog = new LogBudget(MALFORMED_PER_WINDOW)

  constructor(
    options: BrokerOptions,
    table: RouteTable,
    bus: Bus,
    nodeId: string,
    log: Log,
    metrics: Metrics,
    meter: OutputMeter,
  ) {
    this.#options = options
    this.#table = table
    this.#bus = bus
    this.#nodeId = nodeId
    this.#log = log
    this.#metrics = metrics
    this.#output = new GroupOutput(options, meter, log, metrics)
    this.#interests = new ChannelInterests(bus, options.releaseDelayMs)
    this.watches = new ChannelWatches(this.#interests)
    this.#interests.onRefusal = () => {
      this.watches.refused()
      this.onRefusal?.()
    }
    this.#memberships = new Memberships(options, this.#registry, this.#interests, this.#output, table)
    this.#handover = new Handover(bus, log, metrics)
    metrics.observe('subscriptions', () => this.#memberships.size)
    metrics.observe('busAvailable', () => (bus.unavailableReason === undefined ? 1 : 0))
  }

  /** Why messages cannot be handed over now; undefined when they can. */
  get unavailableReason(): string | undefined {
    return this.#bus.unavailableReason ?? this.#interests.unavailableReason
  }

  /** Called when subscriptions that were live may be so no more: `refusalOf` says which. */
  onRefusal: (() => void) | undefined

  /** Why a subscription that was live gets nothing any more; undefined if it does. */
  refusalOf(subscription: BrokerSubscription): ProtocolError | undefined {
    const { hold, destination } = subscription as Member
    const cause = this.#interests.refusalOf(hold)
    if (!cause) return undefined
    const text = `The subscription to ${quoted(destination)} has ended: Redis refuses its channel`
    return new ProtocolError('bus-refused', text, {}, { cause })
  }

  get subscriptionCount(): number {
    return this.#memberships.size
  }

  /** How many have subscribed with each string. */
  subscriptionCounts(): Iterable<readonly [destination: string, subscriptions: number]> {
    return this.#registry.counts()
  }

  start(): void {
    this.#bus.start({
      onMessage: (channel, payload, pattern) => this.#receive(channel, payload, pattern),
      onAvailability: (reason) => {
        this.#interests.setBusAvailable(reason === undefined)
        this.watches.setUnavailableReason(reason)
      },
      onRefusal: (kind, name, refusal) => this.#interests.setRefusal(kind, name, refusal),
    })
    this.#interests.keep(this.#options.broadcastChannel)
    this.#interests.keepRoutes(this.#table.permanentInterests())
  }

  close(): void {
    this.watches.close()
    this.#interests.close()
  }

  /** Deliver to the sockets of a transport through this. */
  attachFanout(transport: 'websocket' | 'tcp', fanout: Fanout): void {
    this.#output.attachFanout(transport, fanout)
  }

  /** May something be subscribed by this name? */
  isBrokerDestination(destination: string): boolean {
    return hasPrefix(destination, this.#options.prefixes)
  }

  isPattern(destination: string): boolean {
    return isPattern(destination)
  }

  /**
   * Subscribe. Delivery begins at once; `liveness` is undefined if the bus already feeds it.
   * Errors: ProtocolError `bad-destination`.
   */
  subscribe(wanted: BrokerSubscription): { subscription: BrokerSubscription; liveness: Liveness | undefined } {
    const { destination } = wanted
    // What somebody has subscribed before has been looked at then.
    if (!this.#registry.find(destination)) this.#checkSubscribable(destination)
    const subscription = this.#memberships.add(wanted)
    return { subscription, liveness: this.#memberships.whenLive(subscription) }
  }

  /** After this call nothing more is delivered for the subscription. Gives what `published` would say then. */
  unsubscribe(subscription: BrokerSubscription): number {
    return this.#memberships.remove(subscription as Member)
  }

  /** From here on its messages come through `deliver`, one by one; what was published to its group before still comes. Gives as `unsubscribe`. */
  detach(subscription: BrokerSubscription): number {
    return this.#memberships.detach(subscription as Member)
  }

  /** Back to its group, unless it acknowledges. */
  attach(subscription: BrokerSubscription): void {
    this.#memberships.attach(subscription as Member)
  }

  /**
   * How much was published to this subscription's group since it joined; 0 if its frames go through `deliver`.
   * Units: characters of text, bytes of binary frames; so never more than the bytes.
   */
  published(subscription: BrokerSubscription): number {
    const { group, publishedAtJoin } = subscription as Member
    return group ? group.published - publishedAtJoin : 0
  }

  /**
   * A client's SEND, as what goes over the bus. To a broker destination it is broadcast to every node, to an
   * application destination it goes where the route says.
   * Errors: ProtocolError `no-route`, `bad-body`.
   */
  route(message: OutboundMessage): RoutedMessage {
    const { channel, codec, route } = this.#sendRoutes.get(message.destination)
    const payload = codec === undefined ? encodeBroadcast(message) : encodePayload(codec, message)
    if (route) route.messages++
    return { channel, payload }
  }

  /** Resolves when the bus has it. Rejects with ProtocolError `bus-unavailable` or `bus-refused`. */
  publish(message: RoutedMessage): Promise<void> {
    return this.#handover.publish(message)
  }

  /** All or none, in order. Rejects as `publish`. */
  publishAll(messages: readonly RoutedMessage[]): Promise<void> {
    return this.#handover.publishAll(messages)
  }

  /**
   * A notification to the subscribers of every node. `message` is text, or any JSON value.
   * Errors: rejects with ProtocolError `bad-destination` or `bus-unavailable`.
   */
  async notify(topic: string, message: unknown): Promise<void> {
    if (!this.isBrokerDestination(topic)) {
      throw new ProtocolError('bad-destination', `${quoted(topic)} must start with ${this.#prefixList()}`)
    }
    checkDestination(topic)
    await this.publish({ channel: this.#options.broadcastChannel, payload: encodeNotification(topic, message) })
  }

  /** Errors: ProtocolError. */
  #sendRouteOf(destination: string): SendRoute {
    checkDestination(destination)
    if (this.isBrokerDestination(destination)) {
      return { channel: this.#options.broadcastChannel, codec: undefined, route: undefined }
    }
    const route = hasPrefix(destination, this.#options.applicationPrefixes)
      ? this.#table.outbound(destination)
      : undefined
    if (route) return route
    const hint = `no route takes it, and it does not start with ${this.#prefixList()}`
    throw new ProtocolError('no-route', `Cannot send to ${quoted(destination)}: ${hint}`)
  }

  #receive(channel: string, payload: Uint8Array, pattern: string | undefined): void {
    const isBroadcast = channel === this.#options.broadcastChannel
    if (pattern === undefined) this.watches.receive(channel, payload)
    try {
      if (isBroadcast && pattern === undefined) {
        const { topic, message } = decodeBroadcast(payload)
        if (!this.isBrokerDestination(topic)) throw new PayloadError(`topic ${quoted(topic)} is no broker destination`)
        this.#deliver(topic, message)
      }
    } catch (error) {
      this.#malformed(channel, payload, error)
    }
    for (const route of this.#interests.routesFor(channel, pattern)) {
      if (isBroadcast && !route.channel.isFixed) continue // a route for every channel does not mean this one
      const destination = this.#table.destinationOf(route, channel)
      if (destination === undefined) continue
      route.messages++
      try {
        this.#deliver(destination, decodePayload(route.codec, payload, route.contentType))
      } catch (error) {
        this.#malformed(channel, payload, error)
      }
    }
  }

  #malformed(channel: string, payload: Uint8Array, error: unknown): void {
    this.#metrics.count.payloadsMalformed++
    if (!this.#malformedLog.take()) return
    const isPayloadError = error instanceof PayloadError
    const reason = error instanceof Error ? error.message : String(error)
    const fields = {
      channel,
      reason,
      bytes: payload.length,
      payload: new TextDecoder().decode(payload.subarray(0, QUOTED_PAYLOAD)),
    }
    if (isPayloadError) this.#log.warn(fields, 'Malformed payload was skipped')
    else this.#log.error({ ...fields, error }, 'A payload could not be delivered')
  }

  #deliver(destination: string, message: InboundMessage): void {
    const { count } = this.#metrics
    count.messagesReceived++
    const problem = destinationProblem(destination)
    if (problem !== undefined) throw new PayloadError(`destination ${quoted(destination)}: ${problem}`)
    const topics = this.#registry.match(destination)
    if (topics.length === 0) return
    const messageId = `${this.#nodeId}-${++this.#messageCount}`
    const headers: Header[] = [
      ['message-id', messageId],
      ['destination', destination],
    ]
    for (const header of message.headers) if (!isReserved(header[0])) headers.push(header)
    const outgoing = new OutgoingMessage(headers, message.body)
    for (const topic of topics) {
      // As they are now: a write may let the watch look, which detaches some and attaches others.
      const individuals = topic.individuals.size > 0 ? [...topic.individuals] : NOBODY
      if (topic.groups.size > 0) this.#output.publish(topic, outgoing)
      for (const subscription of individuals) {
        const template = outgoing.template(subscription.version)
        subscription.subscriber.deliver(subscription, template, messageId, message.headers)
        count.messagesDelivered++
      }
    }
  }

  /** Errors: ProtocolError `bad-destination`. */
  #checkSubscribable(destination: string): void {
    if (!this.isBrokerDestination(destination)) {
      throw new ProtocolError(
        'bad-destination',
        `Cannot subscribe to ${quoted(destination)}: it must start with ${this.#prefixList()}`,
      )
    }
    checkDestination(destination)
  }

  #prefixList(): string {
    return this.#options.prefixes.map((prefix) => `"${prefix}/"`).join(' or ')
  }
}

/** Errors: ProtocolError `bad-destination`. */
function checkDestination(destination: string): void {
  const problem = destinationProblem(destination)
  if (problem !== undefined) throw new ProtocolError('bad-destination', `Cannot use ${quoted(destination)}: ${problem}`)
}

/** Below a prefix, at a segment border: `/topic` has `/topic/x` but not `/topicx`, and not itself. */
function hasPrefix(destination: string, prefixes: readonly string[]): boolean {
  return prefixes.some(
    (prefix) =>
      destination.length > prefix.length + 1 && destination.startsWith(prefix) && destination[prefix.length] === '/',
  )
}
