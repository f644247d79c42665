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

/** What is configured, which may change. */
export class GuardedAccess implements Access {
  readonly isOpen = false
  readonly #metrics: Pick<Metrics, 'denied'>
  #gate: Gate
  #rules: Rules

  constructor(gate: Gate, rules: Rules, metrics: Pick<Metrics, 'denied'>) {
    this.#gate = gate
    this.#rules = rules
    this.#metrics = metrics
  }

  /** From here on these decide. Who is in stays in. */
  replace(gate: Gate, rules: Rules): void {
    this.#gate = gate
    this.#rules = rules
  }

  authenticate(credentials: Credentials): Identity | undefined | Promise<Identity | undefined> {
    return this.#gate.authenticate(credentials)
  }

  authenticateHandshake(credentials: Credentials): HandshakeVerdict | Promise<HandshakeVerdict> {
    return this.#gate.authenticateHandshake(credentials)
  }

  isRevoked(identity: Identity): boolean {
    return this.#gate.isRevoked(identity)
  }

  maySubscribe(identity: Identity, destination: string): boolean {
    const { allowed, rule } = this.#rules.explain(identity, 'subscribe', destination)
    if (!allowed) this.#metrics.denied('subscribe', rule)
    return allowed
  }

  maySend(identity: Identity, destination: string): boolean {
    if (this.#rules.maySend(identity, destination)) return true
    this.#metrics.denied('send', this.#rules.explain(identity, 'send', destination).rule)
    return false
  }
}
