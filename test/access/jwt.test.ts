import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { exportSPKI } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Authenticator, Verdict } from '../../src/access/authenticator.ts'
import { JwtAuthenticator, type JwtOptions } from '../../src/access/jwt.ts'
import { FakeLog } from '../support/fake-log.ts'
import { credentials, makeKey, NOW, rawToken, sign, type TestKey } from './support.ts'

const SECRET = 'a secret of at least thirty-two bytes'
const secretBytes = new TextEncoder().encode(SECRET)
const HS = { alg: 'HS256' }

let rsa: TestKey
let other: TestKey
let pem: string

beforeAll(async () => {
  ;[rsa, other] = await Promise.all([makeKey(), makeKey()])
  pem = await exportSPKI(rsa.publicKey)
})

function make(options: Partial<JwtOptions> = {}) {
  const log = new FakeLog()
  const both = { algorithms: ['RS256'], publicKey: pem, ...options }
  return { log, jwt: new JwtAuthenticator(both, { now: () => NOW * 1000, log }) }
}

const symmetric = (options: Partial<JwtOptions> = {}) =>
  make({ algorithms: ['HS256'], secret: SECRET, publicKey: undefined, ...options }).jwt

const judge = async (authenticator: Authenticator, token: string): Promise<Verdict> =>
  authenticator.authenticate(credentials({ token }))

