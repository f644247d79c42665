/**
 * The way in: each payload from the bus, by its routes and their codecs, as a message for the broker. A payload that
 * cannot be read is logged, counted and skipped; it ends nothing.
 */
import { DESTINATION_PREFIX } from '../bus/bus.ts'
import type { Topic } from '../delivery/feed.ts'
import { ProtocolError, quoted } from '../errors.ts'
import { destinationProblem } from '../destinations.ts'
import { Message } from '../delivery/message.ts'
import { withoutReserved } from '../headers.ts'
import { LogBudget, type Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Buckets } from '../metrics/buckets.ts'
import {
  decodeBroadcast,
  PayloadError,
  type Broadcast,
  type InboundMessage,
  type KeptFields,
} from '../routes/payload.ts'
import { destinationChannel } from './destination-channel.ts'
import type { RouteTable } from '../routes/table.ts'
import type { Broker } from './broker.ts'
import type { ChannelInterests } from './channel-interests.ts'
import type { ChannelWatches } from './channel-watches.ts'

/** A malformed payload is quoted in the log up to this many bytes. */
const QUOTED_PAYLOAD = 120
/** Malformed payloads that are logged in a window; all are counted. */
const MALFORMED_PER_WINDOW = 20

/** Who looks after the messages of destinations with history. */
export interface KeptReceiver {
  /** Has this destination history? */
  has(destination: string): boolean
  /** A message that was kept has come. */
  received(destination: string, message: InboundMessage, kept: KeptFields, sender: string | undefined): void
  /** One that should be has come without. */
  unrecorded(
    destination: string,
    message: InboundMessage,
    sender: string | undefined,
    channel: string,
    payload: Uint8Array,
  ): void
}

export class Inbound {
  /** Undefined where no destination has history. Set before anything is received. */
  kept: KeptReceiver | undefined
  readonly #nodeId: string
  readonly #broadcastChannel: string
  readonly #table: RouteTable
  readonly #broker: Broker
  readonly #interests: ChannelInterests
  readonly #watches: ChannelWatches
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #sizes: Buckets
  readonly #malformedLog = new LogBudget(MALFORMED_PER_WINDOW)
  #messages = 0

  constructor(
    nodeId: string,
    broadcastChannel: string,
    table: RouteTable,
    broker: Broker,
    interests: ChannelInterests,
    watches: ChannelWatches,
    log: Log,
    metrics: Metrics,
  ) {
    this.#nodeId = nodeId
    this.#broadcastChannel = broadcastChannel
    this.#table = table
    this.#broker = broker
    this.#interests = interests
    this.#watches = watches
    this.#log = log
    this.#metrics = metrics
    this.#sizes = metrics.histograms.message_bytes.received
  }

  /** A payload has come. `pattern`: the glob that matched, or undefined for a channel that is subscribed by its name. */
  receive(channel: string, payload: Uint8Array, pattern: string | undefined): void {
    const { deliveryDelay } = this.#metrics
    this.#sizes.add(payload.length)
    deliveryDelay.arrived()
    this.#route(channel, payload, pattern)
    deliveryDelay.passed()
  }

  #route(channel: string, payload: Uint8Array, pattern: string | undefined): void {
    const isBroadcast = channel === this.#broadcastChannel
    if (pattern === undefined) {
      this.#watches.receive(channel, payload)
      if (isBroadcast) this.#receiveBroadcast(channel, payload)
    }
    if (channel.startsWith(DESTINATION_PREFIX)) {
      this.#receiveCopy(channel, payload, pattern)
      return
    }
    for (const route of this.#interests.routesFor(channel, pattern)) {
      if (isBroadcast && !route.channel.isFixed) continue // a route for every channel does not mean this one
      try {
        const routed = this.#table.read(route, channel, payload)
        if (routed) this.#receive(routed.destination, routed.message, undefined, channel, payload)
      } catch (error) {
        this.#malformed(channel, payload, error)
      }
    }
  }

  #receiveBroadcast(channel: string, payload: Uint8Array): void {
    this.#metrics.count.broadcastReceived++
    try {
      const { topic, message, sender, kept } = this.#decode(payload)
      this.#receive(topic, message, sender, channel, payload, kept)
    } catch (error) {
      this.#malformed(channel, payload, error)
    }
  }

  /** One for a single destination, which comes once for each way that is subscribed. */
  #receiveCopy(channel: string, payload: Uint8Array, pattern: string | undefined): void {
    this.#metrics.count.broadcastReceived++
    try {
      const { topic, message, sender, kept } = this.#decode(payload)
      if (destinationChannel(topic) !== channel) throw new PayloadError(`topic ${quoted(topic)} has another channel`)
      this.#require(topic)
      if (!this.kept?.has(topic)) this.#deliver(topic, this.#broker.matchOfCopy(topic, pattern), message, sender)
      // What has a position is known again by that.
      else if (kept) this.kept.received(topic, message, kept, sender)
      else if (this.#interests.isFirstCopy(channel, pattern)) {
        this.kept.unrecorded(topic, message, sender, channel, payload)
      }
    } catch (error) {
      this.#malformed(channel, payload, error)
    }
  }

  /** Errors: PayloadError. */
  #decode(payload: Uint8Array): Broadcast {
    const broadcast = decodeBroadcast(payload)
    if (this.#broker.destinations.isDeliverable(broadcast.topic)) return broadcast
    throw new PayloadError(`topic ${quoted(broadcast.topic)} is no broker destination`)
  }

  #receive(
    destination: string,
    message: InboundMessage,
    sender: string | undefined,
    channel: string,
    payload: Uint8Array,
    kept?: KeptFields,
  ): void {
    this.#require(destination)
    if (this.kept && this.kept.has(destination)) {
      if (kept) this.kept.received(destination, message, kept, sender)
      else this.kept.unrecorded(destination, message, sender, channel, payload)
    } else this.#deliver(destination, this.#broker.match(destination), message, sender)
  }

  /** Counts it. Errors: PayloadError if no message can come to this destination over the bus. */
  #require(destination: string): void {
    this.#metrics.count.messagesReceived++
    const problem = destinationProblem(destination)
    if (problem !== undefined) throw new PayloadError(`destination ${quoted(destination)}: ${problem}`)
    const hearing = this.#broker.destinations.hearingProblem(destination)
    if (hearing !== undefined) throw new PayloadError(`destination ${quoted(destination)} ${hearing}`)
  }

  #deliver(
    destination: string,
    topics: readonly Topic[],
    { headers, body }: InboundMessage,
    sender: string | undefined,
  ): void {
    if (topics.length === 0) return
    const id = `${this.#nodeId}-${++this.#messages}`
    this.#broker.deliver(topics, new Message({ id, destination, headers: withoutReserved(headers), body, sender }))
  }

  #malformed(channel: string, payload: Uint8Array, error: unknown): void {
    this.#metrics.count.payloadsMalformed++
    if (!this.#malformedLog.take()) return
    const isTheirs = error instanceof PayloadError || error instanceof ProtocolError
    const reason = error instanceof Error ? error.message : String(error)
    const fields = {
      channel,
      reason,
      bytes: payload.length,
      payload: new TextDecoder().decode(payload.subarray(0, QUOTED_PAYLOAD)),
    }
    if (isTheirs) this.#log.warn(fields, 'Malformed payload was skipped')
    else this.#log.error({ ...fields, error }, 'A payload could not be delivered')
  }
}
