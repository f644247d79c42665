/**
 * The way in: each payload from the bus, by its routes and their codecs, as a message for the broker. A payload that
 * cannot be read is logged, counted and skipped; it ends nothing.
 */
import { ProtocolError, quoted } from '../errors.ts'
import { destinationProblem } from '../destinations.ts'
import { Message } from '../delivery/message.ts'
import { withoutReserved } from '../headers.ts'
import { LogBudget, type Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { QUEUE_DESTINATIONS } from '../queue/queue.ts'
import { decodeBroadcast, PayloadError, type InboundMessage, type KeptFields } from '../routes/payload.ts'
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
  }

  /** A payload has come. `pattern`: the glob that matched, or undefined for a channel that is subscribed by its name. */
  receive(channel: string, payload: Uint8Array, pattern: string | undefined): void {
    const isBroadcast = channel === this.#broadcastChannel
    if (pattern === undefined) {
      this.#watches.receive(channel, payload)
      if (isBroadcast) this.#receiveBroadcast(channel, payload)
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
    try {
      const { topic, message, sender, kept } = decodeBroadcast(payload)
      if (!this.#broker.destinations.isDeliverable(topic)) {
        throw new PayloadError(`topic ${quoted(topic)} is no broker destination`)
      }
      this.#receive(topic, message, sender, channel, payload, kept)
    } catch (error) {
      this.#malformed(channel, payload, error)
    }
  }

  #receive(
    destination: string,
    message: InboundMessage,
    sender: string | undefined,
    channel: string,
    payload: Uint8Array,
    kept?: KeptFields,
  ): void {
    this.#metrics.count.messagesReceived++
    const problem = destinationProblem(destination)
    if (problem !== undefined) throw new PayloadError(`destination ${quoted(destination)}: ${problem}`)
    // Every node hears it, and one alone should work on it.
    if (this.#isQueue(destination)) {
      throw new PayloadError(`destination ${quoted(destination)} is a work queue: SEND, POST or XADD to its stream`)
    }
    if (this.kept && this.kept.has(destination)) {
      if (kept) this.kept.received(destination, message, kept, sender)
      else this.kept.unrecorded(destination, message, sender, channel, payload)
    } else this.#deliver(destination, message, sender)
  }

  #isQueue(destination: string): boolean {
    return destination.startsWith(QUEUE_DESTINATIONS) && this.#broker.destinations.isQueue(destination)
  }

  #deliver(destination: string, { headers, body }: InboundMessage, sender: string | undefined): void {
    const topics = this.#broker.match(destination)
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