describe('a token', () => {
  it('signed with the key lets its user in, with groups, claims, expiry and id', async () => {
    const payload = { sub: 'alice', groups: ['staff', 'room-1'], exp: NOW + 60, jti: 'id-1', role: 'admin' }
    expect(await judge(make().jwt, await sign(payload, rsa.privateKey))).toEqual({
      user: 'alice',
      groups: ['staff', 'room-1'],
      claims: payload,
      expiresAt: NOW + 60,
      tokenId: 'id-1',
    })
  })

  it('signed with the secret lets its user in; without exp, groups and jti it has none', async () => {
    expect(await judge(symmetric(), await sign({ sub: 'alice' }, secretBytes, HS))).toEqual({
      user: 'alice',
      groups: undefined,
      claims: { sub: 'alice' },
      expiresAt: undefined,
      tokenId: undefined,
    })
  })

  it('names user and groups in the claims that are set; one text is one group', async () => {
    const token = await sign({ email: 'a@example', 'https://example/roles': 'staff', sub: 'no' }, secretBytes, HS)
    const jwt = symmetric({ userClaim: 'email', groupsClaim: 'https://example/roles' })
    expect(await judge(jwt, token)).toMatchObject({ user: 'a@example', groups: ['staff'] })
  })

  it.each(['ES256', 'PS256', 'EdDSA'])('of the algorithm %s is checked with a key of its kind', async (algorithm) => {
    const key = await makeKey(undefined, algorithm)
    const { jwt } = make({ algorithms: [algorithm], publicKey: await exportSPKI(key.publicKey) })
    expect(await judge(jwt, await sign({ sub: 'alice' }, key.privateKey, { alg: algorithm }))).toMatchObject({
      user: 'alice',
    })
    expect(await judge(jwt, await sign({ sub: 'alice' }, rsa.privateKey))).toBe('not-mine')
  })

  it.each([
    ['of any of the issuers', { iss: 'https://b' }],
    ['without exp', { iss: 'https://a' }],
    ['for several audiences', { iss: 'https://a', aud: ['x', 'bridge'] }],
    ['that is valid from now', { iss: 'https://a', nbf: NOW }],
    ['that ends in a moment', { iss: 'https://a', exp: NOW + 1 }],
    ['issued in the future, which only nbf forbids', { iss: 'https://a', iat: NOW + 100 }],
    ['with groups null', { iss: 'https://a', groups: null }],
  ])('%s is accepted', async (_which, claims) => {
    const jwt = symmetric({ issuer: ['https://a', 'https://b'], audience: 'bridge' })
    const token = await sign({ sub: 'alice', aud: 'bridge', ...claims }, secretBytes, HS)
    expect(await judge(jwt, token)).toMatchObject({ user: 'alice' })
  })

  it.each([
    ['that has expired', { exp: NOW }],
    ['that has expired long ago', { exp: 1 }],
    ['that is not valid yet', { nbf: NOW + 1 }],
    ['of another issuer', { iss: 'https://evil' }],
    ['of an issuer in a list', { iss: ['https://a'] }],
    ['without an issuer', { iss: undefined }],
    ['for another audience', { aud: 'shop' }],
    ['without an audience', { aud: undefined }],
    ['with an exp that is text', { exp: String(NOW + 60) }],
    ['with an nbf that is text', { nbf: 'never' }],
    ['without a user', { sub: undefined }],
    ['with an empty user', { sub: '' }],
    ['with a user that is a number', { sub: 5 }],
    ['with a user that is a list', { sub: ['alice'] }],
    ['with a user that is null', { sub: null }],
    ['with a line break in its user', { sub: 'alice\nbob' }],
    ['with a NUL in its user', { sub: 'alice\0' }],
    ['with a C1 control character in its user', { sub: 'alice\u0085' }],
    ['with a user of 256 characters', { sub: 'a'.repeat(256) }],
    ['with half of a surrogate pair in its user', { sub: 'alice\ud800' }],
    ['with a number as a group', { groups: ['a', 1] }],
    ['with an object as groups', { groups: { a: true } }],
  ])('%s is refused', async (_which, claims) => {
    const jwt = symmetric({ issuer: ['https://a', 'https://b'], audience: ['bridge'] })
    const payload = { sub: 'alice', iss: 'https://a', aud: 'bridge', ...claims }
    expect(await judge(jwt, await sign(payload, secretBytes, HS))).toBe('refused')
  })

  it('with an exp that is too large to be a number is refused', async () => {
    const [head, body] = [JSON.stringify(HS), `{"sub":"alice","exp":1e999}`].map((text) =>
      Buffer.from(text).toString('base64url'),
    )
    const signature = createHmac('sha256', secretBytes).update(`${head}.${body}`).digest('base64url')
    expect(await judge(symmetric(), `${head}.${body}.${signature}`)).toBe('refused')
  })

  it('is not asked for a claim that every object has', async () => {
    const token = await sign({ sub: 'alice' }, secretBytes, HS)
    expect(await judge(symmetric({ userClaim: 'constructor' }), token)).toBe('refused')
    expect(await judge(symmetric({ groupsClaim: 'constructor' }), token)).toMatchObject({ groups: undefined })
  })

  it('may have expired as long ago as the clocks may differ; that does not move its expiry', async () => {
    const jwt = symmetric({ clockToleranceSeconds: 5 })
    expect(jwt.clockToleranceSeconds).toBe(5)
    const verdict = async (claims: object) => judge(jwt, await sign({ sub: 'alice', ...claims }, secretBytes, HS))
    expect(await verdict({ exp: NOW - 4 })).toMatchObject({ user: 'alice', expiresAt: NOW - 4 })
    expect(await verdict({ exp: NOW - 5 })).toBe('refused')
    expect(await verdict({ nbf: NOW + 5 })).toMatchObject({ user: 'alice' })
    expect(await verdict({ nbf: NOW + 6 })).toBe('refused')
  })
})

