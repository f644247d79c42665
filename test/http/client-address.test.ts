import { describe, expect, it } from 'vitest'
import { behindProxies } from '../../src/http/client-address.ts'
import type { RequestEnv } from '../../src/socket.ts'

const WARNING = /not in server\.trustedProxies/

function setUp(
  trustedProxies: readonly string[],
  forwardedHeader: 'X-Forwarded-For' | 'Forwarded' = 'X-Forwarded-For',
) {
  const seen: string[] = []
  const warnings: string[] = []
  const app = behindProxies(
    (_request, env) => {
      seen.push(env.remoteAddress)
      return new Response()
    },
    { trustedProxies, forwardedHeader },
    { warn: (_fields, text) => void warnings.push(text) },
  )
  const request = (peer: string, headers: Record<string, string> = {}): string | undefined => {
    const env = { remoteAddress: peer, upgrade: () => new Response(), stream: () => new Response() } as RequestEnv
    void app(new Request('http://localhost/', { headers }), env)
    return seen.at(-1)
  }
  return { request, warnings }
}

function addressOf(peer: string, forwarded: string | undefined, trusted: readonly string[]): string | undefined {
  return setUp(trusted).request(peer, forwarded === undefined ? {} : { 'X-Forwarded-For': forwarded })
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
    ['it has a port', '127.0.0.1', '203.0.113.7:51000', TRUSTED, '203.0.113.7'],
    ['it is IPv6 with a port', '127.0.0.1', '[2001:db8::7]:51000', TRUSTED, '2001:db8::7'],
    ['it is IPv6 in brackets', '127.0.0.1', '[2001:db8::7]', TRUSTED, '2001:db8::7'],
    ['proxies have ports', '127.0.0.1', '203.0.113.7:1, 10.1.2.3:2', TRUSTED, '203.0.113.7'],
    ['a port is none', '127.0.0.1', '203.0.113.7:http', TRUSTED, '127.0.0.1'],
    ['there is junk behind the last trusted one', '127.0.0.1', '203.0.113.7, junk, 10.1.1.1', TRUSTED, '10.1.1.1'],
    ['there are thousands', '127.0.0.1', `${'1.2.3.4, '.repeat(2000)}203.0.113.7`, TRUSTED, '203.0.113.7'],
  ])('when %s', (_when, peer, forwarded, trusted, expected) => {
    expect(addressOf(peer, forwarded, trusted)).toBe(expected)
  })
})

describe('the address of a client by the header Forwarded', () => {
  const forwarded = (text: string, more: Record<string, string> = {}) =>
    setUp(['127.0.0.1', '10.0.0.0/8'], 'Forwarded').request('127.0.0.1', { Forwarded: text, ...more })

  it.each([
    ['for=203.0.113.7', '203.0.113.7'],
    ['For="203.0.113.7:4711";proto=https;by=10.0.0.1', '203.0.113.7'],
    ['proto=http; for="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['for=1.2.3.4, for=203.0.113.7;host="a,b;for=5.6.7.8", for=10.0.0.9', '203.0.113.7'],
    ['for="1.2.3.4\\", for=9.9.9.9", for=203.0.113.7', '203.0.113.7'],
    ['for=_hidden', '127.0.0.1'],
    ['for=unknown, for=10.0.0.9', '10.0.0.9'],
    ['by=203.0.113.7', '127.0.0.1'],
    ['for="203.0.113.7', '127.0.0.1'],
    ['', '127.0.0.1'],
  ])('%s', (text, expected) => {
    expect(forwarded(text)).toBe(expected)
  })

  it('does not believe the header that is not the one', () => {
    expect(forwarded('for=203.0.113.7', { 'X-Forwarded-For': '1.2.3.4' })).toBe('203.0.113.7')
    expect(setUp(['127.0.0.1'], 'Forwarded').request('127.0.0.1', { 'X-Forwarded-For': '1.2.3.4' })).toBe('127.0.0.1')
    expect(setUp(['127.0.0.1']).request('127.0.0.1', { Forwarded: 'for=1.2.3.4' })).toBe('127.0.0.1')
  })
})

describe('a proxy that is not trusted', () => {
  it.each(['127.0.0.1', '::ffff:10.1.2.3', 'fd00::1', '192.168.1.1'])('is told of once, at %s', (peer) => {
    const { request, warnings } = setUp([])
    request(peer)
    expect(warnings).toEqual([])
    for (let i = 0; i < 3; i++) expect(request(peer, { 'X-Forwarded-For': '203.0.113.7' })).toBe(peer)
    expect(warnings).toEqual([expect.stringMatching(WARNING)])
  })

  it('is told of beside one that is, and not where anybody on the internet may write such a header', () => {
    const { request, warnings } = setUp(['10.0.0.1'])
    expect(request('203.0.113.9', { 'X-Forwarded-For': '1.2.3.4' })).toBe('203.0.113.9')
    expect(request('10.0.0.1', { 'X-Forwarded-For': '1.2.3.4' })).toBe('1.2.3.4')
    expect(warnings).toEqual([])
    expect(request('10.0.0.2', { 'X-Forwarded-For': '1.2.3.4' })).toBe('10.0.0.2')
    expect(warnings).toHaveLength(1)
    expect(request('10.0.0.1', { 'X-Forwarded-For': '1.2.3.4' })).toBe('1.2.3.4')
  })
})
