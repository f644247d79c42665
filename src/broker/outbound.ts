/**
 * The way out: what clients send and HTTP hands in, to the bus. Finds the channel and the payload of a message, bounds
 * what waits for the bus, and says in words of the client what went wrong.
 */
import {
  BusRefusedError,
  BusUnavailableError,
  DESTINATION_PREFIX,
  OWN_PREFIX,
  QueueFullError,
  type Bus,
} from '../bus/bus.ts'
import type { SettledEntries } from '../bus/queue-adder.ts'
import { ProtocolError, quoted } from '../errors.ts'
import { lengthOf, type HistoryLog, type LoggedMessage, type LogTarget } from '../history/log.ts'
import { LogBudget, type Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Buckets } from '../metrics/buckets.ts'
import type { Queue } from '../queue/queue.ts'
import { fieldsOf } from '../queue/queue-messages.ts'
import type { QueueRules } from '../queue/queue-rules.ts'
import {
  encodeBroadcast,
  encodeNotification,
  encodePayload,
  type OutboundMessage,
  type PayloadCodec,
} from '../routes/payload.ts'
import type { OutboundRoute, RouteTable } from '../routes/table.ts'
import { requireUsable, type DestinationRules } from './destination-rules.ts'
import type { Distribution } from './distribution.ts'
import type { HistoryRules } from './history-rules.ts'
import { Recent } from '../recent.ts'
import { traceHeaders, type TraceContext } from '../trace-context.ts'
import type { OpenSpan, Tracing } from '../tracing/tracing.ts'
import { TracedMessage } from './traced-message.ts'

/** A message as it goes over the bus; made by `route`, handed over by `publish`. */
export interface RoutedMessage extends LoggedMessage {
  /** Of its way to the bus, which is what the payload names; ended by `publish`. */
  readonly span?: OpenSpan | undefined
}

/** Where a SEND goes, and how it is written there; without a codec it is broadcast. */
interface SendRoute {
  readonly channel: string
  readonly codec: PayloadCodec | undefined
  readonly route: OutboundRoute | undefined
  /** Where it is kept. */
  readonly target: LogTarget | undefined
  /** How long the key of the channel keeps it, in seconds. */
  readonly valueTtlSeconds: number | undefined
  /** The queue that it is added to, instead. */
  readonly queue?: Queue
}

/** Where messages are kept, and which are. */
export interface Keeping {
  readonly log: HistoryLog
  readonly rules: HistoryRules
  readonly queues: QueueRules
}

/** Payload bytes that may wait for the bus to accept them, over all clients and requests; beyond it senders are refused. */
const MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024
/** Destinations whose route is remembered; each may be as long as a destination may be, and so may its channel. */
const MAX_SEND_ROUTES = 1_000

/** Messages that a bus does not take although it is there, and that are logged at warn in a window; all are counted. */
const FAILURES_PER_WINDOW = 3

export class Outbound {
  readonly #distribution: Distribution
  readonly #destinations: DestinationRules
  readonly #table: RouteTable
  readonly #bus: Bus
  readonly #keeping: Keeping
  readonly #log: Log
  readonly #failureLog = new LogBudget(FAILURES_PER_WINDOW)
  readonly #metrics: Metrics
  readonly #sizes: Buckets
  readonly #tracing: Tracing | undefined
  readonly #sendRoutes = new Recent(MAX_SEND_ROUTES, (destination) => this.#sendRouteOf(destination))
  /** Handed over and not yet accepted by the bus. */
  #inFlightBytes = 0

  constructor(
    distribution: Distribution,
    destinations: DestinationRules,
    table: RouteTable,
    bus: Bus,
    log: Log,
    metrics: Metrics,
    keeping: Keeping,
    tracing?: Tracing,
  ) {
    this.#tracing = tracing
    this.#distribution = distribution
    this.#destinations = destinations
    this.#table = table
    this.#bus = bus
    this.#keeping = keeping
    this.#log = log
    this.#metrics = metrics
    this.#sizes = metrics.histograms.message_bytes.published
  }

