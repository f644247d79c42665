/**
 * Owns tickets: a backend or a page fetches one for a user over HTTP, and the browser shows it when it connects, so that no
 * lasting credential stands in a URL. A ticket is random, is kept only by its digest, and can be redeemed once.
 */
import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import { ProtocolError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import { sha256Hex } from './digest.ts'
import type { Identity } from './identity.ts'
import type { TicketStore } from './ticket-store.ts'
import { loginUnavailable } from './unavailable.ts'
import { isUserName } from './user-name.ts'

const PREFIX = 'tkt_'
const TICKET_BYTES = 32
const TICKET = /^tkt_[\w-]{43}$/

const identitySchema = z.object({
  user: z.string(),
  groups: z.array(z.string()).optional(),
  claims: z.record(z.string(), z.unknown()).optional(),
  expiresAt: z.number().optional(),
  tokenId: z.string().optional(),
})

export interface TicketsOptions {
  /** How long a ticket can be redeemed. */
  readonly ttlSeconds: number
}

export interface TicketsDeps {
  readonly store: TicketStore
  /** The time, in milliseconds since 1970. */
  readonly now: () => number
  readonly metrics: Pick<Metrics, 'count'>
}

export interface IssuedTicket {
  readonly ticket: string
  readonly expiresInSeconds: number
}

export class Tickets {
  readonly #options: TicketsOptions
  readonly #deps: TicketsDeps

  constructor(options: TicketsOptions, deps: TicketsDeps) {
    this.#options = options
    this.#deps = deps
  }

  isTicket(text: string): boolean {
    return TICKET.test(text)
  }

  /**
   * Returns a ticket for this user. The session ends when the identity does, or after `sessionSeconds` if that is earlier.
   * Errors: rejects with ProtocolError `not-authenticated` for an identity without a fit name; `auth-unavailable` if the
   * ticket cannot be kept.
   */
  async issue(
    identity: Identity,
    { sessionSeconds = Infinity }: { sessionSeconds?: number } = {},
  ): Promise<IssuedTicket> {
    if (!isUserName(identity.user)) throw new ProtocolError('not-authenticated', 'A ticket needs the name of a user')
    const nowSeconds = this.#deps.now() / 1000
    const identitySeconds = (identity.expiresAt ?? Infinity) - nowSeconds
    const expiresAt = sessionSeconds < identitySeconds ? nowSeconds + sessionSeconds : identity.expiresAt
    // A ticket that outlives its session would be of no use.
    const lifetime = Math.ceil(Math.min(sessionSeconds, identitySeconds))
    const expiresInSeconds = Math.max(1, Math.min(this.#options.ttlSeconds, lifetime))
    const { user, groups, claims, tokenId } = identity
    const ticket = PREFIX + randomBytes(TICKET_BYTES).toString('base64url')
    const value = JSON.stringify({ user, groups, claims, expiresAt, tokenId })
    await this.#reach(this.#deps.store.put(sha256Hex(ticket), value, expiresInSeconds))
    this.#deps.metrics.count.ticketsIssued++
    return { ticket, expiresInSeconds }
  }

  /**
   * Returns whose it was; undefined if it is wrong, used or expired.
   * Errors: rejects with ProtocolError `auth-unavailable` if the store cannot be asked.
   */
  async redeem(ticket: string): Promise<Identity | undefined> {
    const value = this.isTicket(ticket) ? await this.#reach(this.#deps.store.take(sha256Hex(ticket))) : undefined
    const identity = value === undefined ? undefined : readIdentity(value)
    if (identity) this.#deps.metrics.count.ticketsRedeemed++
    else this.#deps.metrics.count.ticketsRefused++
    return identity
  }

  async #reach<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      // Not as the cause: a client of a store keeps the command in its errors, and with it whose ticket it was.
      const reason = error instanceof Error ? error.message : 'unknown'
      throw loginUnavailable(new Error(`the ticket store failed: ${reason}`))
    }
  }
}

/** A store is shared: what is in it need not be ours. */
function readIdentity(value: string): Identity | undefined {
  try {
    return identitySchema.parse(JSON.parse(value))
  } catch {
    return undefined
  }
}
