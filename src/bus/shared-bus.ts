/**
 * One bus for two: what nodes tell each other, on channels of the bridge's own, and everything else. Neither sees the
 * other's payloads, also by a pattern, and nobody who reaches the bus by a route can speak for a node. What is for one
 * destination belongs to everything else, and comes by a pattern only to those who mean it. The composition root makes
 * this of the bus that there is.
 */
import {
  BusRefusedError,
  DESTINATION_PREFIX,
  OWN_PREFIX,
  type Bus,
  type BusListener,
  type BusMessage,
  type BusNode,
  type SubscriptionKind,
} from './bus.ts'

/** What is told to who uses the channels of the bridge's own. Calls are synchronous and must not throw. */
export interface OwnChannelsListener {
  /** The payload is valid during the call. */
  onMessage(channel: string, payload: Uint8Array): void
  onAvailability(reason: string | undefined): void
  onRefusal(channel: string, refusal: BusRefusedError | undefined): void
}

/** The side of the nodes. */
export interface OwnChannels {
  readonly unavailableReason: string | undefined
  /** Before the bus is started. */
  listen(listener: OwnChannelsListener): void
  /** As {@link Bus.publish}; the name begins with {@link OWN_PREFIX}. */
  publish(channel: string, payload: string): Promise<unknown>
  /** As {@link Bus.publishEverywhere}. */
  publishEverywhere(channel: string, payload: string): Promise<number>
  /** As {@link Bus.subscribe}. */
  subscribe(channel: string): Promise<void>
}

/** Channels of the bridge's own below these names have users of their own. */
export const HISTORY_PREFIX = `${OWN_PREFIX}history:`
export const QUEUE_PREFIX = `${OWN_PREFIX}queue:`

export class SharedBus implements Bus {
  /** By which nodes tell each other who they have, and what is revoked. */
  readonly own: OwnChannels
  /** By which logs tell what has become of them: below {@link HISTORY_PREFIX}. */
  readonly history: OwnChannels
  /** By which nodes tell each other of work queues: below {@link QUEUE_PREFIX}. */
  readonly queues: OwnChannels
  /** Not where the bus has none. */
  readonly nodes?: () => Promise<readonly BusNode[] | undefined>
  readonly #bus: Bus
  #nodes: OwnChannelsListener | undefined
  #logs: OwnChannelsListener | undefined
  #workers: OwnChannelsListener | undefined

  constructor(bus: Bus) {
    this.#bus = bus
    if (bus.nodes) this.nodes = () => bus.nodes!()
    this.own = this.#channels((listener) => (this.#nodes = listener))
    this.history = this.#channels((listener) => (this.#logs = listener))
    this.queues = this.#channels((listener) => (this.#workers = listener))
  }

  #userOf(channel: string): OwnChannelsListener | undefined {
    if (channel.startsWith(HISTORY_PREFIX)) return this.#logs
    return channel.startsWith(QUEUE_PREFIX) ? this.#workers : this.#nodes
  }

  #channels(listen: (listener: OwnChannelsListener) => void): OwnChannels {
    const bus = this.#bus
    return {
      get unavailableReason() {
        return bus.unavailableReason
      },
      listen,
      publish: (channel, payload) => bus.publish(channel, payload),
      publishEverywhere: (channel, payload) =>
        bus.publishEverywhere?.(channel, payload) ?? bus.publish(channel, payload).then(() => 1),
      subscribe: (channel) => bus.subscribe(channel),
    }
  }

  get description(): string {
    return this.#bus.description
  }

  get unavailableReason(): string | undefined {
    return this.#bus.unavailableReason
  }

  get firstOutcome(): Promise<void> {
    return this.#bus.firstOutcome ?? Promise.resolve()
  }

  start(listener: BusListener): void {
    this.#bus.start({
      onMessage: (channel, payload, pattern) => {
        if (!isOwn(channel)) {
          if (!isStray(channel, pattern)) listener.onMessage(channel, payload, pattern)
        } else if (pattern === undefined) this.#userOf(channel)?.onMessage(channel, payload)
      },
      onAvailability: (reason) => {
        listener.onAvailability(reason)
        this.#nodes?.onAvailability(reason)
        this.#logs?.onAvailability(reason)
        this.#workers?.onAvailability(reason)
      },
      onRefusal: (kind: SubscriptionKind, name, refusal) => {
        if (kind === 'channel' && isOwn(name)) this.#userOf(name)?.onRefusal(name, refusal)
        else listener.onRefusal(kind, name, refusal)
      },
    })
  }

  publish(channel: string, payload: string | Uint8Array): Promise<unknown> {
    return isOwn(channel) ? Promise.reject(keptError()) : this.#bus.publish(channel, payload)
  }

  publishAll(messages: readonly BusMessage[]): Promise<unknown> {
    if (messages.some(({ channel }) => isOwn(channel))) return Promise.reject(keptError())
    return this.#bus.publishAll(messages)
  }

  subscribe(channel: string): Promise<void> {
    return isOwn(channel) ? Promise.reject(keptError()) : this.#bus.subscribe(channel)
  }

  unsubscribe(channel: string): void {
    if (!isOwn(channel)) this.#bus.unsubscribe(channel)
  }

  psubscribe(pattern: string): Promise<void> {
    return this.#bus.psubscribe(pattern)
  }

  punsubscribe(pattern: string): void {
    this.#bus.punsubscribe(pattern)
  }

  close(): Promise<void> {
    return this.#bus.close()
  }
}

/** Is it for nobody but the nodes? */
function isOwn(channel: string): boolean {
  return channel.startsWith(OWN_PREFIX) && !channel.startsWith(DESTINATION_PREFIX)
}

/** Has a pattern that means other channels brought what is for a destination? */
function isStray(channel: string, pattern: string | undefined): boolean {
  return pattern !== undefined && channel.startsWith(DESTINATION_PREFIX) && !pattern.startsWith(DESTINATION_PREFIX)
}

function keptError(): BusRefusedError {
  return new BusRefusedError('The bridge keeps this channel for itself')
}
