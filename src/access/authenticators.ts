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
import { keysByAlgorithm } from './jwt-keys.ts'
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
  /** The same by what each was made from: its settings, and the content of its file. */
  readonly bySource: ReadonlyMap<string, Authenticator>
  /** To issue some; undefined if no authenticator takes them. */
  readonly tickets: Tickets | undefined
}

/**
 * `previous`: those of before. One that would be made from the same is taken over, with what it has learnt: keys that it
 * has fetched, answers that it remembers.
 * Errors: throws Error, without any secret, for what cannot be used; it names a file that cannot be read.
 */
export function createAuthenticators(
  settings: readonly AuthenticatorSetting[],
  deps: AuthenticatorDeps,
  previous?: Authenticators,
): Authenticators {
  const { ticketStore: store, metrics, log, clock, now = Date.now, fetch = globalFetch } = deps
  const ticketSetting = settings.find((setting) => setting.type === 'ticket')
  const tickets = ticketSetting && new Tickets(ticketSetting, { store, now, metrics })
  const isTicket = (token: string): boolean => tickets?.isTicket(token) ?? false
  const create = (setting: AuthenticatorSetting, publicKey: string | undefined): Authenticator => {
    switch (setting.type) {
      case 'jwt': {
        const { publicKeyFile, jwksUrl, ...options } = setting
        const jwks = jwksUrl === undefined ? undefined : new Jwks(jwksUrl, { clock, fetch, metrics, log })
        const make = () => new JwtAuthenticator({ ...options, jwks, publicKey }, { now, log })
        return publicKeyFile === undefined ? make() : withFile(publicKeyFile, make)
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
  const bySource = new Map<string, Authenticator>()
  const authenticators = settings.map((setting) => {
    const path = setting.type === 'jwt' ? setting.publicKeyFile : undefined
    const publicKey = path === undefined ? undefined : readKeyFile(path)
    const source = JSON.stringify([setting, publicKey])
    const authenticator = previous?.bySource.get(source) ?? create(setting, publicKey)
    bySource.set(source, authenticator)
    return authenticator
  })
  return { authenticators, bySource, tickets }
}

/** Looks at the public key files as the start does, for `check-config`. Returns what is wrong with them, one line each. */
export function checkKeyFiles(settings: readonly AuthenticatorSetting[]): string[] {
  return settings.flatMap((setting, index) => {
    const path = setting.type === 'jwt' ? setting.publicKeyFile : undefined
    if (setting.type !== 'jwt' || path === undefined) return []
    try {
      const publicKey = readKeyFile(path)
      withFile(path, () => keysByAlgorithm(setting.algorithms, { secret: setting.secret, publicKey }))
      return []
    } catch (error) {
      return [`access.authenticators[${index}].publicKeyFile: ${(error as Error).message}`]
    }
  })
}

function readKeyFile(path: string): string {
  return withFile(path, () => readFileSync(path, 'utf8'))
}

/** Errors: throws what `use` throws, with the name of the file. */
function withFile<T>(path: string, use: () => T): T {
  try {
    return use()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`Cannot use the public key file "${path}": ${reason}`, { cause })
  }
}
