/** Who comes in: every place of a credential and every kind of it, at every door, and what is never let in. */
import { createHash } from 'node:crypto'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashPassword } from '../../../src/access/passwords.ts'
import { openEventStream } from '../../support/clients/event-stream.ts'
import { openPlainWebSocket } from '../../support/clients/plain-websocket.ts'
import type { BridgeProcess } from '../../support/process.ts'
import { runtime } from '../../support/runtime.ts'
import { StompPeer } from '../../support/stomp-peer.ts'
import { eventually } from '../../support/wait.ts'
import {
  answerJson,
  api,
  API_KEYS,
  errorBody,
  expectError,
  fromElsewhere,
  handshake,
  HS256,
  KEYS,
  knock,
  logIn,
  logInAs,
  message,
  nowSeconds,
  post,
  SECRET,
  send,
  serve,
  startNodes,
  subscribe,
  subscribing,
  token,
  type Asked,
  type HttpServer,
  type Nodes,
} from './stage.ts'

const bearer = (credential: string) => ({ authorization: `Bearer ${credential}` })
const rawToken = (header: unknown, payload: unknown, signature = 'AAAA') => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(payload)}.${signature}`
}

const REFUSED = { status: 401, json: errorBody('not-authenticated') }
const PATH = '/stomp'
const ONE = { nodes: 1 } as const

describe(`logins on ${runtime}`, () => {
  let keys: HttpServer
  let privateKey: CryptoKey
  let publicPem: string
  let nodes: Nodes
  let a: BridgeProcess
  let b: BridgeProcess
  /** What no log line may show. */
  const secrets = new Set<string>([SECRET, ...Object.values(KEYS)])

  const rs256 = (payload: JWTPayload, { kid = 'k1', key = privateKey }: { kid?: string; key?: CryptoKey } = {}) =>
    new SignJWT({ iss: 'https://id.example', aud: 'bridge', ...payload })
      .setProtectedHeader({ alg: 'RS256', kid })
      .sign(key)

  beforeAll(async () => {
    const pair = await generateKeyPair('RS256', { extractable: true })
    privateKey = pair.privateKey
    publicPem = await exportSPKI(pair.publicKey)
    const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }
    keys = await serve((asked) => answerJson(asked, { keys: [jwk] }))
    const passwordHash = await hashPassword('correct horse')
    nodes = await startNodes(
      `
server: { trustedProxies: [127.0.0.1, '::1'] }
access:
  authenticators:
    - ${HS256}
    - { type: jwt, algorithms: [RS256], jwksUrl: '${keys.url}/jwks.json', issuer: 'https://id.example', audience: bridge }
    - { type: ticket }
    - { type: users, users: [{ name: ann, passwordHash: '${passwordHash}', groups: [staff] }] }
    - { type: anonymous }
  credentials: { query: [access_token, ticket], cookies: [session, other] }
  expiryGraceSeconds: 0
  rules:
    - { allow: subscribe, destination: '/topic/public', anonymous: true }
    - { allow: [subscribe, send], destination: '/topic/{group}', groups: ['{group}'] }
    - { allow: subscribe, destination: '/topic/tenants/{claims.tenant}' }
  ${API_KEYS}
