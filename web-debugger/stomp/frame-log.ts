/** The log of one connection: a ring, so that a page that is open for days stays as quick as a fresh one. */
import type { FrameRecord, NewRecord } from './frame-record.ts'

/** What a log holds at most; the oldest go first. */
export const LOG_CAPACITY = { records: 100_000, bytes: 256 * 1024 * 1024 }

export class FrameLog {
  readonly #capacity: { readonly records: number; readonly bytes: number }
  /** Grows to its capacity: most connections never need all of it. */
  readonly #ring: (FrameRecord | undefined)[] = []
  readonly #listeners = new Set<(record: FrameRecord) => void>()
  readonly #clearListeners = new Set<() => void>()
  #nextSeq = 0
  #firstSeq = 0
  #bytes = 0
  #dropped = 0

  constructor(capacity: { readonly records: number; readonly bytes: number } = LOG_CAPACITY) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#nextSeq - this.#firstSeq
  }

  /** Number of the oldest record that is kept. */
  get firstSeq(): number {
    return this.#firstSeq
  }

  /** Number that the next record will get. */
  get nextSeq(): number {
    return this.#nextSeq
  }

  /** How many records had to make room since the last `clear`. */
  get dropped(): number {
    return this.#dropped
  }

  /** Data kept, in bytes on the wire. */
  get bytes(): number {
    return this.#bytes
  }

  append(fresh: NewRecord): FrameRecord {
    const record: FrameRecord = { seq: this.#nextSeq, ...fresh }
    if (this.size === this.#capacity.records) this.#dropFirst()
    this.#ring[record.seq % this.#capacity.records] = record
    this.#nextSeq++
    this.#bytes += record.bytes
    while (this.#bytes > this.#capacity.bytes && this.size > 1) this.#dropFirst()
    for (const listener of this.#listeners) listener(record)
    return record
  }

  /** The record of that number; undefined if it is not kept. */
  at(seq: number): FrameRecord | undefined {
    return seq >= this.#firstSeq && seq < this.#nextSeq ? this.#ring[seq % this.#capacity.records] : undefined
  }

  clear(): void {
    this.#ring.fill(undefined)
    this.#firstSeq = this.#nextSeq
    this.#bytes = 0
    this.#dropped = 0
    for (const listener of this.#clearListeners) listener()
  }

  /** Called with each record as it comes. Returns the function that ends it. */
  onAppend(listener: (record: FrameRecord) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Called when it was emptied. Returns the function that ends it. */
  onClear(listener: () => void): () => void {
    this.#clearListeners.add(listener)
    return () => this.#clearListeners.delete(listener)
  }

  #dropFirst(): void {
    const slot = this.#firstSeq % this.#capacity.records
    this.#bytes -= this.#ring[slot]!.bytes
    this.#ring[slot] = undefined
    this.#firstSeq++
    this.#dropped++
  }
}
