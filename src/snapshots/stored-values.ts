/** What snapshots need of the store in which backends keep their state. Types only. */

export type StoredType = 'hash' | 'string' | 'list' | 'set' | 'sorted-set' | 'stream'

export interface StoredLimits {
  /** Entries of a hash, a list or a set. */
  readonly maxEntries: number
  /** About, of all texts together. */
  readonly maxBytes: number
  readonly timeoutMs: number
}

/** What is stored is of another type, too large, or not ours to read. The message is for the log. */
export class StoredValueError extends Error {
  override name = 'StoredValueError'
}

export interface StoredValues {
  /**
   * Resolves to what is stored under a key, as JSON; to `{}`, `[]` or `null` where nothing is. Rejects with StoredValueError,
   * and with BusUnavailableError when the store is away or does not answer in time.
   */
  read(type: StoredType, key: string, limits: StoredLimits): Promise<string>
}
