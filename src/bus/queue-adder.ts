/** Where messages of work queues go that are published without Redis. Types only: who adds them knows no queues. */

/** Adds messages to queues beside others that are published, all or none. */
export interface QueueAdder {
  /** How many it holds. */
  lengthOf(stream: string): number
  add(stream: string, fields: ReadonlyMap<string, Uint8Array>): void
}
