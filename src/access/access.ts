/** Who comes in, and what may they do: the questions that the doors ask. The answer without configuration is "anyone, anything". */
import type { Credentials } from './authenticator.ts'
import { maySendOpenly, maySubscribeOpenly } from './built-in.ts'
import type { Gate, HandshakeVerdict } from './gate.ts'
import { ANONYMOUS, type Identity } from './identity.ts'
import type { Metrics } from '../metrics.ts'
import type { Rules } from './rules.ts'

export interface Access {
  /** True if it lets anyone do anything; the start-up banner then warns. */
  readonly isOpen: boolean
  /**
   * Undefined refuses it: ERROR `not-authenticated`, close 1008.
   * Errors: ProtocolError `too-many-attempts`, `auth-unavailable`, thrown or as a rejection.
   */
  authenticate(credentials: Credentials): Identity | undefined | Promise<Identity | undefined>
  /** The same for what came with a connection that can still say more in CONNECT. */
  authenticateHandshake(credentials: Credentials): HandshakeVerdict | Promise<HandshakeVerdict>
  /** Has what it has shown been revoked since? Asked where time has passed between. */
  isRevoked(identity: Identity): boolean
  /** `destination`: as the client writes it. */
  maySubscribe(identity: Identity, destination: string): boolean
  maySend(identity: Identity, destination: string): boolean
}

/** No rules: as the Spring simple broker without security. Only groups are for their members, and here nobody is one. */
export const openAccess: Access = {
  isOpen: true,
  authenticate: () => ANONYMOUS,
  authenticateHandshake: () => 'nothing',
  isRevoked: () => false,
  maySubscribe: maySubscribeOpenly,
  maySend: (_identity, destination) => maySendOpenly(destination),
}

/** Returns what is configured. */
export function guardedAccess(gate: Gate, rules: Rules, metrics: Pick<Metrics, 'denied'>): Access {
  const counted = (action: 'subscribe' | 'send', isAllowed: boolean): boolean => {
    if (!isAllowed) metrics.denied(action)
    return isAllowed
  }
  return {
    isOpen: false,
    authenticate: (credentials) => gate.authenticate(credentials),
    authenticateHandshake: (credentials) => gate.authenticateHandshake(credentials),
    isRevoked: (identity) => gate.isRevoked(identity),
    maySubscribe: (identity, destination) => counted('subscribe', rules.maySubscribe(identity, destination)),
    maySend: (identity, destination) => counted('send', rules.maySend(identity, destination)),
  }
}
