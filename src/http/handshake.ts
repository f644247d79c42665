/** Makes of a request what those who authenticate are given of it. */
import type { Context } from 'hono'
import type { Handshake } from '../access/handshake.ts'
import type { Identity } from '../access/identity.ts'
import type { RequestEnv } from '../socket.ts'
import type { HttpEnv } from './json-error.ts'
import { givenRequestId } from './request-id.ts'

class HttpHandshake implements Handshake {
  readonly headers: Headers
  readonly remoteAddress: string
  readonly peerAddress: string
  readonly identity: Identity | undefined
  readonly requestId: string | undefined
  readonly #url: string
  #parsed: URL | undefined

  constructor(
    request: Request,
    { remoteAddress, peerAddress }: RequestEnv,
    identity: Identity | undefined,
    requestId: string | undefined,
  ) {
    this.headers = request.headers
    this.remoteAddress = remoteAddress
    this.peerAddress = peerAddress ?? remoteAddress
    this.identity = identity
    this.requestId = requestId
    this.#url = request.url
  }

  get path(): string {
    return this.#parse().pathname
  }

  get query(): URLSearchParams {
    return this.#parse().searchParams
  }

  /** Most never ask, and it costs more than the rest. */
  #parse(): URL {
    return (this.#parsed ??= new URL(this.#url))
  }
}

export function handshakeOf(c: Context<HttpEnv>, identity?: Identity): Handshake {
  const { raw } = c.req
  return new HttpHandshake(raw, c.env, identity, c.get('requestId') ?? givenRequestId(raw.headers))
}