describe('a forged token', () => {
  it('is none of an algorithm that is not listed, such as none', async () => {
    const { jwt } = make()
    for (const alg of ['none', 'None', 'NONE', '', 'HS256', 'rs256', 'RS512', 5, null, ['RS256'], undefined]) {
      expect(await judge(jwt, rawToken({ alg }, { sub: 'admin' }))).toBe('not-mine')
    }
    expect(await judge(jwt, rawToken({ alg: 'none' }, { sub: 'admin' }, ''))).toBe('not-mine')
  })

  it('is refused if an HMAC was made with the public key, where both algorithms are in use', async () => {
    const { jwt } = make({ algorithms: ['RS256', 'HS256'], secret: SECRET })
    for (const key of [pem, pem.trim(), JSON.stringify(rsa.jwk), rsa.jwk.n!]) {
      const token = await sign({ sub: 'admin' }, new TextEncoder().encode(key), HS)
      expect(await judge(jwt, token)).toBe('refused')
      expect(await judge(make().jwt, token)).toBe('not-mine')
    }
    expect(await judge(jwt, await sign({ sub: 'alice' }, secretBytes, HS))).toMatchObject({ user: 'alice' })
  })

  it('is refused with another key, a changed payload, another header or without a signature', async () => {
    const { jwt } = make()
    expect(await judge(jwt, await sign({ sub: 'admin' }, other.privateKey))).toBe('refused')
    const [head, , signature] = (await sign({ sub: 'alice' }, rsa.privateKey)).split('.')
    const payload = Buffer.from('{"sub":"admin"}').toString('base64url')
    expect(await judge(jwt, `${head}.${payload}.${signature}`)).toBe('refused')
    expect(await judge(jwt, `${head}.${payload}.`)).toBe('refused')
    expect(await judge(jwt, rawToken({ alg: 'RS256', kid: 'x' }, { sub: 'alice' }, signature))).toBe('refused')
  })

  it('does not bring its own key: jwk, jku, x5u, x5c and kid are not looked at', async () => {
    const { jwt } = make()
    const headers: Record<string, unknown>[] = [
      { jwk: other.jwk },
      { jku: 'http://127.0.0.1:9/keys' },
      { x5u: 'http://127.0.0.1:9/cert' },
      { x5c: ['AAAA'] },
      { kid: '../../../../dev/null' },
      { kid: "' OR 1=1 --" },
      { kid: { toString: 'x' } },
    ]
    for (const header of headers) {
      expect(await judge(jwt, await forged({ sub: 'admin' }, other, header))).toBe('refused')
      expect(await judge(jwt, await forged({ sub: 'alice' }, rsa, header))).toMatchObject({ user: 'alice' })
    }
  })

  it('with a critical header that nobody knows, or an unencoded payload, is refused', async () => {
    const { jwt } = make()
    expect(await judge(jwt, rawToken({ alg: 'RS256', crit: ['x'], x: 1 }, { sub: 'a' }))).toBe('refused')
    expect(await judge(jwt, rawToken({ alg: 'RS256', crit: [] }, { sub: 'a' }))).toBe('refused')
    expect(await judge(jwt, rawToken({ alg: 'RS256', crit: ['b64'], b64: false }, { sub: 'a' }))).toBe('refused')
  })

  it.each(['', '.', '..', 'a.b', 'a.b.c', '.b.c', 'a.b.c.d', '{}.{}.', 'é.é.é', 'e30.e30.e30.e30.e30', 'null', '💥'])(
    '%j is none of this kind',
    async (token) => {
      expect(await judge(make().jwt, token)).toBe('not-mine')
    },
  )

  it.each(['not json', '"alice"', 'null', '[]', '{"sub":"a"', ''])('around %j is refused', async (text) => {
    const [head, body] = [JSON.stringify(HS), text].map((part) => Buffer.from(part).toString('base64url'))
    const signature = createHmac('sha256', secretBytes).update(`${head}.${body}`).digest('base64url')
    expect(await judge(symmetric(), `${head}.${body}.${signature}`)).toBe('refused')
  })

  it('that is huge is not decoded', async () => {
    expect(await judge(make().jwt, rawToken({ alg: 'RS256' }, { sub: 'a'.repeat(1e6) }))).toBe('refused')
    expect(await judge(make().jwt, 'a'.repeat(5e6))).toBe('not-mine')
    expect(await judge(make().jwt, '.'.repeat(5e6))).toBe('not-mine')
  })

  it('never lets anybody in and never throws, whatever it is', async () => {
    const { jwt } = make({ algorithms: ['RS256', 'HS256'], secret: SECRET })
    const valid = (await sign({ sub: 'alice' }, rsa.privateKey)).split('.') as [string, string, string]
    const encoded = fc.json().map((text) => Buffer.from(text).toString('base64url'))
    const part = fc.oneof(encoded, fc.base64String(), fc.string(), fc.constant(''))
    const alg = fc.constantFrom('RS256', 'HS256', 'none')
    const head = fc
      .record({
        alg,
        kid: fc.anything(),
        crit: fc.anything(),
        b64: fc.anything(),
        typ: fc.anything(),
        jwk: fc.anything(),
      })
      .map((header) => Buffer.from(JSON.stringify(header) ?? '').toString('base64url'))
      .filter((header) => header !== '')
    const token = fc.oneof(
      fc.tuple(fc.oneof(part, head), part, part),
      fc.tuple(fc.constant(valid[0]), part, fc.constant(valid[2])),
      fc.tuple(fc.constant(valid[0]), fc.constant(valid[1]), part).filter(([, , signature]) => signature !== valid[2]),
    )
    await fc.assert(
      fc.asyncProperty(token, async (parts) => {
        expect(['refused', 'not-mine']).toContain(await judge(jwt, parts.join('.')))
      }),
      { numRuns: 500 },
    )
  })
})

