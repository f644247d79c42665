import { describe, expect, it } from 'vitest'
import { isInHandshake, ticketIn, tokenOf, withoutTicket, withToken } from '../../web-debugger/stomp/credential.ts'
import { readToken } from '../../web-debugger/stomp/jwt.ts'
import { createProfile, type Profile } from '../../web-debugger/stomp/profile.ts'

const profile = (change: Partial<Profile> = {}): Profile => ({ ...createProfile('ws://h/stomp'), ...change })

describe('a ticket in a URL', () => {
  it.each([
    ['ws://h/stomp?ticket=tkt_1', 'tkt_1', 'ws://h/stomp'],
    ['ws://h/stomp?a=%2F&ticket=t%2B1&b=2#x', 't+1', 'ws://h/stomp?a=%2F&b=2#x'],
    [' wss://h/?ticket=1&ticket=2', '1', ' wss://h/'],
  ])('of %s is found, and can be taken out', (url, ticket, without) => {
    expect(ticketIn(url)).toBe(ticket)
    expect(withoutTicket(url)).toBe(without)
  })

  it.each(['ws://h/stomp', 'ws://h/ticket=1', 'ws://h/?tickets=1', 'ws://h/?ticket=', 'half?ticket=1'])(
    'is not there in %s, which stays as it is',
    (url) => {
      expect(ticketIn(url)).toBeUndefined()
      expect(withoutTicket(url)).toBe(url)
    },
  )
})

describe('the token of a profile', () => {
  it.each([
    ['of its field', { token: 't', passcode: 'p' }, 't'],
    ['in place of a passcode', { passcode: 'p' }, 'p'],
    ['not a password, which has a login', { login: 'a', passcode: 'p' }, undefined],
    ['of the URL before that of CONNECT', { url: 'ws://h/?access_token=u', token: 't' }, 'u'],
    ['not there with a ticket', { url: 'ws://h/?ticket=u', token: 't' }, undefined],
    ['of its field in the URL', { url: 'ws://h/?ticket=u', token: 't', tokenPlace: 'query' }, 't'],
    ['not there', {}, undefined],
  ] as const)('is the one %s', (_where, change, token) => expect(tokenOf(profile(change))).toBe(token))

  it('goes with the handshake where it stands in the URL', () => {
    expect(isInHandshake(profile({ token: 't', tokenPlace: 'query' }))).toBe(true)
    expect(isInHandshake(profile({ url: 'ws://h/?access_token=u' }))).toBe(true)
    expect(isInHandshake(profile({ url: 'ws://h/?ticket=u' }))).toBe(true)
    expect(isInHandshake(profile({ token: 't', passcode: 'p' }))).toBe(false)
  })

  it('is replaced where it stands', () => {
    expect(withToken(profile({ token: 't' }), 'new')).toEqual(profile({ token: 'new' }))
    expect(withToken(profile({ passcode: 'p' }), 'new')).toEqual(profile({ passcode: 'new' }))
    expect(withToken(profile({ url: 'ws://h/?access_token=u&b=2' }), 'a&b').url).toBe('ws://h/?access_token=a%26b&b=2')
    for (const other of [profile(), profile({ login: 'a', passcode: 'p' }), profile({ url: 'ws://h/?ticket=u' })]) {
      expect(withToken(other, 'new')).toEqual(other)
    }
  })
})

describe('what a token says', () => {
  const token = (claims: unknown, header: unknown = { alg: 'HS256' }) =>
    [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.') + '.c2ln'

  it('is when it expires, without a look at the signature', () => {
    expect(readToken(token({ exp: 1_790_000_000, sub: 'Grüße ?>~' }))).toEqual({ expiresAtMs: 1_790_000_000_000 })
    expect(readToken(` ${token({ exp: 1.5 }, { alg: 'none' })}\n`)).toEqual({ expiresAtMs: 1500 })
  })

  it.each([{}, { exp: 'soon' }, { exp: null }, { exp: 1e300 }])('is nothing of that in %j', (claims) => {
    expect(readToken(token(claims))).toEqual({ expiresAtMs: undefined })
  })

  it.each(['', 'a.b.c', 'opaque', 'tkt_1', `${token({})}.e`, token([]), token(7), token({}, null), 'e30.e30'])(
    'is nothing at all where it is none: %s',
    (text) => expect(readToken(text)).toBeUndefined(),
  )
})
