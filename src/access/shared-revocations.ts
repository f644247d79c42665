/**
 * Revocations over all nodes: kept in a store, told to the other nodes at once, and known to each in memory, so that a
 * login costs nothing. A node that has missed something finds it out by counting, and so does one whose store was
 * emptied: it puts back what it knows. The composition root tells it what comes over the bus.
 */
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import {
  MAX_REVOCATIONS,
  revocableOf,
  RevokedSet,
  subjectOf,
  type Revocable,
  type Revocation,
  type Revocations,
  type RevocationStore,
} from './revocations.ts'

export interface SharedRevocationsOptions {
  /** None where there is one process: what it knows ends with it. */
  readonly store?: RevocationStore | undefined
  readonly clock: Clock
  /** How often the store is counted, in milliseconds. */
  readonly checkEveryMs: number
  readonly log: Log
  /** Tell all other nodes. Resolves when that is on its way. */
  tell(revocation: Revocation): Promise<unknown>
  /** Something is revoked that was not: end the open sessions of it. Must not throw. */
  onRevoked(what: Revocable): void
  /** Seconds since 1970; of the system, unless told. */
  nowSeconds?(): number
}

/** How soon the store is looked at again while it is not known what is revoked, in milliseconds. */
const RETRY_MS = 1000

export class SharedRevocations implements Revocations {
  readonly #options: SharedRevocationsOptions
  readonly #set = new RevokedSet()
  #isLoaded: boolean
  /** Why the store could not be looked at, as the log said last. */
  #failure: string | undefined
  #isAvailable = false
  #timer: unknown
  /** The look at the store that is under way. */
  #underWay: Promise<void> | undefined
  #isClosed = false

  constructor(options: SharedRevocationsOptions) {
    this.#options = options
    this.#isLoaded = options.store === undefined
  }

  get isLoaded(): boolean {
    return this.#isLoaded
  }

  isRevoked(credential: Revocable): boolean {
    return this.#set.has(credential, this.#now())
  }

  async revoke(what: Revocable, seconds: number): Promise<void> {
    const now = this.#now()
    const revocation = { subject: subjectOf(what), until: now + seconds }
    if (!this.#set.hasRoomFor(revocation.subject, now)) throw tooMany()
    await this.#options.store?.add([revocation], now)
    this.heard(revocation)
    await this.#options.tell(revocation)
  }

  /** Another node has told this. */
  heard(revocation: Revocation): void {
    const now = this.#now()
    if (this.#set.add(revocation, now)) {
      // What another program has written is kept as it is, so that the numbers agree.
      const what = revocableOf(revocation.subject)
      if (what) this.#options.onRevoked(what)
    } else if (!this.#set.hasRoomFor(revocation.subject, now)) this.#report(tooMany())
  }

  /** The bus came or went: with it the store, and what others tell. */
  setUnavailableReason(reason: string | undefined): void {
    this.#isAvailable = reason === undefined
    if (this.#isAvailable && !this.#isClosed) void this.#look(true)
  }

  close(): void {
    this.#isClosed = true
    this.#options.clock.clearTimeout(this.#timer)
  }

  /** After an outage everything is compared; else only if the numbers differ. */
  async #look(isAfterOutage: boolean): Promise<void> {
    const { store } = this.#options
    if (!store) return
    if (this.#underWay) {
      await this.#underWay
      if (!isAfterOutage) return
    }
    this.#underWay = this.#compare(store, isAfterOutage)
      .catch((error: unknown) => this.#report(error))
      .finally(() => (this.#underWay = undefined))
    await this.#underWay
    this.#lookLater()
  }

  async #compare(store: RevocationStore, isAfterOutage: boolean): Promise<void> {
    const now = this.#now()
    if (this.#isLoaded && !isAfterOutage) {
      const stored = await store.count(now)
      if (Math.min(stored, MAX_REVOCATIONS) === this.#set.prune(this.#now())) return
    }
    const stored = await store.load(now, MAX_REVOCATIONS)
    for (const revocation of stored) this.heard(revocation)
    this.#isLoaded = true
    const ends = new Map(stored.map(({ subject, until }) => [subject, until]))
    const missing = this.#set.list(this.#now()).filter(({ subject, until }) => (ends.get(subject) ?? 0) < until)
    if (missing.length > 0) await store.add(missing, now)
    this.#failure = undefined
  }

  #lookLater(): void {
    const { clock, checkEveryMs } = this.#options
    clock.clearTimeout(this.#timer)
    if (this.#isClosed) return
    this.#timer = clock.setTimeout(
      () => {
        if (this.#isAvailable) void this.#look(!this.#isLoaded)
      },
      this.#isLoaded ? checkEveryMs : Math.min(RETRY_MS, checkEveryMs),
    )
  }

  /** It is tried again at the next look; the log says it once. */
  #report(error: unknown): void {
    if (this.#isClosed || !this.#isAvailable) return
    const reason = error instanceof Error ? error.message : String(error)
    if (reason === this.#failure) return
    this.#failure = reason
    const consequence = this.#isLoaded ? '' : ': until they are, nobody can log in'
    this.#options.log.error({ reason }, `The revocations cannot be read and kept${consequence}`)
  }

  #now(): number {
    return this.#options.nowSeconds?.() ?? Date.now() / 1000
  }
}

function tooMany(): Error {
  return new Error(`More than ${MAX_REVOCATIONS} revocations are in force`)
}
