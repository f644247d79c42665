import { scryptSync } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { hashPassword, parsePasswordHash, verifyPassword } from '../../src/access/passwords.ts'
import { UsersAuthenticator } from '../../src/access/users.ts'
import type { ProtocolError } from '../../src/errors.ts'
import { credentials, errorOf } from './support.ts'

/** Cheap, as a password's never should be: most of these tests are about something else. */
function cheapHash(password: string): string {
  const salt = Buffer.from('0123456789abcdef')
  const hash = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 })
  return `scrypt$1024$8$1$${salt.toString('base64url')}$${hash.toString('base64url')}`
}

const users = () =>
  new UsersAuthenticator({
    users: [
      { name: 'alice', passwordHash: cheapHash('wonderland'), groups: ['staff'] },
      { name: 'bob', passwordHash: cheapHash('builder') },
    ],
    isTicket: (token) => token.startsWith('tkt_'),
  })

describe('a password hash', () => {
  let stored: string
  beforeAll(async () => void (stored = await hashPassword('wonderland')))

  it('fits its password only', async () => {
    const hash = parsePasswordHash(stored)!
    expect(await verifyPassword('wonderland', hash)).toBe(true)
    for (const wrong of ['', 'Wonderland', 'wonderland ', ' wonderland']) {
      expect(await verifyPassword(wrong, hash)).toBe(false)
    }
  })

  it('has its cost, a salt of its own and no password in it', async () => {
    expect(stored).toMatch(/^scrypt\$32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/)
    expect(await hashPassword('wonderland')).not.toBe(stored)
    expect(stored).not.toContain('wonderland')
  })

  it('fits a password however its letters were composed', async () => {
    expect(await verifyPassword('cafe\u0301', parsePasswordHash(cheapHash('caf\u00e9'))!)).toBe(true)
  })

  it.each([
    ['another scheme', 'bcrypt$1024$8$1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA'],
    ['an N that is no power of two', 'scrypt$1025$8$1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA'],
    ['a small N', 'scrypt$2$8$1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA'],
    ['too much memory', 'scrypt$1048576$8$1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA'],
    ['too much work', 'scrypt$65536$8$9$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA'],
    ['r of zero', 'scrypt$1024$0$1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA'],
    ['no hash', 'scrypt$1024$8$1$MDEyMzQ1Njc4OWFiY2RlZg$'],
    ['other base64', 'scrypt$1024$8$1$MDEyMzQ1Njc4OWFiY2R+/w$AAAAAAAAAAAAAAAAAAAAAA'],
    ['nothing', ''],
  ])('with %s is none', (_which, text) => {
    expect(parsePasswordHash(text)).toBeUndefined()
  })
})

describe('the authenticator for users', () => {
  it('lets in who knows the password, with the groups of the configuration', async () => {
    const alice = credentials({ login: 'alice', passcode: 'wonderland' })
    expect(await users().authenticate(alice)).toEqual({ user: 'alice', groups: ['staff'] })
    expect(await users().authenticate(credentials({ login: 'bob', passcode: 'builder' }))).toMatchObject({
      user: 'bob',
    })
  })

  it.each([
    ['a wrong password', 'alice', 'builder'],
    ['an empty one', 'alice', ''],
    ['a very long one', 'alice', 'a'.repeat(1e6)],
    ['an unknown name', 'eve', 'wonderland'],
    ['a name that every object has', 'constructor', 'wonderland'],
    ['an empty name', '', 'wonderland'],
  ])('refuses %s', async (_which, login, passcode) => {
    expect(await users().authenticate(credentials({ login, passcode }))).toBe('refused')
  })

  it('leaves to others who shows no name and password, or a ticket', () => {
    for (const parts of [
      {},
      { token: 'x' },
      { login: 'alice' },
      { passcode: 'x' },
      { login: 'alice', passcode: 'tkt_1' },
    ]) {
      expect(users().authenticate(credentials(parts))).toBe('not-mine')
    }
  })

  it('takes as long for a name that does not exist', async () => {
    const real = await hashPassword('wonderland')
    const authenticator = new UsersAuthenticator({ users: [{ name: 'alice', passwordHash: real }] })
    const time = async (login: string) => {
      const startedAt = performance.now()
      await authenticator.authenticate(credentials({ login, passcode: 'wrong' }))
      return performance.now() - startedAt
    }
    const [known, unknown] = [await time('alice'), await time('eve')]
    expect(unknown).toBeGreaterThan(known / 3)
  })

  it('checks a few at a time, lets a few wait, and cannot tell of more; other addresses have their turn', async () => {
    const authenticator = users()
    const login = (remoteAddress: string) =>
      Promise.resolve(
        authenticator.authenticate(credentials({ login: 'alice', passcode: 'wonderland', remoteAddress })),
      )
    const greedy = Array.from({ length: 60 }, () => login('192.0.2.1'))
    const modest = login('192.0.2.2')
    const results = await Promise.allSettled(greedy)
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    expect(errors).toHaveLength(60 + 1 - 34)
    for (const error of errors) expect((error as ProtocolError).code).toBe('auth-unavailable')
    expect(await modest).toMatchObject({ user: 'alice' })
    expect(await login('192.0.2.1')).toMatchObject({ user: 'alice' })
  })

  it('forgets who leaves while waiting', async () => {
    const authenticator = users()
    const controllers = Array.from({ length: 10 }, () => new AbortController())
    const logins = controllers.map(async ({ signal }) =>
      authenticator.authenticate(credentials({ login: 'alice', passcode: 'wonderland', signal })),
    )
    for (const controller of controllers.slice(2)) controller.abort()
    const results = await Promise.allSettled(logins)
    expect(results.map(({ status }) => status)).toEqual([
      ...Array<string>(2).fill('fulfilled'),
      ...Array<string>(8).fill('rejected'),
    ])
    const gone = credentials({ login: 'alice', passcode: 'wonderland', signal: AbortSignal.abort() })
    expect(((await errorOf(() => authenticator.authenticate(gone))) as ProtocolError).code).toBe('auth-unavailable')
  })

  it('cannot be made with a hash of another form, and does not show it', () => {
    const make = () => new UsersAuthenticator({ users: [{ name: 'alice', passwordHash: 'plain-password' }] })
    expect(make).toThrow(/user "alice"/)
    expect(make).not.toThrow(/plain-password/)
  })
})
