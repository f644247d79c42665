/** What a request for a stream of messages says in its path and query: the destination, and from where on. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { parseAsk, type Ask } from '../recovery/ask.ts'
import { HttpError, type HttpEnv } from './json-error.ts'

/** The path's parameter, as the OpenAPI document shows it. */
export const destinationParams = z.object({
  destination: z.string().openapi({
    param: { name: 'destination', in: 'path' },
    description: 'The destination without its first slash; slashes may stay as they are',
    example: 'topic/greetings',
  }),
})

/** The parameters of a query by which history is asked for, as the OpenAPI document shows them. */
export const askParameters = {
  since: z.string().optional().openapi({
    description: 'Offset of the last message that was received: what came after it comes first. With epoch',
  }),
  epoch: z.string().optional().openapi({ description: 'Epoch of that message' }),
  'since-time': z
    .string()
    .optional()
    .openapi({ description: 'What is later than this comes first; milliseconds since 1970, by the clock of Redis' }),
  last: z.string().optional().openapi({ description: 'So many of the newest messages come first' }),
}

/** Returns from where in the history of its destinations a request wants to go on; undefined if it does not say, and why that cannot be. */
export function askOf(c: Context<HttpEnv>): Ask | string | undefined {
  return parseAsk((name) => c.req.query(name))
}

/** Errors: HttpError `bad-field` if it cannot be. */
export function requireAsk(ask: Ask | string | undefined): Ask | undefined {
  if (typeof ask === 'string') throw new HttpError('bad-field', ask)
  return ask
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
