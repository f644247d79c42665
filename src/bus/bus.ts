/**
 * The bus carries payloads between this bridge and everybody else: other bridges and backends. Two implementations
 * keep the same contract (one contract suite runs on both): Redis, and an embedded one for a single process.
 * Below the broker; knows channels and bytes, nothing of STOMP.
 */

/** What the names of all channels begin with that bridges keep for themselves; nobody else may publish or subscribe there. */
export const OWN_PREFIX = 'stomp-bridge:'

/** Of those, the channels that carry messages for one destination each. */
export const DESTINATION_PREFIX = `${OWN_PREFIX}to:`

/** Thrown (as a rejection) when a payload or a subscription cannot be handed over now. */
export class BusUnavailableError extends Error {
  override name = 'BusUnavailableError'
}

/** The server is there, and stores nothing new now: it has no memory left, say. It may later. */
export class NotStoredError extends BusUnavailableError {
  override name = 'NotStoredError'
}

/** The server refuses this channel or pattern, by its access rules for example; not because it is away or busy. */
export class BusRefusedError extends Error {
  override name = 'BusRefusedError'
}

/** A work queue holds as many messages as it may, and takes no more. Nothing of what came with it was published. */
export class QueueFullError extends Error {
  override name = 'QueueFullError'
}

export interface BusMessage {
  readonly channel: string
  readonly payload: string | Uint8Array
}

export type SubscriptionKind = 'channel' | 'pattern'

/** What the bus tells its owner. All calls are synchronous and must not throw. */
export interface BusListener {
  /**
   * A payload arrived. `pattern` is the glob that matched, or undefined for an exact subscription. A payload whose
   * channel is subscribed both ways arrives once per way, exact first, as Redis does it.
   */
  onMessage(channel: string, payload: Uint8Array, pattern: string | undefined): void
  /** Called on each change: with undefined when usable again, with the reason when not. */
  onAvailability(reason: string | undefined): void
  /**
   * The server refuses a channel or pattern that is wanted, also one that was live; or (undefined) takes it again.
   * Called on each change, before `subscribe` or `psubscribe` rejects.
   */
  onRefusal(kind: SubscriptionKind, name: string, refusal: BusRefusedError | undefined): void
}

/** A bridge that is connected to the bus, this one or another. */
export interface BusNode {
  readonly id: string
  /** Where it comes from, as the server sees it. */
  readonly address: string
  readonly ageSeconds: number
}

export interface Bus {
  /** `redis` or `memory`, and where, without credentials: for people. */
  readonly description: string
  /** Why the bus is not usable now; undefined when it is. */
  readonly unavailableReason: string | undefined
  /** Resolves when it is known whether the server can be reached, for the first time. Only where that takes a while. */
  readonly firstOutcome?: Promise<void>
  /** Begin connecting; resolves at once, never rejects because the server is away. */
  start(listener: BusListener): void
  /**
   * Hand over one payload. Resolves when the bus has accepted it (Redis has answered PUBLISH).
   * Calls of one turn keep their order. Rejects with {@link BusUnavailableError}, and with {@link BusRefusedError} when
   * the server refuses the channel.
   */
  publish(channel: string, payload: string | Uint8Array): Promise<unknown>
  /**
   * As `publish`, behind everything that was published before by anybody, whichever server has passed it on. Resolves to how often it
   * comes. Where it is missing, `publish` does that, and it comes once.
   */
  publishEverywhere?(channel: string, payload: string): Promise<number>
  /** All or none, in order (Redis MULTI; in a Redis Cluster of what one node passes on). Rejects as `publish`. */
  publishAll(messages: readonly BusMessage[]): Promise<unknown>
  /**
   * Resolves when live; while the bus is away or can do nothing now it stays pending. Rejects after `close`, and with
   * {@link BusRefusedError} when the server refuses the name. Then too it stays wanted until it is given up: the bus asks
   * again now and then, and at once when this is called again.
   */
  subscribe(channel: string): Promise<void>
  unsubscribe(channel: string): void
  /** Redis glob pattern. */
  psubscribe(pattern: string): Promise<void>
  punsubscribe(pattern: string): void
  /** All bridges that are connected now; undefined when the server does not say. Only where there can be others. */
  nodes?(): Promise<readonly BusNode[] | undefined>
  close(): Promise<void>
}
