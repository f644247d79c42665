/**
 * The Host header, by RFC 9112 section 3.2: HTTP/1.1 must have exactly one, and it must be a host. HTTP/1.0 need not have
 * any, and health checks of balancers do not. The same on every runtime, whatever its own HTTP server lets through.
 */

/** Stands for the host in the URL of a request that names none; nobody can have this name (RFC 2606). */
export const NO_HOST = 'no-host.invalid'

/**
 * What a host may hold by RFC 3986 section 3.2.2. With any other character Bun's URL of the request is a bare path, and
 * would be taken for one that is some characters shorter. No comma: a list is what a runtime makes of two headers.
 */
const AUTHORITY = /^[\w.~!$&'()*+;=:%[\]-]*$/

/** Says whether a Host header names a host. Remembers the last one that did: clients mostly name the same. */
export function hostCheck(): (host: string) => boolean {
  let known = ''
  return (host) => {
    if (host === known || host === '') return true // an empty one is allowed: RFC 9110 section 7.2
    if (!AUTHORITY.test(host) || !URL.canParse(`http://${host}`)) return false
    known = host
    return true
  }
}

export function badHostResponse(): Response {
  const body = { error: { code: 'bad-host', message: 'Send one Host header, with the name of this server' } }
  return Response.json(body, { status: 400, headers: { connection: 'close', 'cache-control': 'no-store' } })
}
