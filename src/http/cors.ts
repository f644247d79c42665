/**
 * Owns what a browser is told of cross-origin calls: middleware that keeps out pages the origin policy does not allow,
 * and the CORS headers for those it does. Hono's own `cors` is not used because it touches every response, also that
 * of an upgrade, which a runtime must get back untouched.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { HttpError, type HttpEnv } from './json-error.ts'
import type { OriginPolicy } from './origins.ts'

/** How long a browser may remember a preflight, in seconds. */
const PREFLIGHT_MAX_AGE_S = 600

/** May whoever sent this call here? No browser, or a page that may. */
export function isFromAllowedOrigin(c: Context<HttpEnv>, isAllowed: OriginPolicy): boolean {
  const origin = c.req.header('origin')
  return origin === undefined || isAllowed(origin, hostOf(c))
}

/** Refuses a page that may not call. Errors: HttpError `forbidden-origin`. */
export function requireAllowedOrigin(c: Context<HttpEnv>, isAllowed: OriginPolicy): void {
  if (isFromAllowedOrigin(c, isAllowed)) return
  throw new HttpError(
    'forbidden-origin',
    'Pages from this origin may not use this bridge: add it to server.allowedOrigins in the configuration',
  )
}

/** The same as middleware. */
export function originGuard(isAllowed: OriginPolicy): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    requireAllowedOrigin(c, isAllowed)
    await next()
  }
}

/** Lets the page read the answer. Comes after the guard; also marks the error responses made later. */
export function corsHeaders(): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    for (const [name, value] of Object.entries(crossOriginHeaders(c))) c.header(name, value)
    await next()
  }
}

/** Returns the headers that let the page read the answer, for a response that passes no middleware. */
export function crossOriginHeaders(c: Context<HttpEnv>): Record<string, string> {
  const origin = c.req.header('origin')
  if (origin === undefined) return { Vary: 'Origin' }
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers': 'Retry-After',
  }
}

/** Answers OPTIONS: what may be sent here, with the CORS form of it when a page asks. `allow` is a list of methods. */
export function answerOptions(c: Context<HttpEnv>, allow: string): Response {
  const isPreflight = c.req.header('origin') !== undefined
  return c.body(null, 204, {
    Allow: allow,
    ...(isPreflight && {
      'Access-Control-Allow-Methods': allow,
      'Access-Control-Allow-Headers': 'Content-Type, Authorization, Last-Event-ID, Idempotency-Key',
      'Access-Control-Max-Age': `${PREFLIGHT_MAX_AGE_S}`,
    }),
  })
}

// HTTP/2 has no Host header; there the runtime puts the authority into the URL.
function hostOf(c: Context<HttpEnv>): string | undefined {
  return c.req.header('host') ?? new URL(c.req.url).host
}
