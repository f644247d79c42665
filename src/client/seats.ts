/**
 * How many sessions are open from each address and of each user, where that is limited. A session gives back what it has
 * taken once, when it ends: by DISCONNECT, when it is closed, or when its connection is gone, whichever is first.
 */
import { sourceOf } from '../access/peer-addresses.ts'

export interface SeatLimits {
  /** Of one address, or of one /64 of IPv6; 0 is no limit. */
  readonly maxSessionsPerAddress: number
  readonly maxSessionsPerUser: number
}

/** What one session has taken. */
interface Taken {
  readonly source: string | undefined
  user: string | undefined
}

export class Seats {
  readonly #limits: SeatLimits
  readonly #ofAddresses = new Map<string, number>()
  readonly #ofUsers = new Map<string, number>()
  /** By session. */
  readonly #taken = new Map<object, Taken>()

  constructor(limits: SeatLimits) {
    this.#limits = limits
  }

  /** Asks for the address only where that matters. */
  isAddressFull(from: { readonly remoteAddress: string }): boolean {
    const { maxSessionsPerAddress: max } = this.#limits
    return max > 0 && (this.#ofAddresses.get(sourceOf(from.remoteAddress)) ?? 0) >= max
  }

  /** Undefined: one without a name, of whom there may be any number. */
  isUserFull(user: string | undefined): boolean {
    const { maxSessionsPerUser: max } = this.#limits
    return user !== undefined && max > 0 && (this.#ofUsers.get(user) ?? 0) >= max
  }

  /** A session begins. */
  open(session: object, from: { readonly remoteAddress: string }): void {
    const { maxSessionsPerAddress, maxSessionsPerUser } = this.#limits
    if (maxSessionsPerAddress === 0 && maxSessionsPerUser === 0) return
    const source = maxSessionsPerAddress > 0 ? sourceOf(from.remoteAddress) : undefined
    this.#taken.set(session, { source, user: undefined })
    if (source !== undefined) add(this.#ofAddresses, source, 1)
  }

  /** It is known of whom it is. Returns false if that one has no place left; then nothing changes. */
  identify(session: object, user: string | undefined): boolean {
    const taken = this.#taken.get(session)
    if (!taken || this.#limits.maxSessionsPerUser === 0 || taken.user === user) return true
    if (this.isUserFull(user)) return false
    if (taken.user !== undefined) add(this.#ofUsers, taken.user, -1)
    if (user !== undefined) add(this.#ofUsers, user, 1)
    taken.user = user
    return true
  }

  /** A session has ended, or begins to; what it has taken is free again. Once: later calls do nothing. */
  leave(session: object): void {
    const taken = this.#taken.get(session)
    if (!taken) return
    this.#taken.delete(session)
    if (taken.source !== undefined) add(this.#ofAddresses, taken.source, -1)
    if (taken.user !== undefined) add(this.#ofUsers, taken.user, -1)
  }
}

function add(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + change
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}
