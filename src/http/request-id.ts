/**
 * Ids by which one request is found again in the logs of proxies, of this bridge and of whoever called: the one that came
 * with it if it is one, else a new one.
 */
import { randomUUID } from 'node:crypto'

export const REQUEST_ID = 'X-Request-Id'

/** What proxies and tracers write: no spaces, no control characters, and not long. */
const PATTERN = /^[\w.:/+=@-]{1,128}$/

/** Returns the id that a request brings; undefined if it brings none, or something else. */
export function givenRequestId(headers: Headers): string | undefined {
  const given = headers.get(REQUEST_ID)
  return given !== null && PATTERN.test(given) ? given : undefined
}

/** The same, or a new one. */
export function requestIdOf(headers: Headers): string {
  return givenRequestId(headers) ?? randomUUID()
}
