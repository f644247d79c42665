/** Makes the authenticators of a configuration, in its order. What they need of the world is handed in. */
import { readFileSync } from 'node:fs'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { AnonymousAuthenticator } from './anonymous.ts'
import { globalFetch, type Fetch } from '../ask.ts'
import type { Authenticator } from './authenticator.ts'
import { CallbackAuthenticator, type CallbackOptions } from './callback.ts'
import { Jwks } from './jwks.ts'
import { JwtAuthenticator, type JwtOptions } from './jwt.ts'
import { ProxyAuthenticator, type ProxyOptions } from './proxy.ts'
import { TicketAuthenticator } from './ticket-authenticator.ts'
import type { TicketStore } from './ticket-store.ts'
import { Tickets, type TicketsOptions } from './tickets.ts'
import { UsersAuthenticator, type UsersOptions } from './users.ts'

interface JwtSetting extends Omit<JwtOptions, 'publicKey' | 'jwks'> {
  readonly type: 'jwt'
  readonly publicKeyFile?: string | undefined
  readonly jwksUrl?: string | undefined
}

/** One of the list in the configuration. */
export type AuthenticatorSetting =
  | JwtSetting
  | ({ readonly type: 'ticket' } & TicketsOptions)
  | ({ readonly type: 'callback' } & Omit<CallbackOptions, 'isTicket'>)
  | ({ readonly type: 'users' } & Omit<UsersOptions, 'isTicket'>)
  | ({ readonly type: 'proxy' } & ProxyOptions)
  | { readonly type: 'anonymous' }

export interface AuthenticatorDeps {
  readonly clock: Clock
  readonly ticketStore: TicketStore
  readonly metrics: Pick<Metrics, 'count' | 'took'>
  readonly log: Log
  /** The time, in milliseconds since 1970; the system's unless told. */
  readonly now?: (() => number) | undefined
  readonly fetch?: Fetch | undefined
}

export interface Authenticators {
  readonly authenticators: readonly Authenticator[]
  /** To issue some; undefined if no authenticator takes them. */
  readonly tickets: Tickets | undefined
}

/** Errors: throws Error, without any secret, for what cannot be used; it names a file that cannot be read. */
export function createAuthenticators(
  settings: readonly AuthenticatorSetting[],
  deps: AuthenticatorDeps,
): Authenticators {
  const { ticketStore: store, metrics, log, clock, now = Date.now, fetch = globalFetch } = deps
  const ticketSetting = settings.find((setting) => setting.type === 'ticket')
  const tickets = ticketSetting && new Tickets(ticketSetting, { store, now, metrics })
  const isTicket = (token: string): boolean => tickets?.isTicket(token) ?? false
  const create = (setting: AuthenticatorSetting): Authenticator => {
    switch (setting.type) {
      case 'jwt': {
        const { publicKeyFile, jwksUrl, ...options } = setting
        const jwks = jwksUrl === undefined ? undefined : new Jwks(jwksUrl, { clock, fetch, metrics, log })
        const create = (publicKey?: string) => new JwtAuthenticator({ ...options, jwks, publicKey }, { now, log })
        return publicKeyFile === undefined ? create() : withFile(publicKeyFile, create)
      }
      case 'ticket':
        return new TicketAuthenticator(tickets!)
      case 'callback':
        return new CallbackAuthenticator({ ...setting, isTicket }, { clock, now, fetch, metrics, log })
      case 'users':
        return new UsersAuthenticator({ ...setting, isTicket })
      case 'proxy':
        return new ProxyAuthenticator(setting)
      case 'anonymous':
        return new AnonymousAuthenticator()
    }
  }
  return { authenticators: settings.map(create), tickets }
}

function withFile<T>(path: string, use: (content: string) => T): T {
  try {
    return use(readFileSync(path, 'utf8'))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`Cannot use the public key file "${path}": ${reason}`, { cause })
  }
}
