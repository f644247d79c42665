/** Who is it, and what may it do: the questions that the doors ask. The answer without configuration is "anyone, anything". */
import type { Handshake } from './handshake.ts'
import { ANONYMOUS, type Identity } from './identity.ts'

/** What a client said of itself. Never logged. */
export interface Credentials {
  readonly login: string | undefined
  readonly passcode: string | undefined
  /** Any header of the CONNECT frame; none where a protocol has no such frame. */
  header(name: string): string | undefined
  readonly remoteAddress: string
  readonly handshake: Handshake
  /** Aborted when nobody waits for the answer any more: the client has left, or its time is over. */
  readonly signal: AbortSignal
}

export interface Authenticator {
  /** True if it lets anyone do anything; the start-up banner then warns. */
  readonly isOpen: boolean
  /** Undefined refuses the connection: ERROR `not-authenticated`, close 1008. */
  authenticate(credentials: Credentials): Identity | undefined | Promise<Identity | undefined>
  maySubscribe(identity: Identity, destination: string): boolean
  maySend(identity: Identity, destination: string): boolean
}

/** No rules: as the Spring simple broker without security. */
export const openAuthenticator: Authenticator = {
  isOpen: true,
  authenticate: () => ANONYMOUS,
  maySubscribe: () => true,
  maySend: () => true,
}

/** Is the answer still to come? Also with one that is no `Promise` of this realm: authenticators are written by others. */
export function isPromise<T extends object>(
  value: T | undefined | Promise<T | undefined>,
): value is Promise<T | undefined> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function'
}
