import { describe, expect, it } from 'vitest'
import { AnonymousAuthenticator } from '../../src/access/anonymous.ts'
import { ANONYMOUS } from '../../src/access/identity.ts'
import { ProxyAuthenticator } from '../../src/access/proxy.ts'
import { credentials } from './support.ts'

const HEADERS = { 'x-forwarded-user': 'alice', 'x-forwarded-groups': 'staff, room-1 ,,  ' }

function judge(remoteAddress: string, trustedAddresses: string[], headers: Record<string, string> = HEADERS) {
  const names = { userHeader: 'X-Forwarded-User', groupsHeader: 'X-Forwarded-Groups' }
  return new ProxyAuthenticator({ ...names, trustedAddresses }).authenticate(credentials({ remoteAddress, headers }))
}

describe('the authenticator for a proxy', () => {
  it('believes who has connected, not whom that says to stand for', () => {
    const judged = (remoteAddress: string, peerAddress: string) => {
      const { handshake, ...rest } = credentials({ remoteAddress, headers: HEADERS })
      const proxy = new ProxyAuthenticator({ userHeader: 'X-Forwarded-User', trustedAddresses: ['10.0.0.1'] })
      return proxy.authenticate({ ...rest, handshake: { ...handshake, peerAddress } })
    }
    expect(judged('192.0.2.7', '10.0.0.1')).toEqual({ user: 'alice' })
    expect(judged('10.0.0.1', '192.0.2.7')).toBe('not-mine')
  })

  it('believes the headers of its proxy', () => {
    expect(judge('127.0.0.1', ['127.0.0.1/32'])).toEqual({ user: 'alice', groups: ['staff', 'room-1'] })
    expect(judge('127.0.0.1', ['127.0.0.1/32'], { 'x-forwarded-user': 'bob' })).toEqual({ user: 'bob' })
    expect(new ProxyAuthenticator({ userHeader: 'x', trustedAddresses: [] }).looksAtHandshake).toBe(true)
  })

  it.each([
    ['10.1.2.3', ['10.0.0.0/8']],
    ['::ffff:10.1.2.3', ['10.0.0.0/8']],
    ['::ffff:a01:203', ['10.0.0.0/8']],
    ['10.1.2.3', ['::ffff:10.0.0.0/104']],
    ['10.1.2.3', ['::ffff:10.1.2.3']],
    ['10.1.2.3', ['192.0.2.0/24', '10.1.2.3']],
    ['2001:db8::1', ['2001:db8::/32']],
    ['2001:0db8:0:0::1', ['2001:db8::1']],
    ['fe80::1%eth0', ['fe80::/10']],
    ['::1', ['::1/128']],
    ['10.1.2.3', ['0.0.0.0/0']],
  ])('trusts %s if it trusts %j', (address, trusted) => {
    expect(judge(address, trusted)).toMatchObject({ user: 'alice' })
  })

  it.each([
    ['11.1.2.3', ['10.0.0.0/8']],
    ['::ffff:11.1.2.3', ['10.0.0.0/8']],
    ['2001:db9::1', ['2001:db8::/32']],
    ['10.1.2.3', ['::/0']],
    ['::1', ['0.0.0.0/0', '127.0.0.1']],
    ['', ['0.0.0.0/0', '::/0']],
    ['unknown', ['0.0.0.0/0', '::/0']],
    ['10.1.2.3', []],
  ])('does not trust %s if it trusts %j', (address, trusted) => {
    expect(judge(address, trusted)).toBe('not-mine')
  })

  it('knows nobody without the header, or with an empty one', () => {
    for (const headers of [{}, { 'x-forwarded-user': '' }, { 'x-forwarded-groups': 'staff' }]) {
      expect(judge('127.0.0.1', ['127.0.0.1'], headers)).toBe('not-mine')
    }
  })

  it.each([
    '',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '1',
    '10.1',
    '0x7f.1',
    '::1/129',
  ])('cannot be made with %j as an address', (address) => {
    expect(() => judge('127.0.0.1', [address])).toThrow(/no address and no range/)
  })
})

describe('the authenticator for nobody', () => {
  it('lets in who brings nothing, and leaves who brings something to others', () => {
    const anonymous = new AnonymousAuthenticator()
    expect(anonymous.authenticate(credentials())).toBe(ANONYMOUS)
    for (const parts of [{ token: '' }, { token: 'x' }, { login: '' }, { passcode: '' }]) {
      expect(anonymous.authenticate(credentials(parts))).toBe('not-mine')
    }
  })
})
