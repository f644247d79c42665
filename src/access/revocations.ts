/**
 * What was revoked before its time: a token by its id, or everything of a user, until a moment that is set with it. This is
 * what one process knows; how it comes to know what others revoke is in `shared-revocations.ts`.
 */

/** Exactly one of the two. */
export interface Revocable {
  /** The `jti` of a JWT. */
  readonly tokenId?: string | undefined
  readonly user?: string | undefined
}

/** One that is in force, as nodes and stores hand it on. */
export interface Revocation {
  /** `token:` and its id, or `user:` and the name. */
  readonly subject: string
  /** Seconds since 1970. */
  readonly until: number
}

/** What whoever lets clients in asks, and whoever operates the bridge. */
export interface Revocations {
  /** False before it was found out for the first time what is revoked: nobody can be let in then. */
  readonly isLoaded: boolean
  isRevoked(credential: Revocable): boolean
  /**
   * Sessions of it end on all nodes, and it is refused for so long. Resolves when every node has it or will read it.
   * Rejects with BusUnavailableError or BusRefusedError when it cannot be told.
   */
  revoke(what: Revocable, seconds: number): Promise<void>
}

/** Where revocations outlive a process. What it rejects with is not caught. */
export interface RevocationStore {
  /** Of two for one subject the later end counts. */
  add(revocations: readonly Revocation[], nowSeconds: number): Promise<void>
  /** Returns those in force; the last to end, if there are more than that. */
  load(nowSeconds: number, max: number): Promise<readonly Revocation[]>
  /** How many are in force. */
  count(nowSeconds: number): Promise<number>
}

/** More revocations than this at once are not kept: each is about 100 bytes on every node. */
export const MAX_REVOCATIONS = 200_000

export function subjectOf({ tokenId, user }: Revocable): string {
  return tokenId === undefined ? `user:${user}` : `token:${tokenId}`
}

/** Returns what is revoked; undefined for a subject that another program has written. */
export function revocableOf(subject: string): Revocable | undefined {
  if (subject.startsWith('token:')) return { tokenId: subject.slice('token:'.length) }
  return subject.startsWith('user:') ? { user: subject.slice('user:'.length) } : undefined
}

export class RevokedSet {
  /** Until when, in seconds since 1970. */
  readonly #until = new Map<string, number>()
  readonly #max: number

  constructor(max = MAX_REVOCATIONS) {
    this.#max = max
  }

  has({ tokenId, user }: Revocable, nowSeconds: number): boolean {
    if (this.#until.size === 0) return false
    const isIn = (subject: string): boolean => (this.#until.get(subject) ?? 0) > nowSeconds
    return (tokenId !== undefined && isIn(subjectOf({ tokenId }))) || (user !== undefined && isIn(subjectOf({ user })))
  }

  /** Is there room for one more of this subject? */
  hasRoomFor(subject: string, nowSeconds: number): boolean {
    if (this.#until.size < this.#max || this.#until.has(subject)) return true
    this.prune(nowSeconds)
    return this.#until.size < this.#max
  }

  /** True if this is news: not in force yet, or not for so long. */
  add({ subject, until }: Revocation, nowSeconds: number): boolean {
    if (until <= nowSeconds || (this.#until.get(subject) ?? 0) >= until) return false
    if (!this.hasRoomFor(subject, nowSeconds)) return false
    this.#until.set(subject, until)
    return true
  }

  /** Lets go of what has ended. Returns how many are left. */
  prune(nowSeconds: number): number {
    for (const [subject, until] of this.#until) if (until <= nowSeconds) this.#until.delete(subject)
    return this.#until.size
  }

  /** Those that are in force. */
  list(nowSeconds: number): Revocation[] {
    this.prune(nowSeconds)
    return [...this.#until].map(([subject, until]) => ({ subject, until }))
  }
}
