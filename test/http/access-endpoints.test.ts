/** The operations by which backends see who is connected, make tickets and end sessions: what is asked, answered and refused. */
import { describe, expect, it } from 'vitest'
import type { Identity } from '../../src/access/identity.ts'
import { ProtocolError } from '../../src/errors.ts'
import { accessEndpoints } from '../../src/http/access-endpoints.ts'
import { HttpError } from '../../src/http/json-error.ts'
import { createKeyGuard, type KeyRing, type Scope } from '../../src/http/key-guard.ts'
import { testApp } from './support.ts'

const scopes: Readonly<Record<string, readonly Scope[]>> = {
  read: ['read'],
  admin: ['admin'],
  tickets: ['tickets'],
  publish: ['publish'],
}
const keys: KeyRing = {
  find: (key) => (Object.hasOwn(scopes, key) ? { name: key, scopes: new Set(scopes[key]) } : undefined),
}

function backend({ identify = () => undefined as Identity | undefined, isAway = false } = {}) {
  const calls: unknown[] = []
  const failures: string[] = []
  const attempts = { check() {}, failed: (address: string) => void failures.push(address) }
  const answer = <T>(call: unknown, value: T): Promise<T> => {
    calls.push(call)
    return isAway ? Promise.reject(new ProtocolError('bus-unavailable', 'Away')) : Promise.resolve(value)
  }
  const moreEndpoints = accessEndpoints({
    guard: createKeyGuard(keys, attempts),
    people: {
      users: (limit, after) => answer(['users', limit, after], { users: [{ user: 'a', sessions: 2 }], next: 'a' }),
      user: (user) => answer(['user', user], { user, online: false, sessions: [] }),
      presence: (destination) => answer(['presence', destination], { destination, sessions: 0, users: [] }),
    },
    ending: {
      closeUser: (user) => answer(['closeUser', user], 3),
      revoke: (revocation) => answer(['revoke', revocation], undefined),
    },
    tickets: {
      keys,
      attempts,
      identify: async () => identify(),
      showsTicket: (c) => c.req.header('authorization')?.includes('tkt_') ?? false,
      issue: (identity, sessionSeconds) =>
        answer(['issue', identity, sessionSeconds], { ticket: 'tkt_x', expiresInSeconds: 60 }),
      maxBodyBytes: 10_000,
    },
    maxBodyBytes: 10_000,
  })
  const app = testApp({ deps: { moreEndpoints } })
  const ask = async (method: string, path: string, key?: string, body?: unknown) => {
    const response = await app.request(path, {
      method,
      headers: {
        ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }
  return { ask, calls, failures }
}

const outcome = ({ status, body }: { status: number; body?: { error?: { code: string } } }) =>
  body?.error ? `${status} ${body.error.code}` : `${status}`

describe('the operations for backends', () => {
  it.each([
    ['GET', '/api/users', 'read'],
    ['GET', '/api/users/alice', 'read'],
    ['GET', '/api/presence?destination=/topic/x', 'read'],
    ['DELETE', '/api/users/alice/sessions', 'admin'],
    ['POST', '/api/revocations', 'admin'],
  ])('%s %s needs the scope %s, and no other will do', async (method, path, scope) => {
    const { ask, calls, failures } = backend()
    const body = method === 'POST' ? { user: 'alice', seconds: 60 } : undefined
    expect(outcome(await ask(method, path, undefined, body))).toBe('401 not-authenticated')
    expect(outcome(await ask(method, path, 'wrong', body))).toBe('401 not-authenticated')
    expect(failures).toHaveLength(1)
    for (const other of Object.keys(scopes).filter((each) => each !== scope)) {
      expect(outcome(await ask(method, path, other, body)), other).toBe('403 not-authorized')
    }
    expect(calls).toEqual([])
    expect((await ask(method, path, scope, body)).status).toBeLessThan(300)
    expect(calls).toHaveLength(1)
  })

  it('list users by page', async () => {
    const { ask, calls } = backend()
    const { body, headers } = await ask('GET', '/api/users?limit=5&after=%C3%A4%2F', 'read')
    expect(body).toEqual({ users: [{ user: 'a', sessions: 2 }], next: 'a' })
    expect(headers.get('cache-control')).toBe('no-store')
    await ask('GET', '/api/users', 'read')
    expect(calls).toEqual([
      ['users', 5, 'ä/'],
      ['users', 100, undefined],
    ])
  })

  it.each(['0', '1001', '-1', 'x', '1.5', ''])('refuse to list "%s" users', async (limit) => {
    const { ask } = backend()
    expect(outcome(await ask('GET', `/api/users?limit=${limit}`, 'read'))).toBe('400 bad-field')
  })

  it('take a name as it is encoded in the path', async () => {
    const { ask, calls } = backend()
    await ask('GET', '/api/users/a%2Fb%20c', 'read')
    await ask('DELETE', '/api/users/a%2Fb%20c/sessions', 'admin')
    expect(calls).toEqual([
      ['user', 'a/b c'],
      ['closeUser', 'a/b c'],
    ])
  })

  it.each(['', '?destination=', '?destination=/topic/*'])('refuse presence of "%s"', async (query) => {
    const { ask } = backend()
    expect(outcome(await ask('GET', `/api/presence${query}`, 'read'))).toBe('400 bad-field')
  })

  it('say how many sessions were closed, and nothing of a revocation', async () => {
    const { ask, calls } = backend()
    expect((await ask('DELETE', '/api/users/alice/sessions', 'admin')).body).toEqual({ closed: 3 })
    const { status, body } = await ask('POST', '/api/revocations', 'admin', { tokenId: 'j', seconds: 60 })
    expect([status, body]).toEqual([204, undefined])
    expect(calls[1]).toEqual(['revoke', { tokenId: 'j', seconds: 60 }])
  })

  it.each([
    ['both', { user: 'a', tokenId: 'j', seconds: 1 }],
    ['neither', { seconds: 1 }],
    ['an empty user', { user: '', seconds: 1 }],
    ['no time', { user: 'a' }],
    ['no second', { user: 'a', seconds: 0 }],
    ['half a second', { user: 'a', seconds: 0.5 }],
    ['too many', { user: 'a', seconds: 1e12 }],
    ['no object', [1]],
    ['no JSON', '{'],
  ])('refuse a revocation with %s', async (_what, body) => {
    const { ask, calls } = backend()
    const result = await ask('POST', '/api/revocations', 'admin', body)
    expect(outcome(result)).toMatch(/^400 bad-(field|json)$/)
    expect(calls).toEqual([])
  })

  it('answer 503 while the other nodes cannot be reached', async () => {
    const { ask } = backend({ isAway: true })
    for (const path of ['/api/users', '/api/users/a', '/api/presence?destination=/topic/x']) {
      const result = await ask('GET', path, 'read')
      expect(outcome(result), path).toBe('503 bus-unavailable')
      expect(result.headers.get('retry-after')).toBe('1')
    }
  })
})

describe('POST /api/tickets', () => {
  it('makes a ticket for a user of a backend', async () => {
    const { ask, calls } = backend()
    const asked = { user: 'alice', groups: ['g'], claims: { a: 1 }, sessionSeconds: 60 }
    const { status, body, headers } = await ask('POST', '/api/tickets', 'tickets', asked)
    expect([status, body]).toEqual([200, { ticket: 'tkt_x', expiresInSeconds: 60 }])
    expect(headers.get('cache-control')).toBe('no-store')
    expect(calls).toEqual([['issue', { user: 'alice', groups: ['g'], claims: { a: 1 } }, 60]])
  })

  it('makes one for who can say who it is, whatever the body says', async () => {
    const identity = { user: 'bob', expiresAt: 5, tokenId: 'j' }
    const { ask, calls } = backend({ identify: () => identity })
    expect((await ask('POST', '/api/tickets', 'a.jwt.token')).status).toBe(200)
    expect((await ask('POST', '/api/tickets', 'a.jwt.token', { user: 'alice' })).status).toBe(200)
    expect(calls).toEqual([
      ['issue', identity, undefined],
      ['issue', identity, undefined],
    ])
  })

  it.each([
    ['nobody', undefined, () => undefined],
    ['somebody anonymous', undefined, () => ({ user: undefined })],
    ['whoever has a ticket already', 'tkt_y', () => ({ user: 'bob' })],
  ])('makes none for %s', async (_who, token, identify) => {
    const { ask, calls } = backend({ identify })
    const result = await ask('POST', '/api/tickets', token)
    expect(outcome(result)).toBe('401 not-authenticated')
    expect(result.headers.get('www-authenticate')).toBe('Bearer')
    expect(calls).toEqual([])
  })

  it('says what the login says', async () => {
    const { ask } = backend({
      identify() {
        throw new HttpError('not-authenticated', 'Login was refused')
      },
    })
    expect(outcome(await ask('POST', '/api/tickets', 'bad'))).toBe('401 not-authenticated')
  })

  it.each(['read', 'admin', 'publish'])('is not for a key with the scope %s', async (key) => {
    const { ask } = backend()
    expect(outcome(await ask('POST', '/api/tickets', key, { user: 'alice' }))).toBe('403 not-authorized')
  })

  it.each([
    ['no user', {}],
    ['an empty user', { user: '' }],
    ['a user with a line feed', { user: 'a\nb' }],
    ['a number for a user', { user: 1 }],
    ['a user of 256 characters', { user: 'a'.repeat(256) }],
    ['groups that are no list', { user: 'a', groups: 'g' }],
    ['claims that are no object', { user: 'a', claims: [1] }],
    ['no time', { user: 'a', sessionSeconds: 0 }],
  ])('refuses %s', async (_what, body) => {
    const { ask } = backend()
    expect(outcome(await ask('POST', '/api/tickets', 'tickets', body))).toBe('400 bad-field')
  })
})
