/**
 * Reads that many want at once: whoever wants the same while it is being read shares the next read with all others who do.
 * Never the one that is on its way: that may be older than what its reader knows already.
 */

interface Reads {
  readonly current: Promise<unknown>
  next: Promise<unknown> | undefined
}

export class FreshReads {
  readonly #reads = new Map<string, Reads>()

  /** Returns what `read` comes to, or what somebody else's of this key does that begins later than now. Rejects as it. */
  share<T>(key: string, read: () => Promise<T>): Promise<T> {
    const reads = this.#reads.get(key)
    if (!reads) return this.#begin(key, read)
    const begin = (): Promise<T> => this.#begin(key, read)
    reads.next ??= reads.current.then(begin, begin)
    return reads.next as Promise<T>
  }

  #begin<T>(key: string, read: () => Promise<T>): Promise<T> {
    const current = read()
    const reads: Reads = { current, next: undefined }
    this.#reads.set(key, reads)
    const end = (): void => {
      if (this.#reads.get(key) === reads && !reads.next) this.#reads.delete(key)
    }
    current.then(end, end)
    return current
  }
}
