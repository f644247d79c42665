/**
 * Owns who may use the operations for backends: with `access` configured, who sends an API key with the scope that an
 * operation needs. Without it everybody may, and the operations that only make sense with it are not there.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { errorResponse, HttpError, type HttpEnv } from './json-error.ts'

/** What a key lets its holder do. No scope includes another. */
export type Scope = 'publish' | 'read' | 'tickets' | 'admin'

/** The keys of the configuration, and the limit on wrong ones. */
export interface KeyRing {
  /** Undefined if there is no such key. */
  find(key: string): { readonly name: string; readonly scopes: ReadonlySet<Scope> } | undefined
}

/** How often an address may fail; see the class of this name. */
export interface AttemptLimit {
  /** Errors: ProtocolError `too-many-attempts`. */
  check(address: string): void
  failed(address: string): void
}

/** Guards of the operations for backends. */
export interface KeyGuard {
  /** Middleware that lets in who has a key with one of these scopes. */
  require(...scopes: readonly Scope[]): MiddlewareHandler<HttpEnv>
}

/** Where no access is configured. */
export const openGuard: KeyGuard = { require: () => (_c, next) => next() }

const BEARER = /^Bearer +(\S+) *$/i

/** Returns the token of `Authorization: Bearer`; undefined if the header has none. RFC 6750 section 2.1. */
export function bearerOf(c: Context<HttpEnv>): string | undefined {
  return BEARER.exec(c.req.header('authorization') ?? '')?.[1]
}

/** Makes the guard for a set of keys. */
export function createKeyGuard(keys: KeyRing, attempts: AttemptLimit): KeyGuard {
  return {
    require:
      (...scopes) =>
      async (c, next) => {
        requireScope(c, keys, attempts, scopes)
        await next()
      },
  }
}

/** Errors: HttpError `not-authenticated`, `not-authorized`; ProtocolError `too-many-attempts`. */
function requireScope(c: Context<HttpEnv>, keys: KeyRing, attempts: AttemptLimit, scopes: readonly Scope[]): void {
  const given = bearerOf(c)
  if (given === undefined) throw notAuthenticated('Send an API key, as "Authorization: Bearer …"')
  const { remoteAddress } = c.env
  attempts.check(remoteAddress)
  const key = keys.find(given)
  if (!key) {
    attempts.failed(remoteAddress)
    throw notAuthenticated('This is no API key of this bridge')
  }
  if (scopes.some((scope) => key.scopes.has(scope))) {
    c.set('keyName', key.name)
    return
  }
  const needed = scopes.map((scope) => `"${scope}"`).join(' or ')
  throw new HttpError('not-authorized', `This API key does not have the scope ${needed}`)
}

/** Returns the refusal of who has not said, or not proved, who it is. */
export function notAuthenticated(message: string): HttpError {
  return new HttpError('not-authenticated', message, { headers: { 'WWW-Authenticate': 'Bearer' } })
}

/** Refusals of every operation with such a guard. */
export const keyErrors = {
  401: errorResponse(
    'With `access` configured: the API key is missing or wrong',
    'not-authenticated',
    'Send an API key, as "Authorization: Bearer …"',
  ),
  403: errorResponse(
    'The API key does not have the scope, or the page comes from an origin that is not allowed',
    'forbidden-origin',
    'Pages from this origin may not use this bridge: add it to server.allowedOrigins in the configuration',
  ),
  429: errorResponse(
    'Too many wrong keys came from this address: try again after the seconds in Retry-After',
    'too-many-attempts',
    'Too many failed logins from this address: try again later',
  ),
}
