/** Owns where a handshake may bring a credential: the first that is found counts, whatever kind it is of. */
import { bearerToken } from '../access/bearer.ts'
import type { Handshake } from '../access/handshake.ts'
import { parse } from 'hono/utils/cookie'

/** Names of query parameters and cookies. */
export interface CredentialNames {
  readonly query: readonly string[]
  readonly cookies: readonly string[]
}

/** Beside the sub-protocols of STOMP: browsers can set no header of a handshake but this one. */
const SUB_PROTOCOL = /^bearer\.(.+)$/

/** Returns the token of a handshake, maybe empty; undefined if it has none. */
export function handshakeToken({ headers, query }: Handshake, names: CredentialNames): string | undefined {
  const bearer = bearerToken(headers.get('authorization'))
  if (bearer !== undefined) return bearer
  for (const name of names.query) {
    const value = query.get(name)
    if (value !== null) return value
  }
  const cookie = headers.get('cookie')
  if (cookie !== null && names.cookies.length > 0) {
    const cookies = parse(cookie)
    for (const name of names.cookies) if (cookies[name] !== undefined) return cookies[name]
  }
  for (const offered of headers.get('sec-websocket-protocol')?.split(',') ?? []) {
    const token = SUB_PROTOCOL.exec(offered.trim())?.[1]
    if (token !== undefined) return token
  }
  return undefined
}
