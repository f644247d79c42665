/** The scheme `Bearer` of an Authorization header. RFC 6750 section 2.1. */

/** Whatever follows the scheme: what is no token is refused as one, and not taken for a client without a credential. */
const BEARER = /^Bearer(?: +(.*))?$/is

/** Returns the token, maybe empty; undefined if the header is of another scheme, or missing. */
export function bearerToken(authorization: string | null | undefined): string | undefined {
  const found = BEARER.exec(authorization ?? '')
  return found ? (found[1] ?? '').trimEnd() : undefined
}