endpoints: [{ path: /own, protocol: raw, subscribe: ['/user/queue/x'], credential: key }]
`,
      { tcp: true, env: { LOG_LEVEL: 'debug' } },
    )
    ;({ a, b } = nodes)
  })

  afterAll(() => {
    for (const bridge of [a, b]) {
      const output = bridge.stdout() + bridge.stderr()
      expect([...secrets].filter((secret) => output.includes(secret))).toEqual([])
    }
  })

  const noted = async (credential: Promise<string> | string): Promise<string> => {
    secrets.add(await credential)
    return credential
  }

  describe('a credential of the handshake', () => {
    const places = [
      ['the header', (t: string) => ({ headers: bearer(t) })],
      [
        'the header, in small letters and with spaces',
        (t: string) => ({ headers: { authorization: `bearer   ${t} ` } }),
      ],
      ['the first name of the query', (t: string) => ({ query: `?access_token=${t}` })],
      ['the second name of the query', (t: string) => ({ query: `?x=1&ticket=${t}` })],
      ['the first cookie', (t: string) => ({ headers: { cookie: `a=b; session=${t}` } })],
      ['the second cookie', (t: string) => ({ headers: { cookie: `other=${t}` } })],
      ['a sub-protocol', (t: string) => ({ protocols: ['v12.stomp', `bearer.${t}`] })],
    ] as const

    it.each(places)('in %s says who it is, and CONNECT is not looked at', async (_place, where) => {
      const { headers, ...options } = { headers: {}, ...where(await noted(token('hanna'))) }
      const { peer, user } = await logIn(a, {
        ...options,
        headers: { ...fromElsewhere(), ...headers },
        connect: { login: 'ann', passcode: 'wrong', Authorization: 'Bearer nonsense' },
      })
      expect(user).toBe('hanna')
      expect(peer.protocol).toBe('protocols' in options ? 'v12.stomp' : '')
    })

    it('is looked for in that order, and the first that is there decides', async () => {
      const [good, bad] = [await token('hanna'), 'nonsense']
      const inOrder = [
        (t: string) => ({ headers: bearer(t) }),
        (t: string) => ({ query: `access_token=${t}` }),
        (t: string) => ({ query: `ticket=${t}` }),
        (t: string) => ({ headers: { cookie: `session=${t}` } }),
        (t: string) => ({ headers: { 'sec-websocket-protocol': `bearer.${t}, v12.stomp` } }),
      ] as const
      for (let i = 0; i + 1 < inOrder.length; i++) {
        const ask = (first: string, second: string) => {
          // The later one stands first in the query.
          const parts = [inOrder[i + 1]!(second), inOrder[i]!(first)]
          const query = parts.flatMap((part) => ('query' in part ? [part.query] : [])).join('&')
          const headers = Object.assign({}, ...parts.map((part) => ('headers' in part ? part.headers : {})))
          return handshake(a, `${PATH}?${query}`, { ...fromElsewhere(), ...headers })
        }
        expect((await ask(good, bad)).status, `place ${i} is good`).toBe(101)
        expect(await ask(bad, good), `place ${i} is bad`).toMatchObject(REFUSED)
      }
    })

    it('that is refused: 401 in JSON, and no upgrade', async () => {
      const { status, headers, json } = await handshake(a, `${PATH}?access_token=nonsense`, fromElsewhere())
      expect({ status, json }).toEqual(REFUSED)
      expect(headers.get('www-authenticate')).toBe('Bearer')
      expect(headers.get('content-type')).toBe('application/json')
    })

    it('as a sub-protocol is never echoed, also where it stands first or alone', async () => {
      const secret = `bearer.${await token('hanna')}`
      const rows = [
        [`${secret}, v12.stomp`, 'v12.stomp'],
        [`v11.stomp, ${secret}`, 'v11.stomp'],
        [secret, null],
      ] as const
      for (const [offered, chosen] of rows) {
        const answer = await handshake(a, PATH, { ...fromElsewhere(), 'sec-websocket-protocol': offered })
        expect([answer.status, answer.headers.get('sec-websocket-protocol')]).toEqual([101, chosen])
      }
    })

    it('that is empty is one too, and is refused', async () => {
      expect(await handshake(a, `${PATH}?access_token=`, fromElsewhere())).toMatchObject(REFUSED)
      expect(await handshake(a, PATH, { ...fromElsewhere(), authorization: 'Bearer ' })).toMatchObject(REFUSED)
    })

    it('of another scheme is none: CONNECT decides', async () => {
      const headers = { ...fromElsewhere(), authorization: 'Basic YTpi' }
      expect((await logIn(a, { headers, connect: { passcode: await token('hanna') } })).user).toBe('hanna')
      expect((await logIn(a, { headers })).user).toBeUndefined()
    })

    it('opens the doors without CONNECT, and is refused there', async () => {
      const good = await token('hanna')
      const socket = await openPlainWebSocket(`${a.url.replace('http', 'ws')}/raw/user/queue/x?access_token=${good}`)
      const events = await openEventStream(`${b.url}/sse/user/queue/x`, { headers: bearer(good) })
      const own = await openPlainWebSocket(`${b.url.replace('http', 'ws')}/own?key=${good}&access_token=bad`)
      await post(a, '/user/hanna/queue/x', 'hello')
      expect(await socket.messages.next()).toBe('hello')
      expect((await events.events.next()).data).toBe('hello')
      expect(await own.messages.next()).toBe('hello')
      for (const path of ['/raw/topic/public?ticket=bad', '/own?key=bad']) {
        const answer = await handshake(a, path, fromElsewhere())
        expect(answer).toMatchObject(REFUSED)
        expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      }
      const headers = { ...fromElsewhere(), cookie: 'session=bad' }
      expect(await handshake(a, '/sse/topic/public', headers, { upgrade: false })).toMatchObject(REFUSED)
    })

    it('that is missing makes an anonymous client of the doors without CONNECT', async () => {
      const events = await openEventStream(`${b.url}/sse/topic/public`)
      expect(events.response.status).toBe(200)
      expect((await handshake(a, '/raw/topic/public')).status).toBe(101)
      const secret = await handshake(a, '/raw/topic/staff')
      expect(secret).toMatchObject({ status: 403, json: errorBody('not-authorized') })
    })
  })

  describe('a credential of CONNECT', () => {
    it.each([
      ['Authorization', (t: string) => ({ Authorization: `Bearer ${t}` })],
      ['authorization, before passcode', (t: string) => ({ authorization: `Bearer ${t}`, passcode: 'nonsense' })],
      ['passcode', (t: string) => ({ passcode: t })],
      ['passcode beside a login', (t: string) => ({ login: 'whoever', passcode: t })],
    ])('in %s says who it is, over TCP too', async (_place, where) => {
      const connect = where(await noted(token('carl')))
      expect((await logIn(a, { connect })).user).toBe('carl')
      expect((await logIn(a, { connect, tcp: true })).user).toBe('carl')
    })

    it('of a user with a password', async () => {
      const { peer, user } = await logIn(a, { connect: { login: 'ann', passcode: 'correct horse' } })
      expect(user).toBe('ann')
      await subscribe(peer, '/topic/staff')
      for (const connect of [
        { login: 'ann', passcode: 'wrong' },
        { login: 'Ann', passcode: 'correct horse' },
        { login: 'nobody', passcode: 'correct horse' },
        { login: 'ann' },
        { passcode: 'correct horse' },
        { login: 'ann', passcode: '' },
      ]) {
        await expectError(await knock(a, { connect: connect }), 'not-authenticated')
      }
    })

    it('that is missing makes an anonymous client, without a name', async () => {
      for (const tcp of [false, true]) {
        const { peer, user } = await logIn(a, { tcp })
        expect(user).toBeUndefined()
        await subscribe(peer, '/topic/public')
        subscribing(peer, '/topic/staff')
        await expectError(peer, 'not-authorized')
      }
    })

    it('comes with a user-name that STOMP can carry', async () => {
      for (const user of ['a:b\\c', 'žluť 😀', 'x'.repeat(255)]) expect((await logInAs(b, user)).user).toBe(user)
    })
  })

  describe('what must not come in', () => {
    type Row = readonly [name: string, make: () => Promise<string> | string]
    const later = () => nowSeconds() + 600
    const rows: readonly Row[] = [
      ['an expired token', () => token('eve', { exp: nowSeconds() - 1 })],
      ['one that is not valid yet', () => token('eve', { nbf: later() })],
      ['one signed with another secret', () => new SignJWT({ sub: 'eve' }).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(40))],
      ['one signed with another algorithm', () => new SignJWT({ sub: 'eve' }).setProtectedHeader({ alg: 'HS384' }).sign(new TextEncoder().encode(SECRET.repeat(2)))],
      ['alg none', () => rawToken({ alg: 'none' }, { sub: 'eve' }, '')],
      ['alg none with a signature', () => rawToken({ alg: 'none' }, { sub: 'eve' })],
      ['alg nOnE', () => rawToken({ alg: 'nOnE' }, { sub: 'eve' })],
      ['no alg', () => rawToken({ typ: 'JWT' }, { sub: 'eve' })],
      ['HS256 signed with the public key', () => new SignJWT({ sub: 'eve', iss: 'https://id.example', aud: 'bridge' }).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(new TextEncoder().encode(publicPem))],
      ['RS256 of another key with a known kid', async () => rs256({ sub: 'eve' }, { key: (await generateKeyPair('RS256')).privateKey })],
      ['a kid that is a path', () => rs256({ sub: 'eve' }, { kid: '../../../../dev/null' })],
      ['a kid that is a URL', () => rs256({ sub: 'eve' }, { kid: `${keys.url}/evil.json` })],
      ['the wrong audience', () => rs256({ sub: 'eve', aud: 'shop' })],
      ['the wrong issuer', () => rs256({ sub: 'eve', iss: 'https://evil.example' })],
      ['no user', () => new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(SECRET))],
      ['an empty user', () => token('')],
      ['a user that is a number', () => token(7 as unknown as string)],
      ['a user with a line feed', () => token('eve\nuser-name:ann')],
      ['a user with NUL', () => token('eve\0')],
      ['groups that are no list', () => token('eve', { groups: { staff: true } })],
      ['an exp that is text', () => token('eve', { exp: 'never' as unknown as number })],
      ['a token with its own key', async () => {
        const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
        const jwk = await exportJWK(publicKey)
        return new SignJWT({ sub: 'eve', iss: 'https://id.example', aud: 'bridge' }).setProtectedHeader({ alg: 'RS256', jwk, jku: `${keys.url}/evil.json` }).sign(privateKey)
      }],
      ['a changed payload', async () => (await token('eve')).replace(/\.[^.]+\./, `.${Buffer.from('{"sub":"ann"}').toString('base64url')}.`)],
      ['a cut signature', async () => (await token('eve')).slice(0, -3)],
      ['no signature', async () => (await token('eve')).replace(/[^.]+$/, '')],
      ['three words', () => 'a.b.c'],
      ['dots', () => '..'],
      ['something', () => 'nonsense'],
      ['a ticket that nobody has made', () => `tkt_${'A'.repeat(43)}`],
      ['an API key', () => KEYS.admin],
    ] // prettier-ignore

    it.each(rows)('%s', async (_name, make) => {
      const credential = await make()
      secrets.add(credential.length > 8 ? credential : SECRET)
      const [atHandshake, asToken, asPasscode] = await Promise.all([
        handshake(a, `${PATH}?access_token=${encodeURIComponent(credential)}`, fromElsewhere()),
        knock(a, { connect: { Authorization: `Bearer ${credential}` } }),
        knock(b, { connect: { passcode: credential } }),
      ])
      expect({ status: atHandshake.status, json: atHandshake.json }).toEqual(REFUSED)
      await expectError(asToken, 'not-authenticated')
      await expectError(asPasscode, 'not-authenticated')
      expect(await api(a, 'POST', '/api/tickets', { key: credential || null, headers: fromElsewhere() })).toMatchObject(
        credential === KEYS.admin ? { status: 403 } : REFUSED,
      )
    })

    it('a token that is too long for a frame', async () => {
      const peer = await knock(a, { connect: { passcode: `${'x'.repeat(20_000)}.b.c` } })
      expect((await peer.expect('ERROR')).headers.get('code')).toMatch(/too-(long|large)/)
    })
  })

  describe('keys of an identity provider', () => {
    it('are fetched once, also when tokens name keys that it does not have', async () => {
      expect((await logIn(a, { connect: { passcode: await rs256({ sub: 'rosa' }) } })).user).toBe('rosa')
      const fetched = keys.asked.length
      expect(new Set(keys.asked.map(({ url }) => url))).toEqual(new Set(['/jwks.json']))
      for (const kid of ['k2', 'k3', 'k4']) {
        await expectError(
          await knock(a, { connect: { passcode: await rs256({ sub: 'rosa' }, { kid }) } }),
          'not-authenticated',
        )
      }
      expect((await logIn(a, { query: `?access_token=${await rs256({ sub: 'rosa' })}` })).user).toBe('rosa')
      expect(keys.asked).toHaveLength(fetched)
    })
  })

  describe('a ticket', () => {
    interface Ticket {
      readonly ticket: string
      readonly expiresInSeconds: number
    }
    const issued = async (on: BridgeProcess, options: Parameters<typeof api>[3]): Promise<Ticket> => {
      const { status, headers, json } = await api(on, 'POST', '/api/tickets', options)
      expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
      secrets.add((json as Ticket).ticket)
      return json as Ticket
    }

    it('of a user opens one connection on any node, with all that the token says', async () => {
      const key = await token('tina', { groups: ['staff'], tenant: 'acme', exp: nowSeconds() + 300 })
      const { ticket, expiresInSeconds } = await issued(a, { key })
      expect(expiresInSeconds).toBe(60)
      // 128 bits in base64url are 22 characters
      expect(ticket.length).toBeGreaterThanOrEqual(22)
      const { peer, user } = await logIn(b, { query: `?ticket=${ticket}` })
      expect(user).toBe('tina')
      await subscribe(peer, '/topic/staff')
      await subscribe(peer, '/topic/tenants/acme')
      for (const bridge of [a, b]) {
        expect(await handshake(bridge, `${PATH}?ticket=${ticket}`, fromElsewhere())).toMatchObject(REFUSED)
        await expectError(await knock(bridge, { connect: { passcode: ticket } }), 'not-authenticated')
      }
    })

    it.each([
      ['Authorization', (t: string) => ({ Authorization: `Bearer ${t}` })],
      ['passcode', (t: string) => ({ passcode: t })],
      ['passcode beside the login of a user', (t: string) => ({ login: 'ann', passcode: t })],
    ])('is taken in CONNECT as %s, over TCP too', async (_place, where) => {
      for (const tcp of [false, true]) {
        const { ticket } = await issued(b, { body: { user: 'tom' } })
        expect((await logIn(a, { connect: where(ticket), tcp })).user).toBe('tom')
      }
    })

    it('of a backend says what the backend has said', async () => {
      const body = { user: 'žluť/1', groups: ['staff'], claims: { tenant: 'acme' }, sessionSeconds: 2 }
      const { ticket, expiresInSeconds } = await issued(a, { body })
      expect(expiresInSeconds).toBeLessThanOrEqual(2)
      const { peer, user } = await logIn(b, { query: `?ticket=${ticket}` })
      expect(user).toBe('žluť/1')
      await subscribe(peer, '/topic/staff')
      await subscribe(peer, '/topic/tenants/acme')
      await expectError(peer, 'token-expired')
    })

    it('opens the doors without CONNECT, once', async () => {
      const { ticket } = await issued(a, { body: { user: 'tom' } })
      const events = await openEventStream(`${b.url}/sse/user/queue/x?ticket=${ticket}`)
      await post(a, '/user/tom/queue/x', 'hello')
      expect((await events.events.next()).data).toBe('hello')
      expect(await handshake(a, `/raw/user/queue/x?ticket=${ticket}`, fromElsewhere())).toMatchObject(REFUSED)
    })

    it('admits one of fifty clients at once, over two nodes and all places', async () => {
      const { ticket } = await issued(a, { body: { user: 'tom' } })
      const headers = { connection: 'Upgrade' }
      const come = async (i: number): Promise<string> => {
        const bridge = i % 2 === 0 ? a : b
        if (i % 3 === 0) {
          const peer = await knock(bridge, { connect: { passcode: ticket } })
          return (await peer.frame()).command
        }
        const path = i % 3 === 1 ? `${PATH}?ticket=${ticket}` : `/raw/user/queue/x?access_token=${ticket}`
        return String((await handshake(bridge, path, { ...fromElsewhere(), ...headers })).status)
      }
      const outcomes = await Promise.all(Array.from({ length: 50 }, (_, i) => come(i)))
      const admitted = outcomes.filter((outcome) => outcome === 'CONNECTED' || outcome === '101')
      expect(admitted).toHaveLength(1)
      expect(new Set(outcomes.filter((outcome) => !(admitted as string[]).includes(outcome)))).toEqual(
        new Set(['ERROR', '401']),
      )
    })

    it('is for nobody else to make', async () => {
      const made = (options: Parameters<typeof api>[3]) =>
        api(a, 'POST', '/api/tickets', { headers: fromElsewhere(), ...options })
      const body = { user: 'eve' }
      expect(await made({ key: null, body })).toMatchObject(REFUSED)
      expect((await made({ key: null, body })).headers.get('www-authenticate')).toBe('Bearer')
      expect(await made({ key: KEYS.admin, body })).toMatchObject({ status: 403, json: errorBody('not-authorized') })
      expect(await made({ key: 'nonsense', body })).toMatchObject(REFUSED)
      const { ticket } = await issued(a, { body: { user: 'tom' } })
      expect(await made({ key: ticket })).toMatchObject(REFUSED)
      // and it is not used up by that
      expect((await logIn(b, { connect: { passcode: ticket } })).user).toBe('tom')
      for (const wrong of [
        undefined,
        {},
        { user: '' },
        { user: 7 },
        { user: 'a\nb' },
        { user: 'a', groups: 'x' },
        { user: 'a', sessionSeconds: 0 },
        [],
      ]) {
        // prettier-ignore
        expect((await made({ body: wrong })).status, JSON.stringify(wrong)).toBe(wrong === undefined ? 415 : 400)
      }
    })

    it('of a user is for that user, whatever stands in the body', async () => {
      const { ticket } = await issued(a, { key: await token('tina'), body: { user: 'admin', groups: ['staff'] } })
      const { peer, user } = await logIn(b, { query: `?ticket=${ticket}` })
      expect(user).toBe('tina')
      subscribing(peer, '/topic/staff')
      await expectError(peer, 'not-authorized')
    })

    it('is kept in Redis as a digest only', async () => {
      const { ticket } = await issued(a, { body: { user: 'tom' } })
      const kept = await nodes.backend.keys('*')
      expect(kept.some((key) => key.includes(createHash('sha256').update(ticket).digest('hex')))).toBe(true)
      expect(kept.filter((key) => key.includes(ticket))).toEqual([])
    })
  })

  describe('guessing', () => {
    const slowed = { status: 429, json: errorBody('too-many-attempts') }

    it('from one address is slowed down at all doors, and others are not disturbed', async () => {
      const headers = fromElsewhere()
      const good = await token('gina')
      const wrong = [
        () => handshake(a, `${PATH}?access_token=bad`, headers),
        () => handshake(a, '/raw/topic/public?access_token=bad', headers),
        () => handshake(a, '/sse/topic/public?access_token=bad', headers, { upgrade: false }),
        () => api(a, 'POST', '/api/tickets', { key: 'bad', headers }),
        () => api(a, 'GET', '/api/users', { key: 'bad', headers }),
        () => api(a, 'DELETE', '/api/sessions/x', { key: 'bad', headers }),
      ]
      for (const ask of wrong) expect(await ask()).toMatchObject(REFUSED)
      for (let i = wrong.length; i < 10; i++) {
        await expectError(await knock(a, { headers, connect: { passcode: 'bad' } }), 'not-authenticated')
      }
      for (const ask of [
        ...wrong,
        () => handshake(a, PATH, { ...headers, ...bearer(good) }),
        () => api(a, 'GET', '/api/users', { headers }),
      ]) {
        const answer = await ask()
        expect(answer).toMatchObject(slowed)
        const seconds = Number(answer.headers.get('retry-after'))
        expect(seconds).toBeGreaterThan(0)
        expect(seconds).toBeLessThanOrEqual(60)
      }
      const error = await expectError(await knock(a, { headers, connect: { passcode: good } }), 'too-many-attempts')
      expect(Number(error.headers.get('retry-after'))).toBeGreaterThan(0)
      expect((await logIn(a, { connect: { passcode: good } })).user).toBe('gina')
      // who shows nothing guesses nothing
      expect((await logIn(a, { headers })).user).toBeUndefined()
      // what somebody writes left of it is no other address
      const forged = { 'x-forwarded-for': `192.0.2.77, ${headers['x-forwarded-for']}` }
      expect(await handshake(a, `${PATH}?access_token=bad`, forged)).toMatchObject(slowed)
    })

    it('many at once tells no more than ten answers', async () => {
      const headers = fromElsewhere()
      const ask = () => handshake(a, `${PATH}?access_token=${'bad.bad.bad'}`, headers)
      const statuses = (await Promise.all(Array.from({ length: 40 }, ask))).map(({ status }) => status)
      expect(statuses.filter((status) => status === 401)).toHaveLength(10)
      expect(statuses.filter((status) => status === 429)).toHaveLength(30)
    })

    it('by passwords many at once is bounded too, and a right one among them is not told', async () => {
      const headers = fromElsewhere()
      const peers = await Promise.all(
        Array.from({ length: 14 }, (_, i) => knock(a, { headers, connect: { login: 'ann', passcode: `guess ${i}` } })),
      )
      const codes = await Promise.all(peers.map(async (peer) => (await peer.expect('ERROR')).headers.get('code')))
      expect(codes.filter((code) => code === 'not-authenticated').length).toBeLessThanOrEqual(10)
      expect(new Set(codes)).toEqual(new Set(['not-authenticated', 'too-many-attempts']))
    })
  })
})

describe(`callbacks on ${runtime}`, () => {
  let service: HttpServer
  let get: BridgeProcess
  let postTo: BridgeProcess

  beforeAll(async () => {
    service = await serve((asked) => answerJson(asked, { auth: false }))
    const config = (authenticator: string) => `
