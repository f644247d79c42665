/** Where tickets are kept until they are redeemed: what an implementation has to promise, and the one for a single process. */
import type { Clock } from '../clock.ts'
import { ExpiringMap } from './expiring-map.ts'

export interface TicketStore {
  /** Errors: rejects if it cannot be kept. */
  put(id: string, value: string, ttlSeconds: number): Promise<void>
  /** Returns the value to one caller only, over all nodes; undefined if there is none (any more). Errors: rejects if that is not known. */
  take(id: string): Promise<string | undefined>
}

const MAX_TICKETS = 100_000
const MAX_CHARACTERS = 64 * 1024 * 1024

/** In the memory of this process; the oldest give way when there are too many. */
export class MemoryTicketStore implements TicketStore {
  readonly #values: ExpiringMap<string>

  constructor(clock: Clock, { maxTickets = MAX_TICKETS, maxCharacters = MAX_CHARACTERS } = {}) {
    this.#values = new ExpiringMap({ maxEntries: maxTickets, maxSize: maxCharacters, now: () => clock.now() })
  }

  /** Of those that have expired some may still be counted. */
  get count(): number {
    return this.#values.count
  }

  async put(id: string, value: string, ttlSeconds: number): Promise<void> {
    this.#values.set(id, value, ttlSeconds * 1000, value.length)
  }

  async take(id: string): Promise<string | undefined> {
    const value = this.#values.get(id)
    this.#values.delete(id)
    return value
  }
}
