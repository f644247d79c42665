/** What a request for a stream of messages says in its path and query: the destination, and from where on. */
import type { Context } from 'hono'
import { ProtocolError } from '../errors.ts'
import { HttpError, type HttpEnv } from './json-error.ts'

const ASKS = ['since', 'epoch', 'last', 'since-time']

/** Does it ask for what has been before? */
export function isAsking(c: Context<HttpEnv>): boolean {
  const query = c.req.query()
  return ASKS.some((name) => Object.hasOwn(query, name))
}

/** Errors: ProtocolError `no-history`. */
export function refuseAsk(c: Context<HttpEnv>): void {
  if (!isAsking(c)) return
  throw new ProtocolError('no-history', `This destination has no history: leave out ${ASKS.join(', ')}`)
}

/** Returns the destination that follows a prefix of the path, decoded. Errors: HttpError `bad-field`. */
export function destinationBelow(c: Context<HttpEnv>, prefix: string): string {
  // Not c.req.path, which is decoded in parts.
  const { pathname } = new URL(c.req.url)
  try {
    return decodeURIComponent(pathname.slice(prefix.length))
  } catch {
    throw new HttpError('bad-field', 'The path must be percent-encoded UTF-8')
  }
}