  /** The routes have changed. */
  forgetRoutes(): void {
    this.#sendRoutes.clear()
  }

  /** Errors: as `route`, but for what the message has. */
  requireSendable(destination: string): void {
    this.#sendRouteOf(destination)
  }

  /** Why no notification can go to this destination, as a phrase that continues its name (`must …`); undefined if one can. */
  topicProblem(destination: string): string | undefined {
    return this.#destinations.deliveryProblem(destination)
  }

  /**
   * Returns what goes over the bus for a client's message: to a broker destination it is broadcast to every node, to an
   * application destination it goes where the route says.
   * Errors: ProtocolError `no-route`, `bad-destination`, `bad-body`; `bus-refused` if the route leads to what the bridge keeps for itself; `bad-header` if it wants an answer, and the route does
   * not carry where.
   */
  route(message: OutboundMessage): RoutedMessage {
    const sendRoute = this.#sendRoutes.get(message.destination)
    const span = this.#tracing && this.#beginPublish(this.#tracing, sendRoute, message.trace)
    if (!span) return this.#written(sendRoute, message)
    return { ...this.#written(sendRoute, new TracedMessage(message, span)), span }
  }

  /** Errors: as `route`. */
  #written(sendRoute: SendRoute, message: OutboundMessage): RoutedMessage {
    const { channel, codec, route, target, valueTtlSeconds, queue } = sendRoute
    if (queue) return queued(queue, message)
    if (route && message.replyTo !== undefined) requireCarriesReplyTo(route, message.destination)
    const payload = codec === undefined ? encodeBroadcast(message) : encodePayload(codec, message)
    if (!route) {
      if (codec === undefined) this.#metrics.count.broadcastPublished++
      return { channel, payload, target, valueTtlSeconds }
    }
    route.messages++
    if (!route.entry) return { channel, payload }
    const { maxLength, groups } = route.entry
    return { channel, payload, entry: { maxLength, groups, fields: route.entry.fieldsOf(message) } }
  }

  /** Is a message to this destination for a backend, which can answer it? Ask when it has been routed. */
  isRequest(destination: string): boolean {
    return this.#sendRoutes.get(destination).route !== undefined
  }

  /** Returns the same for a channel that stands for a destination. */
  routeTo(destination: string, channel: string, payload: string | Uint8Array): RoutedMessage {
    requireForeign(channel)
    const { channel: kept, valueTtlSeconds } = this.#sendRoutes.get(destination)
    return { channel, payload, valueTtlSeconds: kept === channel ? valueTtlSeconds : undefined }
  }

  /** A payload as it is, for whoever listens to the channel. Rejects as `publish`. */
  async publishOn(channel: string, payload: string | Uint8Array): Promise<void> {
    requireForeign(channel)
    await this.publish({ channel, payload })
  }

