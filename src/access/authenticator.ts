/** Who is it: the question that a door asks, and what it hands over for it. Those who answer are others. */
import type { Handshake } from './handshake.ts'
import type { Identity } from './identity.ts'

/** What a client said of itself. Never logged. */
export interface Credentials {
  /**
   * What it has to show: a JWT, a ticket, whatever an auth service takes. From the handshake, or of CONNECT the header
   * `Authorization: Bearer`, else `passcode`. May be empty.
   */
  readonly token: string | undefined
  /** Of CONNECT. */
  readonly login: string | undefined
  readonly passcode: string | undefined
  readonly remoteAddress: string
  readonly handshake: Handshake
  /** Aborted when nobody waits for the answer any more: the client has left, or its time is over. */
  readonly signal: AbortSignal
  /** Any header of the CONNECT frame; none where a protocol has no such frame. */
  header(name: string): string | undefined
}

/**
 * What an authenticator says of credentials: who it is; `refused`, which ends the matter; or `not-mine`, and the next one is
 * asked, because these are of a form or an algorithm that this one does not know.
 */
export type Verdict = Identity | 'refused' | 'not-mine'

/** One way to find out who a client is. Errors: ProtocolError `auth-unavailable`, thrown or as a rejection, if it cannot tell now. */
export interface Authenticator {
  /** For metrics and the log: one word, such as `jwt`. */
  readonly type: string
  /** Does it look at the handshake itself (a header of a proxy) rather than at a token? It is then asked there too without one. */
  readonly looksAtHandshake?: boolean
  /** How long after its `expiresAt` somebody may still come in, because clocks differ; 0 unless told. */
  readonly clockToleranceSeconds?: number
  authenticate(credentials: Credentials): Verdict | Promise<Verdict>
}

/** Is the answer still to come? Also with one that is no `Promise` of this realm: authenticators are written by others. */
export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function'
}

/** Did it bring anything by which it could be known? */
export function hasCredential({ token, login, passcode }: Credentials): boolean {
  return token !== undefined || login !== undefined || passcode !== undefined
}
