/**
 * Owns who may use the debug API, beyond what the origin guard lets in: with a token whoever has it; without one only
 * requests that name this machine and no proxy has passed on, so that no page can come here under a name of its own that
 * it has pointed to us, and nobody from outside by way of a proxy beside us.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { isLoopback } from '../config.ts'
import { isFromAllowedOrigin } from '../http/cors.ts'
import { bearerOf } from '../http/key-guard.ts'
import { calledHost } from '../http/hosts.ts'
import { HttpError, type HttpEnv } from '../http/json-error.ts'
import { createOriginPolicy, type OriginPolicy } from '../http/origins.ts'

/** What proxies add to what they pass on. */
const PROXY_HEADERS = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']

export interface DebugAccess {
  readonly token: string | undefined
  /** The host that the bridge was told to listen on. */
  readonly host: string
  readonly allowedOrigins: readonly string[]
}

/** Makes the middleware that refuses with 401 or 403 before anything is done. */
export function debugGuard({ token, host, allowedOrigins }: DebugAccess): MiddlewareHandler<HttpEnv> {
  const hosts = new Set([host.toLowerCase(), ...allowedOrigins.flatMap(hostOfOrigin)])
  // Every page may be a client of the bridge; that does not make it one of ours.
  const isOurs = createOriginPolicy(allowedOrigins.filter((origin) => origin !== '*'))
  const isToken = token === undefined ? undefined : equals(token)
  return async (c, next) => {
    // A page elsewhere cannot read the answer; but what it embeds is asked for without an Origin, and is work.
    if (c.req.header('sec-fetch-site') === 'cross-site' && c.req.header('origin') === undefined) {
      throw new HttpError('forbidden-origin', 'Another page may not lead here: open this address by itself')
    }
    if (isToken) checkToken(c, isToken)
    else {
      checkOrigin(c, isOurs)
      checkNotProxied(c)
      checkHost(c, hosts)
    }
    await next()
  }
}

function checkOrigin(c: Context<HttpEnv>, isOurs: OriginPolicy): void {
  if (isFromAllowedOrigin(c, isOurs)) return
  throw new HttpError(
    'forbidden-origin',
    'For the debug API "*" in server.allowedOrigins does not count: name the origin there, or set debugger.token in the configuration',
  )
}

function checkNotProxied(c: Context<HttpEnv>): void {
  if (!PROXY_HEADERS.some((name) => c.req.header(name) !== undefined)) return
  throw new HttpError(
    'forbidden-host',
    'The debug API does not answer through a proxy, which may pass on requests from anywhere: use the address of the bridge itself, or set debugger.token in the configuration',
  )
}

function checkToken(c: Context<HttpEnv>, isToken: (given: string) => boolean): void {
  const given = bearerOf(c)
  if (given !== undefined && isToken(given)) return
  const message =
    given === undefined
      ? 'Send the token of the setting debugger.token, as "Authorization: Bearer …"'
      : 'This is not the token of the setting debugger.token'
  throw new HttpError('not-authenticated', message, { headers: { 'WWW-Authenticate': 'Bearer' } })
}

/** Takes as long for one text as for another: equal long digests are compared. */
function equals(secret: string): (given: string) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const wanted = digest(secret)
  return (given) => timingSafeEqual(digest(given), wanted)
}

function checkHost(c: Context<HttpEnv>, hosts: ReadonlySet<string>): void {
  const name = calledHost(c)
  if (name !== undefined && (isLocalName(name) || hosts.has(name))) return
  throw new HttpError(
    'forbidden-host',
    'The debug API answers only under the name of this machine: use localhost, or set debugger.token in the configuration',
  )
}

function isLocalName(name: string): boolean {
  return isLoopback(name) || name.endsWith('.localhost')
}

function hostOfOrigin(origin: string): string[] {
  return URL.canParse(origin) ? [new URL(origin).hostname.toLowerCase()] : []
}
