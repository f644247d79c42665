import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT, type JWTPayload } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkToken } from '../../src/access-answers.ts'
import { parseConfig } from '../../src/config.ts'

const SECRET = 'a secret of at least 32 bytes, really'
const JWT = { type: 'jwt', algorithms: ['HS256'], secret: SECRET }
const NOW = Math.floor(Date.now() / 1000)

const check = (token: string, ...authenticators: object[]) =>
  checkToken(parseConfig({ access: { authenticators } }).access!, token)

const sign = (claims: JWTPayload, { alg = 'HS256', secret = SECRET } = {}) =>
  new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret))

describe('a JWT', () => {
  it('is accepted as whoever it says', async () => {
    expect(await check(await sign({ sub: 'alice', groups: ['staff'] }), JWT)).toMatchObject({
      authenticator: 0,
      identity: { user: 'alice', groups: ['staff'] },
    })
  })

  it.each([
    [{ sub: 'a', exp: NOW - 60 }, 'it has expired'],
    [{ sub: 'a', nbf: NOW + 600 }, 'it is not valid yet, says nbf'],
    [{}, 'it has no sub, or one that cannot be the name of a user'],
    [{ sub: 'a', groups: 7 }, 'its groups is no list of texts'],
  ])('with %j is refused, and it is said why', async (claims, reason) => {
    const verdict = await check(await sign(claims), { type: 'ticket' }, JWT)
    expect(verdict).toEqual({ authenticator: 1, identity: undefined, reason })
  })

  it.each([
    [{ sub: 'a' }, 'it has no iss'],
    [{ sub: 'a', iss: 'you', aud: 'bridge' }, 'iss is not the issuer of the configuration'],
    [{ sub: 'a', iss: 'me', aud: 'shop' }, 'aud is not the audience of the configuration'],
  ])('for others, with %j, is refused, and it is said why', async (claims, reason) => {
    expect(await check(await sign(claims), { ...JWT, issuer: 'me', audience: 'bridge' })).toMatchObject({ reason })
  })

  it('with another secret or algorithm is refused, and it is said why', async () => {
    const foreign = await sign({ sub: 'a' }, { secret: 'another secret of at least 32 bytes' })
    expect(await check(foreign, JWT)).toMatchObject({ reason: expect.stringContaining('its signature does not fit') })
    expect(await check(await sign({ sub: 'a' }, { alg: 'HS512' }), JWT)).toEqual({
      authenticator: undefined,
      identity: undefined,
      reason: 'none of them takes tokens that are signed with HS512',
    })
  })

  it('is told from what is none', async () => {
    expect(await check('xyz', JWT)).toMatchObject({ reason: 'it is no JWT, and there is no callback to ask' })
    expect(await check(`Bearer ${await sign({ sub: 'a' })}`, JWT)).toMatchObject({
      reason: 'the word "Bearer" is no part of it',
    })
  })
})

describe('a callback', () => {
  let server: Server
  let callback: object

  beforeAll(async () => {
    server = createServer(({ url }, response) => {
      const [status, body] = ANSWERS[url!] ?? [403, {}]
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    callback = { type: 'callback', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/{token}` }
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  const ANSWERS: Readonly<Record<string, readonly [number, object]>> = {
    '/good': [200, { user: 'carol' }],
    '/old': [200, { user: 'carol', expiresAt: NOW - 60 }],
    '/broken': [500, {}],
  }

  it('is asked', async () => {
    expect(await check('good', JWT, callback)).toMatchObject({ authenticator: 1, identity: { user: 'carol' } })
    expect(await check('bad', JWT, callback)).toMatchObject({ authenticator: 1, reason: 'the service says no' })
    expect(await check('old', JWT, callback)).toMatchObject({ authenticator: 1, reason: 'it has expired' })
  })

  it('that does not answer gives no answer', async () => {
    expect(await check('broken', callback)).toEqual({
      cannotTell: 'the auth or key server failed (the answer has status 500)',
    })
  })

  it('is not asked about a ticket, and nobody is', async () => {
    expect(await check(`tkt_${'a'.repeat(43)}`, { type: 'ticket' }, callback)).toEqual({
      cannotTell: 'this is a ticket, and looking at it would use it up',
    })
  })
})
