/**
 * Owns the question which web pages may talk to this bridge: a browser names the page in the `Origin` header. Pure
 * functions of the headers and the configured list; whoever sends no `Origin` is no browser and is not kept out here.
 */

/** Says whether a page may call: from the request's `Origin` and `Host`, undefined where the header is missing. */
export type OriginPolicy = (origin: string | undefined, host: string | undefined) => boolean

const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\,]+$/i
const WEB_SCHEME = /^https?:/i
const LOCAL_HOST = /^(localhost|([a-z0-9_-]+\.)+localhost|127\.0\.0\.1|\[::1\])$/

/**
 * Makes the policy for a configured list.
 *
 * Always allowed: no `Origin`, the page's own server, pages served from this machine over http or https.
 * `allowedOrigins`: exact origins, in any case, a slash at the end ignored; `*` is every page, and the only entry that
 * takes `null` (a sandboxed or local page) and what is no origin at all.
 */
export function createOriginPolicy(allowedOrigins: readonly string[]): OriginPolicy {
  const isOpen = allowedOrigins.includes('*')
  const listed = new Set(allowedOrigins.map((entry) => entry.toLowerCase().replace(/\/$/, '')))
  return (origin, host) => {
    if (origin === undefined || isOpen) return true
    if (!isOrigin(origin)) return false
    return listed.has(origin.toLowerCase()) || isLocalOrigin(origin) || isSameOrigin(origin, host)
  }
}

/** Is it what a browser sends for a page with an origin: scheme, host and port, and nothing else? */
export function isOrigin(value: string): boolean {
  return ORIGIN.test(value) && (!WEB_SCHEME.test(value) || URL.canParse(value))
}

/** Was the page served from this machine: localhost, a name below it, 127.0.0.1 or [::1], on any port? */
export function isLocalOrigin(origin: string): boolean {
  return isOrigin(origin) && WEB_SCHEME.test(origin) && LOCAL_HOST.test(new URL(origin).hostname)
}

/**
 * Was the page served under the host and port of this request?
 * The scheme does not count, because TLS usually ends in front of the bridge; so a host without a port, or with the
 * default port of either scheme, equals an origin on its own default port.
 */
export function isSameOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !isOrigin(origin) || !WEB_SCHEME.test(origin)) return false
  const page = new URL(origin).host
  return ['http', 'https'].some((scheme) => {
    const server = `${scheme}://${host}`
    return isOrigin(server) && new URL(server).host === page
  })
}