server: { trustedProxies: [127.0.0.1] }
access:
  authenticators: [${authenticator}]
  rules: [{ allow: [subscribe, send], destination: '/topic/{user}' }, { allow: subscribe, destination: '/topic/g', groups: [g] }]
  ${API_KEYS}
endpoints: [{ path: /ws, protocol: raw, subscribe: ['/user/queue/messages'], credential: token, wrap: message }]
`
    ;({ a: get } = await startNodes(config(`{ type: callback, url: '${service.url}/auth/{token}?x=1' }`), ONE))
    ;({ a: postTo } = await startNodes(
      config(`{ type: callback, url: '${service.url}/login', method: POST, timeoutMs: 700, cacheSeconds: 60 }`),
      ONE,
    ))
  })

  const connect = { passcode: 't/o?k#e%n ž' }
  const answered = (answer: (asked: Asked) => unknown) => {
    service.asked.length = 0
    service.answer = answer
  }

  it('asks for the token with GET, percent-encoded', async () => {
    answered((asked) => answerJson(asked, { user: 'gus', groups: ['g'], expiresAt: nowSeconds() + 100 }))
    const { peer, user } = await logIn(get, { connect })
    expect(user).toBe('gus')
    await subscribe(peer, '/topic/g')
    expect(service.asked.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['GET', `/auth/${encodeURIComponent(connect.passcode)}?x=1`, ''],
    ])
  })

  it('sends everything with POST, and remembers a yes', async () => {
    answered((asked) => answerJson(asked, { user: 'gus' }))
    const headers = { 'x-forwarded-for': '192.0.2.9', origin: 'http://localhost:3000' }
    for (let i = 0; i < 2; i++) await logIn(postTo, { query: '?q=1', headers, connect: { login: 'l', passcode: 'p' } })
    expect(service.asked).toHaveLength(1)
    expect(JSON.parse(service.asked[0]!.body)).toEqual({
      token: 'p',
      login: 'l',
      passcode: 'p',
      remoteAddress: '192.0.2.9',
      origin: 'http://localhost:3000',
      path: '/stomp',
    })
  })

  it.each([
    ['auth true', (a: Asked) => answerJson(a, { auth: true }), `token-${createHash('sha256').update(connect.passcode).digest('hex').slice(0, 16)}`],
    ['auth true and a user', (a: Asked) => answerJson(a, { auth: true, user: 'u' }), 'u'],
    ['a user', (a: Asked) => answerJson(a, { user: 'u', more: 1, groups: null }, 201), 'u'],
  ])('lets in with %s', async (_name, answer, user) => {
    answered(answer)
    expect((await logIn(get, { connect })).user).toBe(user)
    expect((await handshake(get, '/stomp', { authorization: 'Bearer x' })).status).toBe(101)
  }) // prettier-ignore

  it.each([
    ['auth false', (a: Asked) => answerJson(a, { auth: false, user: 'u' })],
    ['401', (a: Asked) => answerJson(a, { user: 'u' }, 401)],
    ['403', (a: Asked) => answerJson(a, { auth: true }, 403)],
    ['404', (a: Asked) => answerJson(a, {}, 404)],
    ['a user that is over already', (a: Asked) => answerJson(a, { user: 'u', expiresAt: 1 })],
  ])('refuses with %s', async (_name, answer) => {
    answered(answer)
    await expectError(await knock(get, { connect }), 'not-authenticated')
    expect(await handshake(get, '/stomp?access_token=x', fromElsewhere())).toMatchObject(REFUSED)
    expect(await handshake(get, '/ws?token=x', fromElsewhere())).toMatchObject(REFUSED)
  })

  it.each([
    ['500', (a: Asked) => answerJson(a, { auth: true }, 500)],
    ['429', (a: Asked) => answerJson(a, { auth: true }, 429)],
    ['a redirect', (a: Asked) => a.response.writeHead(302, { location: '/elsewhere' }).end()],
    ['204', (a: Asked) => a.response.writeHead(204).end()],
    ['no JSON', (a: Asked) => a.response.end('yes')],
    ['a list', (a: Asked) => answerJson(a, [{ auth: true }])],
    ['nothing in it', (a: Asked) => answerJson(a, {})],
    ['auth that is text', (a: Asked) => answerJson(a, { auth: 'true' })],
    ['a user that is a number', (a: Asked) => answerJson(a, { user: 7 })],
    ['a user with a line feed', (a: Asked) => answerJson(a, { user: 'a\nb' })],
    ['an empty user', (a: Asked) => answerJson(a, { user: '' })],
    ['groups that are text', (a: Asked) => answerJson(a, { user: 'u', groups: 'g' })],
    ['more than 64 KiB', (a: Asked) => answerJson(a, { user: 'u', claims: { x: 'x'.repeat(70_000) } })],
    ['a broken connection', (a: Asked) => a.response.destroy()],
    ['half an answer', (a: Asked) => {
      a.response.writeHead(200, { 'content-length': '1000' })
      a.response.write('{"user":"u"}')
      setTimeout(() => a.response.destroy(), 50)
    }],
    ['silence', () => {}],
  ])('fails closed with %s', async (_name, answer) => {
    answered(answer)
    const [peer, atHandshake, raw] = await Promise.all([
      knock(postTo, { connect }),
      handshake(postTo, '/stomp?access_token=x', fromElsewhere()),
      handshake(postTo, '/ws?token=x', fromElsewhere()),
    ])
    const error = await expectError(peer, 'auth-unavailable', 1013)
    expect(error.headers.get('user-name')).toBeUndefined()
    for (const refused of [atHandshake, raw]) {
      expect(refused).toMatchObject({ status: 503, json: errorBody('auth-unavailable') })
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    }
  }) // prettier-ignore

  it('refuses . and .. and nothing without a question', async () => {
    answered((asked) => answerJson(asked, { auth: true }))
    for (const passcode of ['', '.', '..'])
      await expectError(await knock(get, { connect: { passcode } }), 'not-authenticated')
    for (const query of ['', '.', '..', '%2E%2E']) {
      expect(await handshake(get, `/stomp?access_token=${query}`, fromElsewhere())).toMatchObject(REFUSED)
    }
    expect(service.asked).toEqual([])
  })

  it('asks once for many who show the same at the same time', async () => {
    const waiting: Asked[] = []
    answered((asked) => waiting.push(asked))
    const peers = await Promise.all(Array.from({ length: 20 }, () => knock(get, { connect })))
    await eventually(() => expect(waiting.length).toBeGreaterThan(0))
    answerJson(waiting[0]!, { user: 'many' })
    service.answer = (asked) => answerJson(asked, { user: 'many' })
    for (const peer of peers) await peer.expect('CONNECTED', { 'user-name': 'many' })
    expect(service.asked.length).toBeLessThan(20)
  })

  it('lets frames wait in order meanwhile', async () => {
    const waiting: Asked[] = []
    answered((asked) => waiting.push(asked))
    const peer = await knock(get, { connect })
    subscribing(peer, '/topic/wait', { receipt: '1' })
    for (const body of ['one', 'two', 'three']) send(peer, '/topic/wait', body, { receipt: body })
    peer.send('\n')
    await eventually(() => expect(waiting).toHaveLength(1))
    expect(peer.frames).toEqual([])
    answerJson(waiting[0]!, { user: 'wait' })
    await peer.expect('CONNECTED', { 'user-name': 'wait' })
    await peer.receipt('1')
    await eventually(() => expect(peer.frames).toHaveLength(8))
    const bodies = peer.frames.filter(({ command }) => command === 'MESSAGE').map(({ body }) => Buffer.from(body).toString())
    const receipts = peer.frames.filter(({ command }) => command === 'RECEIPT').map(({ headers }) => headers.get('receipt-id'))
    expect([bodies, receipts]).toEqual([['one', 'two', 'three'], ['1', 'one', 'two', 'three']])
  }) // prettier-ignore

  it('lets at most 16 KiB of frames wait', async () => {
    answered(() => {})
    const peer = await knock(get, { connect })
    for (let i = 0; i < 20; i++) send(peer, '/topic/wait', 'x'.repeat(1000))
    await expectError(peer, 'flooding')
  })

  it('refuses in the end also those whose frames waited, and does none of them', async () => {
    const witness = await logIn(get, { connect: (answered((asked) => answerJson(asked, { user: 'w' })), connect) })
    await subscribe(witness.peer, '/topic/w')
    const waiting: Asked[] = []
    answered((asked) => waiting.push(asked))
    const peer = await knock(get, { connect: { passcode: 'other' } })
    send(peer, '/topic/w', 'evil', { receipt: '1' })
    await eventually(() => expect(waiting).toHaveLength(1))
    answerJson(waiting[0]!, { auth: false })
    await expectError(peer, 'not-authenticated')
    expect(peer.frames).toHaveLength(1)
    send(witness.peer, '/topic/w', 'good')
    expect(await message(witness.peer)).toBe('good')
  })

  it.each(['CONNECT', 'the handshake'])('is left when the client leaves, with a credential in %s', async (place) => {
    const left = new Promise<void>((resolve) => {
      answered(({ response }) => response.once('close', resolve))
    })
    if (place === 'CONNECT') {
      const peer = await knock(get, { connect })
      await eventually(() => expect(service.asked).toHaveLength(1))
      peer.terminate()
    } else {
      const peer = new StompPeer({ url: `${get.wsUrl}?access_token=x` })
      await eventually(() => expect(service.asked).toHaveLength(1))
      peer.terminate()
    }
    await left
  })

  it('without a credential: CONNECT decides over STOMP, and the doors without it say 401', async () => {
    answered((asked) => answerJson(asked, { auth: true }))
    await expectError(await knock(get), 'not-authenticated')
    for (const path of ['/ws', '/raw/user/queue/x']) {
      const answer = await handshake(get, path, fromElsewhere())
      expect(answer).toMatchObject(REFUSED)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
    expect(await handshake(get, '/sse/user/queue/x', fromElsewhere(), { upgrade: false })).toMatchObject(REFUSED)
    expect(service.asked).toEqual([])
  })
})

describe(`an identity provider that is away on ${runtime}`, () => {
  let bridge: BridgeProcess
  beforeAll(async () => {
    const away = await serve(({ response }) => response.writeHead(500).end())
    const jwt = `{ type: jwt, algorithms: [RS256], jwksUrl: '${away.url}/jwks.json' }`
    bridge = (await startNodes(`access: { authenticators: [${jwt}, { type: anonymous }] }`, ONE)).a
  })

  it('lets nobody in, and says when to come again', async () => {
    const { privateKey } = await generateKeyPair('RS256')
    const credential = await new SignJWT({ sub: 'u' }).setProtectedHeader({ alg: 'RS256', kid: 'k' }).sign(privateKey)
    for (let i = 0; i < 3; i++) {
      const answer = await handshake(bridge, '/stomp', bearer(credential))
      expect(answer).toMatchObject({ status: 503, json: errorBody('auth-unavailable') })
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      await expectError(await knock(bridge, { connect: { passcode: credential } }), 'auth-unavailable', 1013)
    }
    expect((await logIn(bridge)).user).toBeUndefined()
  })
})

describe(`a proxy on ${runtime}`, () => {
  const config = (trusted: string, proxies = '') => `
