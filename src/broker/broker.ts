/**
 * The broker: takes messages from sessions and HTTP to the bus, and from the bus to subscribers. Everything that is
 * delivered has come over the bus, also what was sent on this node, so one node and ten behave alike. Knows
 * subscribers only by the interface below; never a session, never a connection's protocol state.
 */
import { messageStamp, type Header } from '../../frames/index.ts'
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
import { destinationProblem, isPattern, patternMatches } from '../routes/destination-pattern.ts'
import type { RouteTable } from '../routes/table.ts'
import { ChannelInterests, type Hold, type Liveness } from './channel-interests.ts'
import { GroupOutput, type GroupMember } from './group-output.ts'
import { Handover } from './handover.ts'
import { OutgoingMessage } from './outgoing-message.ts'
import { Recent } from './recent.ts'
import { Registry, type Group, type Subscription, type Topic } from './registry.ts'
import { isReserved } from './reserved-headers.ts'
import type { BrokerOptions, BrokerSubscription, SlowPolicy } from './subscriber.ts'
import type { OutputMeter } from './tally.ts'

export type { Liveness } from './channel-interests.ts'
export type { BrokerOptions, BrokerSubscription, DeliveredHeaders, SlowPolicy, Subscriber } from './subscriber.ts'

/** In no group while it acknowledges or is detached. */
interface Attached extends BrokerSubscription, GroupMember {
  readonly topic: Topic<Attached>
  group: Group<Attached> | undefined
  readonly hold: Hold
}

/** A SEND as it goes over the bus; made by `route`, handed over by `publish`. */
export type RoutedMessage = BusMessage

/** Where a SEND goes, and how it is written there; without a codec it is broadcast. */
interface SendRoute {
  readonly channel: string
  readonly codec: PayloadCodec | undefined
}

/** A malformed payload is quoted in the log up to this many characters. */
const QUOTED_PAYLOAD = 120
/** Malformed payloads that are logged in a window; all are counted. */
const MALFORMED_PER_WINDOW = 20
/** Destinations whose route is remembered; each may be as long as a destination may be, and so may its channel. */
const MAX_SEND_ROUTES = 1_000

const NOBODY: readonly never[] = []

export class Broker {
  readonly #options: BrokerOptions
  readonly #table: RouteTable
  readonly #bus: Bus
  readonly #nodeId: string
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #registry = new Registry<Attached>()
  readonly #interests: ChannelInterests
  readonly #output: GroupOutput
  readonly #handover: Handover
  readonly #sendRoutes = new Recent(MAX_SEND_ROUTES, (destination) => this.#sendRouteOf(destination))
  #subscriptions = 0
  #groupCount = 0
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
    this.#handover = new Handover(bus, log, metrics)
    metrics.observe('subscriptions', () => this.#subscriptions)
    metrics.observe('busAvailable', () => (bus.unavailableReason === undefined ? 1 : 0))
  }

  /** Why messages cannot be handed over now; undefined when they can. */
  get unavailableReason(): string | undefined {
    return this.#bus.unavailableReason
  }

