/** What came with a connection before its first message: for whoever authenticates. */
import type { Identity } from './identity.ts'

export interface Handshake {
  /** Without the query; `""` over TCP. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Headers
  readonly remoteAddress: string
  /** Of whoever has connected: where trusted proxies stand between, the last of them. */
  readonly peerAddress: string
  /** Found already by the HTTP layer: what CONNECT says is then not looked at. */
  readonly identity: Identity | undefined
  /** What proxies in front, and the access log, call the request; undefined if it has no such id. */
  readonly requestId?: string | undefined
}

/** Returns the handshake of a connection that brings nothing, as over TCP. */
export function bareHandshake(remoteAddress: string): Handshake {
  return {
    path: '',
    query: new URLSearchParams(),
    headers: new Headers(),
    remoteAddress,
    peerAddress: remoteAddress,
    identity: undefined,
  }
}
