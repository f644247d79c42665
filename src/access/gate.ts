/**
 * Owns who comes in: asks the authenticators in their order, and lets nobody in of whom one of them has not clearly said who
 * it is. It counts, slows guessing down and keeps the revoked out; it knows neither frames nor HTTP.
 */
import { ProtocolError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { LoginReason, Metrics } from '../metrics.ts'
import type { Attempts } from './attempts.ts'
import { hasCredential, isPromise, type Authenticator, type Credentials, type Verdict } from './authenticator.ts'
import type { Identity } from './identity.ts'
import { faultOf, isVerdict } from './verdict.ts'

export interface GateDeps {
  /** In the order in which they are asked. */
  readonly authenticators: readonly Authenticator[]
  readonly attempts: Attempts
  isRevoked(identity: Identity): boolean
  readonly metrics: Pick<Metrics, 'login' | 'count'>
  readonly log: Log
  /** The time, in milliseconds since 1970. */
  readonly now: () => number
}

/** `nothing`: there is no credential, which is no failure; a protocol with a CONNECT goes on to that. */
export type HandshakeVerdict = Identity | 'refused' | 'nothing'

export class Gate {
  readonly #deps: GateDeps
  readonly #ofHandshake: readonly Authenticator[]
  /** Whose nonsense has been logged: it comes again with every login. */
  readonly #blamed = new Set<Authenticator>()

  constructor(deps: GateDeps) {
    this.#deps = deps
    this.#ofHandshake = deps.authenticators.filter(({ looksAtHandshake }) => looksAtHandshake)
  }

  /** May somebody come in without a credential? */
  get hasAnonymous(): boolean {
    return this.#deps.authenticators.some(({ type }) => type === 'anonymous')
  }

  /**
   * Returns who it is, undefined if it may not come in; at once if the authenticators know at once.
   * Errors: ProtocolError `too-many-attempts`; what an authenticator throws, such as `auth-unavailable`; thrown or as a
   * rejection.
   */
  authenticate(credentials: Credentials): Identity | undefined | Promise<Identity | undefined> {
    const isAttempt = hasCredential(credentials)
    if (isAttempt) this.#check(credentials)
    return after(this.#askFrom(0, this.#deps.authenticators, credentials), (verdict) => {
      if (typeof verdict === 'object') return verdict
      // No authenticator knows such a credential, or there was none.
      if (verdict === 'not-mine') this.#refused('none', isAttempt ? 'unknown-form' : 'no-credential', credentials)
      return undefined
    })
  }

  /**
   * The same for what came with a handshake. Without a credential only those are asked that look at the handshake itself.
   * Errors: as `authenticate`.
   */
  authenticateHandshake(credentials: Credentials): HandshakeVerdict | Promise<HandshakeVerdict> {
    if (hasCredential(credentials)) return after(this.authenticate(credentials), (identity) => identity ?? 'refused')
    const verdict = this.#askFrom(0, this.#ofHandshake, credentials)
    return after(verdict, (found) => (found === 'not-mine' ? 'nothing' : found))
  }

  /** Errors: what it is told by throws, `auth-unavailable`. */
  isRevoked(identity: Identity): boolean {
    return this.#deps.isRevoked(identity)
  }

  /** One after the other, from this one on, until one knows. */
  #askFrom(start: number, all: readonly Authenticator[], credentials: Credentials): Verdict | Promise<Verdict> {
    for (let index = start; index < all.length; index++) {
      const said = this.#ask(all[index]!, credentials)
      if (isPromise(said)) {
        return said.then((verdict) => (verdict === 'not-mine' ? this.#askFrom(index + 1, all, credentials) : verdict))
      }
      if (said !== 'not-mine') return said
    }
    return 'not-mine'
  }

  #ask(authenticator: Authenticator, credentials: Credentials): Verdict | Promise<Verdict> {
    let said: Verdict | Promise<Verdict>
    try {
      said = authenticator.authenticate(credentials)
    } catch (error) {
      throw this.#failed(authenticator, credentials, error)
    }
    if (!isPromise(said)) return this.#judge(authenticator, credentials, said)
    return Promise.resolve(said).then(
      (verdict) => {
        // Many at once could have been tried meanwhile: what one of them came to stays untold then.
        if (verdict !== 'not-mine' && hasCredential(credentials)) this.#check(credentials)
        return this.#judge(authenticator, credentials, verdict)
      },
      (error: unknown) => {
        throw this.#failed(authenticator, credentials, error)
      },
    )
  }

  #judge(authenticator: Authenticator, credentials: Credentials, said: unknown): Verdict {
    const { metrics, now } = this.#deps
    const { type, clockToleranceSeconds = 0 } = authenticator
    if (!isVerdict(said)) {
      this.#blame(authenticator)
      return this.#refused(type, 'bad-verdict', credentials)
    }
    if (said === 'not-mine') return said
    if (said === 'refused') return this.#refused(type, 'credential', credentials)
    const fault = faultOf(said, { now: now() / 1000, toleranceSeconds: clockToleranceSeconds })
    if (fault) return this.#refused(type, fault, credentials)
    if (this.#deps.isRevoked(said)) return this.#refused(type, 'revoked', credentials)
    metrics.login(type, 'accepted', 'none')
    return said
  }

  #refused(authenticator: string, reason: LoginReason, credentials: Credentials): 'refused' {
    this.#deps.metrics.login(authenticator, 'refused', reason)
    // What was not brought cannot have been guessed.
    if (hasCredential(credentials)) this.#deps.attempts.failed(credentials.remoteAddress)
    return 'refused'
  }

  #check(credentials: Credentials): void {
    try {
      this.#deps.attempts.check(credentials.remoteAddress)
    } catch (error) {
      this.#deps.metrics.count.loginsThrottled++
      throw error
    }
  }

  /** Returns the error, counted. Where nobody waits any more it is none. */
  #failed({ type }: Authenticator, { signal }: Credentials, error: unknown): unknown {
    const isKnown = error instanceof ProtocolError
    if (!signal.aborted) this.#deps.metrics.login(type, 'failed', isKnown ? 'unavailable' : 'error')
    return error
  }

  #blame(authenticator: Authenticator): void {
    if (this.#blamed.has(authenticator)) return
    this.#blamed.add(authenticator)
    this.#deps.log.error(
      { authenticator: authenticator.type },
      'The answer of an authenticator is no identity, "refused" or "not-mine": its logins are refused',
    )
  }
}

/** At once where the value is there at once. */
function after<T, U>(value: T | Promise<T>, next: (value: T) => U): U | Promise<U> {
  return isPromise(value) ? value.then(next) : next(value)
}
