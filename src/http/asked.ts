/** What a request for a stream of messages says in its path and query: the destination, and from where on. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { ProtocolError } from '../errors.ts'
import { HttpError, type HttpEnv } from './json-error.ts'

/** The path's parameter, as the OpenAPI document shows it. */
export const destinationParams = z.object({
  destination: z.string().openapi({
    param: { name: 'destination', in: 'path' },
    description: 'The destination without its first slash; slashes may stay as they are',
    example: 'topic/greetings',
  }),
})

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

/** Hono takes what it cannot decode as it stands, which would be another destination. Errors: HttpError `bad-field`. */
export function requireDecodable(c: Context<HttpEnv>): void {
  const { pathname, search } = new URL(c.req.url)
  try {
    decodeURIComponent(pathname)
    decodeURIComponent(search)
  } catch {
    throw new HttpError('bad-field', 'The path and the query must be percent-encoded UTF-8')
  }
}

/** Returns the destination that follows a prefix of the path; the path can be decoded. */
export function destinationBelow(c: Context<HttpEnv>, prefix: string): string {
  // Not c.req.path, which is decoded in parts.
  return decodeURIComponent(new URL(c.req.url).pathname.slice(prefix.length))
}