  start(): void {
    this.#bus.start({
      onMessage: (channel, payload, pattern) => this.#receive(channel, payload, pattern),
      onAvailability: (reason) => this.#interests.setBusAvailable(reason === undefined),
    })
    this.#interests.keep(this.#options.broadcastChannel)
    this.#interests.hold(this.#table.permanentInterests())
  }

  close(): void {
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
    if (!this.isBrokerDestination(destination)) {
      throw new ProtocolError(
        'bad-destination',
        `Cannot subscribe to ${quoted(destination)}: it must start with ${this.#prefixList()}`,
      )
    }
    checkDestination(destination)
    const topic = this.#registry.obtain(destination)
    const group = wanted.acknowledges ? undefined : this.#groupOf(topic, wanted)
    const attached: Attached = {
      ...wanted,
      slowPolicy: this.#slowPolicyOf(destination),
      topic,
      group: undefined,
      publishedAtJoin: 0,
      hold: this.#interests.hold(this.#table.interests(destination)),
    }
    if (group) this.#output.join(attached, group)
    else topic.individuals.add(attached)
    this.#subscriptions++
    const liveness = this.#interests.whenLive(
      attached.hold,
      (cause) =>
        new ProtocolError(
          'bus-refused',
          `Cannot subscribe to ${quoted(destination)}: Redis refuses its channel`,
          {},
          { cause },
        ),
    )
    return { subscription: attached, liveness }
  }

  /** After this call nothing more is delivered for the subscription. Gives what `published` would say then. */
  unsubscribe(subscription: BrokerSubscription): number {
    const attached = subscription as Attached
    const { topic, hold, group } = attached
    topic.individuals.delete(attached)
    const published = group ? this.#output.leave(attached, group) : 0
    this.#registry.discardIfEmpty(topic)
    this.#interests.release(hold)
    this.#subscriptions--
    return published
  }

  /** From here on its messages come through `deliver`, one by one; what was published to its group before still comes. Gives as `unsubscribe`. */
  detach(subscription: BrokerSubscription): number {
    const attached = subscription as Attached
    if (!attached.group) return 0
    attached.topic.individuals.add(attached)
    return this.#output.leave(attached, attached.group)
  }

  /** Back to its group, unless it acknowledges. */
  attach(subscription: BrokerSubscription): void {
    const attached = subscription as Attached
    if (attached.acknowledges || attached.group) return
    attached.topic.individuals.delete(attached)
    this.#output.join(attached, this.#groupOf(attached.topic, attached))
  }

  /**
   * How much was published to this subscription's group since it joined; 0 if its frames go through `deliver`.
   * Units: characters of text, bytes of binary frames; so never more than the bytes.
   */
  published(subscription: BrokerSubscription): number {
    const { group, publishedAtJoin } = subscription as Attached
    return group ? group.published - publishedAtJoin : 0
  }

  /**
   * A client's SEND, as what goes over the bus. To a broker destination it is broadcast to every node, to an
   * application destination it goes where the route says.
   * Errors: ProtocolError `no-route`, `bad-body`.
   */
  route(message: OutboundMessage): RoutedMessage {
    const { channel, codec } = this.#sendRoutes.get(message.destination)
    return { channel, payload: codec === undefined ? encodeBroadcast(message) : encodePayload(codec, message) }
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
    if (this.isBrokerDestination(destination)) return { channel: this.#options.broadcastChannel, codec: undefined }
    const route = hasPrefix(destination, this.#options.applicationPrefixes)
      ? this.#table.outbound(destination)
      : undefined
    if (route) return route
    const hint = `no route takes it, and it does not start with ${this.#prefixList()}`
    throw new ProtocolError('no-route', `Cannot send to ${quoted(destination)}: ${hint}`)
  }

  #receive(channel: string, payload: Uint8Array, pattern: string | undefined): void {
    const isBroadcast = channel === this.#options.broadcastChannel
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

  #slowPolicyOf(destination: string): SlowPolicy | undefined {
    const rule = this.#options.slowClients.find((each) => patternMatches(each.destination, destination))
    return rule === undefined || rule.policy === 'disconnect' ? undefined : rule
  }

  #groupOf(topic: Topic<Attached>, { id, version, destination }: Subscription): Group<Attached> {
    // The destination as it is spelled, and the id as it is: a subscriber is in a group by one subscription only.
    const key = `${version}\n${id === undefined ? '' : `id:${id}`}\n${destination}`
    let group = topic.groups.get(key)
    if (!group) {
      const stamp = messageStamp(id, undefined, version)
      const members = { websocket: 0, tcp: 0 }
      group = { key, name: `g${++this.#groupCount}`, stamp, version, members, sole: undefined, published: 0 }
      topic.groups.set(key, group)
    }
    return group
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
