/** What those who publish know of work queues. Types only. */

/** What this node holds of a work queue, and is done with. */
export interface SettledEntries {
  readonly stream: string
  /** Ids of entries; what this node does not hold any more is left alone. */
  readonly ids: readonly string[]
}

/** Where Redis is not: adds messages to queues beside others that are published, all or none. */
export interface QueueAdder {
  /** How many it holds. */
  lengthOf(stream: string): number
  add(stream: string, fields: ReadonlyMap<string, Uint8Array>): void
  /** How many of these are held by somebody. */
  heldOf(stream: string, ids: readonly string[]): number
  /** What is not held is left alone. */
  settle(stream: string, ids: readonly string[]): void
}