  #beginPublish(
    tracing: Tracing,
    { channel, route, queue }: SendRoute,
    parent: TraceContext | undefined,
  ): OpenSpan | undefined {
    const operation = queue || route?.entry ? 'XADD' : 'PUBLISH'
    // What a span is called must be one of few; a channel may be one of a destination.
    const isOneOfFew = channel === this.#distribution.broadcastChannel
    const name = route?.channel.source ?? (isOneOfFew ? channel : undefined)
    const attributes = {
      'messaging.system': tracing.busSystem,
      'messaging.operation.name': operation,
      'messaging.operation.type': 'send',
      'messaging.destination.name': channel,
    }
    return tracing.begin('producer', name === undefined ? operation : `${operation} ${name}`, attributes, parent)
  }

  /** Resolves when the bus has it. Rejects with ProtocolError `bus-unavailable`, `bus-refused` or `queue-full`. */
  publish(message: RoutedMessage): Promise<void> {
    const { span } = message
    return span ? span.endWith(this.#publish(message)) : this.#publish(message)
  }

  #publish(message: RoutedMessage): Promise<void> {
    const bytes = lengthOf(message)
    if (!this.#claim(bytes)) return Promise.reject(this.#overloaded())
    this.#sizes.add(bytes)
    const { channel, payload, entry } = message
    const accepted = isPlain(message) ? this.#bus.publish(channel, payload) : this.#throughLog([message])
    return this.#settle(accepted, 1, bytes, entry ? 'stream' : 'channel')
  }

  /** All or none, in order, with what is settled of work queues. Rejects as `publish`. */
  publishAll(messages: readonly RoutedMessage[], settled: readonly SettledEntries[] = []): Promise<void> {
    const done = this.#publishAll(messages, settled)
    if (this.#tracing) for (const { span } of messages) void span?.endWith(done)
    return done
  }

  #publishAll(messages: readonly RoutedMessage[], settled: readonly SettledEntries[]): Promise<void> {
    const bytes = messages.reduce((sum, message) => sum + lengthOf(message), 0)
    if (!this.#claim(bytes)) return Promise.reject(this.#overloaded())
    for (const message of messages) this.#sizes.add(lengthOf(message))
    const isAllPlain = settled.length === 0 && messages.every(isPlain)
    const accepted = isAllPlain ? this.#bus.publishAll(messages) : this.#throughLog(messages, settled)
    const place = messages.some(({ entry }) => entry) ? 'channel or stream' : 'channel'
    return this.#settle(accepted, messages.length, bytes, place)
  }

  /**
   * A notification to the subscribers of every node. `json` is the message as JSON: a string is delivered as its text,
   * any other value as it is written. `once`: see {@link RoutedMessage}; `given`: the trace that it belongs to.
   * Errors: rejects with ProtocolError `bad-destination` or as `publish`.
   */
  async notify(topic: string, json: string, once?: string, given?: TraceContext): Promise<void> {
    this.#destinations.requireDeliverable(topic)
    const sendRoute = this.#sendRoutes.get(topic)
    const { channel, codec, target, valueTtlSeconds, queue } = sendRoute
    const span = this.#tracing && this.#beginPublish(this.#tracing, sendRoute, given)
    const trace = span ?? given
    if (queue) return this.publish({ ...queued(queue, notified(topic, json, trace)), once, span })
    if (codec === undefined) this.#metrics.count.broadcastPublished++
    const payload =
      codec === undefined ? encodeNotification(topic, json, trace) : encodePayload(codec, notified(topic, json, trace))
    await this.publish({ channel, payload, target, valueTtlSeconds, once, span })
  }

  /** Errors: ProtocolError. */
  #sendRouteOf(destination: string): SendRoute {
    requireUsable(destination)
    if (this.#destinations.isAddress(destination)) this.#destinations.requireDeliverable(destination)
    const queue = this.#keeping.queues.of(destination)
    if (queue) {
      const nothing = { codec: undefined, route: undefined, target: undefined, valueTtlSeconds: undefined }
      return { channel: queue.stream, ...nothing, queue }
    }
    if (this.#destinations.isDeliverable(destination)) {
      const kept = this.#table.keptValue(destination)
      if (kept) {
        const { channel, route, ttlSeconds } = kept
        requireForeign(channel)
        return { channel, codec: route.codec, route: undefined, target: undefined, valueTtlSeconds: ttlSeconds }
      }
      const target = this.#keeping.rules.of(destination)?.target
      return {
        channel: this.#distribution.channelFor(destination),
        codec: undefined,
        route: undefined,
        target,
        valueTtlSeconds: undefined,
      }
    }
    const route = this.#destinations.isApplication(destination) ? this.#table.outbound(destination) : undefined
    if (route) {
      requireForeign(route.channel)
      return { ...route, target: undefined, valueTtlSeconds: undefined }
    }
    const hint = `no route takes it, and it does not start with ${this.#destinations.brokerPrefixes}`
    throw new ProtocolError('no-route', `Cannot send to ${quoted(destination)}: ${hint}`)
  }

  #throughLog(messages: readonly RoutedMessage[], settled?: readonly SettledEntries[]): Promise<void> {
    if (messages.some(({ channel, entry }) => isOwn(channel) && (entry || !channel.startsWith(DESTINATION_PREFIX))))
      return Promise.reject(new BusRefusedError('The bridge keeps this name for itself'))
    return this.#keeping.log.publish(messages, settled)
  }

  #claim(bytes: number): boolean {
    if (this.#inFlightBytes + bytes > MAX_IN_FLIGHT_BYTES) return false
    this.#inFlightBytes += bytes
    return true
  }

  #settle(accepted: Promise<unknown>, messages: number, bytes: number, place: string): Promise<void> {
    return accepted.then(
      () => {
        this.#inFlightBytes -= bytes
        this.#metrics.count.messagesPublished += messages
      },
      (error: unknown) => {
        this.#inFlightBytes -= bytes
        throw this.#failureOf(error, place)
      },
    )
  }

  #failureOf(error: unknown, place: string): unknown {
    this.#metrics.count.busFailures++
    if (error instanceof QueueFullError) {
      return notHandedOver('queue-full', 'the queue holds as many messages as it may', error)
    }
    const isRefusal = error instanceof BusRefusedError
    if (!isRefusal && !(error instanceof BusUnavailableError)) return error
    // While it is away that has been said already; while it is there nobody else says that it has no memory left, say.
    const isNews = !isRefusal && this.#bus.unavailableReason === undefined && this.#failureLog.take()
    this.#log[isNews ? 'warn' : 'debug']({ reason: error.message }, 'The bus did not accept a message')
    return isRefusal
      ? notHandedOver('bus-refused', `Redis refuses its ${place}`, error)
      : notHandedOver('bus-unavailable', 'the bus is unavailable', error)
  }

  #overloaded(): ProtocolError {
    this.#metrics.count.busFailures++
    return notHandedOver('bus-unavailable', 'too much is waiting for the bus')
  }
}

