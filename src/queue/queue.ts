/**
 * Work queues: each message goes to one subscriber over all nodes, and stays until that has settled it. This is what a
 * queue is and what its store does; there are two stores that keep one contract (one suite runs on both): Redis, and an
 * embedded one for a single process. Types and names.
 */
import { QUEUE_PREFIX } from '../bus/shared-bus.ts'

/** What the configuration says of some queues. */
export interface QueueRule {
  /** Destination or pattern. */
  readonly destination: string
  /** After so many NACKs and time-outs a message is dead. */
  readonly maxDeliveries: number
  /** How long a subscriber may keep a message that it has not settled. */
  readonly visibilitySeconds: number
  /** Messages that it holds at most, those that are being worked on included. */
  readonly maxLength: number
}

export interface Queue {
  readonly destination: string
  /** The stream that holds it. */
  readonly stream: string
  readonly rule: QueueRule
}

/** A message of a queue as it was added. */
export interface QueueEntry {
  /** Of the stream: `<milliseconds since 1970>-<number>`. */
  readonly id: string
  readonly fields: ReadonlyMap<string, Uint8Array>
}

/** One that a node was given. */
export interface TakenEntry extends QueueEntry {
  /** How often it has been given to somebody, this time included. */
  readonly deliveries: number
}

/** Why a message comes back, if somebody failed with it: it counts towards `maxDeliveries`. */
export type Failure = 'nack' | 'timeout' | 'unreadable'

/** Some of its messages, oldest first. */
export interface QueuePage {
  readonly entries: readonly QueueEntry[]
  /** There are others behind them. */
  readonly hasMore: boolean
}

export interface QueueCounts {
  /** Nobody works on them. */
  readonly ready: number
  /** Delivered and not settled. */
  readonly pending: number
  /** Subscriptions over all nodes. */
  readonly consumers: number
  readonly dead: number
}

/** Told of a queue that waits, in order. Calls are synchronous and must not throw. */
export interface QueueListener {
  /** The wait is over because of this. */
  arrived(stream: string, entries: readonly TakenEntry[]): void
  /** The wait is over. `isUnsure`: maybe something was taken that never came. */
  waitEnded(stream: string, isUnsure: boolean): void
}

/**
 * Where queues are. What a node has taken is its own until it settles it or gives it back, or until the node is gone. All
 * promises reject as `Bus.publish`.
 */
export interface QueueStore {
  listen(listener: QueueListener): void
  start(): void
  /**
   * Says that this node has so many subscriptions, and for some seconds that it lives. `mayReclaim`: gives back what nodes
   * hold that are gone. Resolves to whether something is there that was given back.
   */
  renew(queue: Queue, consumers: number, mayReclaim: boolean): Promise<boolean>
  /** This node has no subscription any more, and nothing that it took. */
  leave(queue: Queue): Promise<void>
  /** Settles what this node still holds of these, and takes up to so many: first what was given back. */
  work(queue: Queue, settled: readonly string[], wanted: number): Promise<readonly TakenEntry[]>
  /**
   * Hands back what this node still holds of these; with a failure those that have failed too often are dead. Resolves to
   * how many that is.
   */
  giveBack(queue: Queue, ids: readonly string[], failure: Failure | undefined): Promise<number>
  /** Ids of what this node holds. */
  held(queue: Queue): Promise<readonly string[]>
  /** Until the listener is told: nothing else is taken from it meanwhile. */
  wait(queue: Queue): void
  /** The listener is told soon. */
  endWait(queue: Queue): void

  counts(queue: Queue): Promise<QueueCounts>
  /** Streams that may be queues, as far as the store finds them. */
  streams(): Promise<readonly string[]>
  /**
   * The oldest that nobody works on, or the oldest dead ones; they stay where they are. At most so many, and no more than
   * {@link PEEK_BYTES}, but for the first, which comes however long it is.
   */
  peek(queue: Queue, isDead: boolean, count: number): Promise<QueuePage>
  /** Dead ones go back into their queue, as long as it has room. Resolves to how many. */
  redrive(queue: Queue): Promise<number>
  /** Deletes what nobody works on, or what is dead. Resolves to how many. */
  purge(queue: Queue, isDead: boolean): Promise<number>
}

/** Octets of the names and values of what is looked at in one go. */
export const PEEK_BYTES = 1024 * 1024

/** How often a node says that it lives, in milliseconds. */
export const RENEW_MS = 2000
/** For how long it counts as living then, in milliseconds. */
export const LEASE_MS = 6000

/** Consumer group of all bridges. */
export const QUEUE_GROUP = 'stomp-bridge'

/** Something was given back: the payload is the stream. */
export const RETURNED_CHANNEL = `${QUEUE_PREFIX}returned`

/** Behind the name of a queue's stream: the stream of those that are dead. */
export const DEAD_SUFFIX = ':dead'

/** Field of a dead message that says why. */
export const REASON_FIELD = 'reason'

/** Destinations of queues are below this name. */
export const QUEUE_DESTINATIONS = '/queue/'
/** Their streams are below this one. */
export const QUEUE_STREAMS = 'queue:'

/** Can this be the destination of a queue? */
export function isQueueName(destination: string): boolean {
  return destination.startsWith(QUEUE_DESTINATIONS) && destination.length > QUEUE_DESTINATIONS.length
}

export function streamOf(destination: string): string {
  return QUEUE_STREAMS + destination.slice(QUEUE_DESTINATIONS.length)
}

export function destinationOf(stream: string): string {
  return QUEUE_DESTINATIONS + stream.slice(QUEUE_STREAMS.length)
}