server: { trustedProxies: [${proxies}], allowedHosts: [127.0.0.1, bridge.example] }
access:
  authenticators:
    - { type: proxy, userHeader: X-Forwarded-User, groupsHeader: X-Forwarded-Groups, trustedAddresses: [${trusted}] }
    - { type: anonymous }
  rules: [{ allow: subscribe, destination: '/topic/{g}', groups: ['{g}'] }]
  ${API_KEYS}
`
  const headers = { 'x-forwarded-user': 'paula', 'x-forwarded-groups': ' one,two , ,' }

  describe('that is trusted', () => {
    let bridge: BridgeProcess
    beforeAll(async () => void (bridge = (await startNodes(config('127.0.0.1/32'), ONE)).a))

    it('says who it is, and in which groups', async () => {
      const { peer, user } = await logIn(bridge, { headers })
      expect(user).toBe('paula')
      await subscribe(peer, '/topic/one')
      await subscribe(peer, '/topic/two')
      expect((await openEventStream(`${bridge.url}/sse/topic/two`, { headers })).response.status).toBe(200)
      expect((await logIn(bridge, { headers: {} })).user).toBeUndefined()
      // the name goes into destinations and headers
      expect((await handshake(bridge, '/stomp', { 'x-forwarded-user': 'a\tb' })).status).toBe(401)
    })

    it('is called by one of its names', async () => {
      const evil = await handshake(bridge, '/stomp', { ...headers, host: 'evil.example' })
      expect(evil).toMatchObject({ status: 403, json: errorBody('forbidden-host') })
      expect((await handshake(bridge, '/raw/topic/one', { ...headers, host: 'evil.example' })).status).toBe(403)
      expect((await handshake(bridge, '/stomp', { ...headers, host: 'bridge.example' })).status).toBe(101)
    })
  })

  describe('that is not trusted', () => {
    let bridge: BridgeProcess
    beforeAll(async () => void (bridge = (await startNodes(config('192.0.2.1', '127.0.0.1'), ONE)).a))

    it('says nothing, also when it claims to stand for one that is', async () => {
      for (const more of [{}, { 'x-forwarded-for': '192.0.2.1' }]) {
        const { peer, user } = await logIn(bridge, { headers: { ...headers, ...more } })
        expect(user).toBeUndefined()
        subscribing(peer, '/topic/one')
        await expectError(peer, 'not-authorized')
        expect((await handshake(bridge, '/raw/topic/one', { ...headers, ...more })).status).toBe(403)
      }
    })
  })

  describe('that says for whom it stands', () => {
    let bridge: BridgeProcess
    beforeAll(async () => void (bridge = (await startNodes(config('127.0.0.1', '127.0.0.1'), ONE)).a))

    it('is trusted nevertheless', async () => {
      const { user } = await logIn(bridge, { headers: { ...headers, 'x-forwarded-for': '192.0.2.7' } })
      expect(user).toBe('paula')
      const { json } = await api(bridge, 'GET', '/api/users/paula')
      expect(json).toMatchObject({ sessions: [{ address: '192.0.2.7' }] })
    })
  })
})
