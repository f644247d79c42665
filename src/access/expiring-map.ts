/**
 * Keeps values for a while, and never more than it may. What has expired is gone when it is asked for; the rest of it is
 * swept while others come, so that no timer is needed.
 */

export interface ExpiringMapOptions {
  readonly maxEntries: number
  /** Of all entries together; no limit unless told. */
  readonly maxSize?: number | undefined
  /** Milliseconds. */
  readonly now: () => number
}

interface Entry<V> {
  readonly value: V
  readonly size: number
  readonly until: number
}

const SWEEP_MS = 10_000

export class ExpiringMap<V> {
  readonly #options: ExpiringMapOptions
  readonly #entries = new Map<string, Entry<V>>()
  #size = 0
  #nextSweep = 0

  constructor(options: ExpiringMapOptions) {
    this.#options = options
  }

  /** Of those that have expired some may still be counted. */
  get count(): number {
    return this.#entries.size
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    if (entry.until > this.#options.now()) return entry.value
    this.delete(key)
    return undefined
  }

  /** The oldest give way. `size` is in the unit of `maxSize`. */
  set(key: string, value: V, forMs: number, size = 0): void {
    const { maxEntries, maxSize = Infinity, now } = this.#options
    this.delete(key)
    this.#sweep(now())
    if (forMs <= 0 || size > maxSize) return
    this.#entries.set(key, { value, size, until: now() + forMs })
    this.#size += size
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= maxEntries && this.#size <= maxSize) break
      this.delete(oldest)
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#size -= entry.size
  }

  #sweep(now: number): void {
    if (now < this.#nextSweep) return
    this.#nextSweep = now + SWEEP_MS
    for (const [key, { until }] of this.#entries) if (until <= now) this.delete(key)
  }
}