/** Errors: ProtocolError `bad-header`: nobody could answer. */
function requireCarriesReplyTo({ codec, entry }: OutboundRoute, destination: string): void {
  if (codec === 'envelope' || entry?.carriesReplyTo) return
  const text = `the route of ${quoted(destination)} does not carry it; it needs the codec envelope, or a field of reply-to`
  throw new ProtocolError('bad-header', `Header "reply-to" is not possible here: ${text}`)
}

function isOwn(channel: string): boolean {
  return channel.startsWith(OWN_PREFIX)
}

/** Errors: ProtocolError `bus-refused` if only the bridge itself may write there. */
function requireForeign(channel: string): void {
  if (isOwn(channel)) throw notHandedOver('bus-refused', 'the bridge keeps its channel or stream for itself')
}

/** Can the bus do it alone? */
function isPlain({ target, once, entry, valueTtlSeconds }: RoutedMessage): boolean {
  return target === undefined && once === undefined && entry === undefined && valueTtlSeconds === undefined
}

/** A notification for a channel with a codec: text, or the JSON as it is written. */
function notified(destination: string, json: string, trace: TraceContext | undefined): OutboundMessage {
  const value: unknown = json.startsWith('"') ? JSON.parse(json) : undefined
  const isText = typeof value === 'string'
  const type = isText ? 'text/plain;charset=UTF-8' : 'application/json'
  const body = new TextEncoder().encode(isText ? value : json)
  const headers = [['content-type', type] as const, ...(trace ? traceHeaders(trace) : [])]
  return { destination, body, headers, session: undefined, user: undefined, trace }
}

/** Returns a message as it is added to the stream of its queue. */
function queued({ stream, rule }: Queue, { body, headers }: OutboundMessage): RoutedMessage {
  const fields = [['body', undefined] as const, ...fieldsOf(headers)]
  return { channel: stream, payload: body, entry: { maxLength: rule.maxLength, isQueue: true, groups: [], fields } }
}

function notHandedOver(
  code: 'bus-refused' | 'bus-unavailable' | 'queue-full',
  why: string,
  cause?: Error,
): ProtocolError {
  return new ProtocolError(code, `The message could not be handed over: ${why}`, {}, { cause })
}