describe('the authenticator for tokens', () => {
  it('takes nobody without one', async () => {
    expect(make().jwt.authenticate(credentials())).toBe('not-mine')
  })

  it('says why, but shows neither token nor key', async () => {
    const { jwt, log } = make({ algorithms: ['HS256'], secret: SECRET })
    const tokens = await Promise.all([
      sign({ sub: 'alice', exp: 1 }, secretBytes, HS),
      sign({ sub: 'alice' }, new TextEncoder().encode('another secret of thirty-two bytes'), HS),
      sign({ sub: '' }, secretBytes, HS),
    ])
    for (const token of tokens) expect(await judge(jwt, token)).toBe('refused')
    expect(log.entries.map(({ level, fields }) => [level, fields['reason']])).toEqual([
      ['debug', 'it has expired'],
      ['debug', 'its signature does not fit: it was signed with another key or secret, or changed since'],
      ['debug', 'it has no sub, or one that cannot be the name of a user'],
    ])
    const text = JSON.stringify(log.entries)
    for (const secret of [SECRET, 'alice', ...tokens.flatMap((token) => token.split('.'))]) {
      expect(text).not.toContain(secret)
    }
  })

  it.each<[string, Partial<JwtOptions>, RegExp]>([
    ['none', { algorithms: ['none'] }, /Cannot use the algorithm "none"/],
    ['an unknown algorithm', { algorithms: ['RS1'] }, /Cannot use the algorithm "RS1"/],
    ['HMAC without a secret', { algorithms: ['HS256'] }, /needs a secret/],
    ['HMAC with a short secret', { algorithms: ['HS256'], secret: 'short-secret' }, /12 bytes/],
    ['RSA without a key', { publicKey: undefined }, /needs a public key/],
    ['an algorithm of another kind of key', { algorithms: ['ES256'] }, /needs a key of type ec/],
    ['what is no key', { publicKey: 'TOP SECRET' }, /no public key/],
    ['a private key', { publicKey: '-----BEGIN PRIVATE KEY-----\nTOP SECRET' }, /private key/],
  ])('cannot be made with %s', (_which, options, message) => {
    expect(() => make(options)).toThrow(message)
    expect(() => make(options)).not.toThrow(/TOP SECRET|short-secret/)
  })
})

/** SignJWT checks its headers: a few of these it would not sign. */
async function forged(
  payload: Record<string, unknown>,
  key: TestKey,
  header: Record<string, unknown>,
): Promise<string> {
  const head = Buffer.from(JSON.stringify({ alg: 'RS256', ...header })).toString('base64url')
  const body = Buffer.from(JSON.stringify(payload)).toString('base64url')
  const data = new TextEncoder().encode(`${head}.${body}`)
  const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', key.privateKey, data)
  return `${head}.${body}.${Buffer.from(signature).toString('base64url')}`
}
