import { describe, expect, it } from 'vitest'
import { behindProxies } from '../../src/http/client-address.ts'
import type { RequestEnv } from '../../src/socket.ts'

function addressOf(peer: string, forwarded: string | undefined, trusted: readonly string[]): string | undefined {
  let seen: string | undefined
  const app = behindProxies((_request, env) => {
    seen = env.remoteAddress
    return new Response()
  }, trusted)
  const headers: Record<string, string> = forwarded === undefined ? {} : { 'X-Forwarded-For': forwarded }
  const env = { remoteAddress: peer, upgrade: () => new Response(), stream: () => new Response() } as RequestEnv
  void app(new Request('http://localhost/', { headers }), env)
  return seen
}

describe('the address of a client', () => {
  const TRUSTED = ['127.0.0.1', '10.0.0.0/8', '::1']
  it.each([
    ['nobody is trusted', '127.0.0.1', '203.0.113.7', [], '127.0.0.1'],
    ['the peer is not trusted', '198.51.100.1', '203.0.113.7', TRUSTED, '198.51.100.1'],
    ['the peer is', '127.0.0.1', '203.0.113.7', TRUSTED, '203.0.113.7'],
    ['the peer is, as IPv6', '::ffff:127.0.0.1', '203.0.113.7', TRUSTED, '203.0.113.7'],
    ['there are several proxies', '127.0.0.1', '203.0.113.7, 10.1.2.3', TRUSTED, '203.0.113.7'],
    ['the client has written one itself', '127.0.0.1', '1.2.3.4, 203.0.113.7', TRUSTED, '203.0.113.7'],
    ['all are trusted', '127.0.0.1', '10.1.1.1, 10.1.1.2', TRUSTED, '10.1.1.1'],
    ['what stands there is no address', '127.0.0.1', 'unknown', TRUSTED, '127.0.0.1'],
    ['there is junk before the last', '127.0.0.1', '<script>, 203.0.113.7', TRUSTED, '203.0.113.7'],
    ['it is empty', '127.0.0.1', '', TRUSTED, '127.0.0.1'],
    ['it is missing', '127.0.0.1', undefined, TRUSTED, '127.0.0.1'],
    ['it is IPv6', '::1', '2001:db8::7', TRUSTED, '2001:db8::7'],
  ])('when %s', (_when, peer, forwarded, trusted, expected) => {
    expect(addressOf(peer, forwarded, trusted)).toBe(expected)
  })
})
