/**
 * Owns the question under which names this bridge answers. A page can point a name of its own to any address, also to
 * one that only this machine reaches (DNS rebinding); the `Host` header then still has the page's name.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { HttpError, type HttpEnv } from './json-error.ts'

/** Returns the name under which the bridge was called, without the port, in lower case; undefined if it is none. */
export function calledHost(c: Context<HttpEnv>): string | undefined {
  if (c.env.isHostMissing) return undefined
  // HTTP/2 has no Host header; there the runtime puts the authority into the URL.
  const host = c.req.header('host') ?? new URL(c.req.url).host
  const url = `http://${host}`
  return /^[^\s/?#@\\,]+$/.test(host) && URL.canParse(url) ? new URL(url).hostname : undefined
}

/** Says whether the bridge answers to this request. */
export type HostPolicy = (c: Context<HttpEnv>) => boolean

/** Makes the policy for a configured list of names; an empty one takes any. */
export function createHostPolicy(allowedHosts: readonly string[]): HostPolicy {
  if (allowedHosts.length === 0) return () => true
  const listed = new Set(allowedHosts.map((host) => host.toLowerCase()))
  return (c) => {
    const name = calledHost(c)
    return name !== undefined && listed.has(name)
  }
}

/** Errors: HttpError `forbidden-host`. */
export function requireAllowedHost(c: Context<HttpEnv>, isAllowed: HostPolicy): void {
  if (isAllowed(c)) return
  throw new HttpError(
    'forbidden-host',
    'This bridge does not answer under this name: add it to server.allowedHosts in the configuration',
  )
}

/** The same as middleware. */
export function hostPolicyGuard(isAllowed: HostPolicy): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    requireAllowedHost(c, isAllowed)
    await next()
  }
}
