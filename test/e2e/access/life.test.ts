/** How a session ends before its client wants it to: expiry, renewal, revocation and operators, on every node; and what Redis being away does to that. */
import { beforeAll, describe, expect, it } from 'vitest'
import { openEventStream } from '../../support/clients/event-stream.ts'
import { openPlainWebSocket } from '../../support/clients/plain-websocket.ts'
import type { BridgeProcess } from '../../support/process.ts'
import { runtime } from '../../support/runtime.ts'
import { bodyText, frameText, StompPeer } from '../../support/stomp-peer.ts'
import { eventually } from '../../support/wait.ts'
import {
  answerJson,
  api,
  API_KEYS,
  errorBody,
  expectError,
  expectNothing,
  fromElsewhere,
  handshake,
  HS256,
  knock,
  logIn,
  logInAs,
  message,
  nowSeconds,
  post,
  send,
  serve,
  startNodes,
  subscribe,
  subscribing,
  token,
  untilUser,
  type HttpServer,
  type Nodes,
} from './stage.ts'

const RENEW = '/bridge/renew'
const ERRORS = '/user/queue/errors'
/** "On every node within a second". */
const SOON_MS = 1000

const CONFIG = `
server: { trustedProxies: [127.0.0.1] }
access:
  authenticators: [${HS256}, { type: ticket }, { type: anonymous }]
  expiryGraceSeconds: 1
  rules:
    - { allow: [subscribe, send], destination: '/topic/{g}', groups: ['{g}'] }
    - { allow: subscribe, destination: '/topic/tenants/{claims.tenant}' }
    - { allow: subscribe, destination: '/topic/**', users: [wide], groups: [all] }
  ${API_KEYS}
presence: { destinations: ['/topic/a'] }
`

describe(`the life of a session on ${runtime}`, () => {
  let nodes: Nodes
  let a: BridgeProcess
  let b: BridgeProcess
  beforeAll(async () => {
    nodes = await startNodes(CONFIG, { tcp: true })
    ;({ a, b } = nodes)
  })

  const revoke = async (on: BridgeProcess, body: object): Promise<void> => {
    expect((await api(on, 'POST', '/api/revocations', { body })).status).toBe(204)
  }

  describe('expiry', () => {
    it('ends it without traffic, so long after the token', async () => {
      const exp = nowSeconds() + 2
      const [over, tcp] = await Promise.all([
        logInAs(a, 'ed', { exp }),
        logIn(a, { tcp: true, connect: { passcode: await token('ed', { exp }) } }),
      ])
      const events = await openEventStream(`${b.url}/sse/user/queue/x?access_token=${await token('ed', { exp })}`)
      const raw = await openPlainWebSocket(
        `${a.url.replace('http', 'ws')}/raw/user/queue/x?access_token=${await token('ed', { exp })}`,
      )
      await Promise.all([
        ...[over, tcp].map(async ({ peer }) => {
          const error = await expectError(peer, 'token-expired')
          expect(Date.now()).toBeGreaterThanOrEqual((exp + 1) * 1000 - 50)
          expect(error.headers.get('receipt-id')).toBeUndefined()
        }),
        events.events.next().then(({ event, data }) => {
          expect([event, JSON.parse(data)]).toMatchObject(['error', { code: 'token-expired' }])
        }),
        raw.closed.then(({ code }) => expect(code).toBe(1008)),
      ])
      expect(await events.ended).toBe(true)
    })

    it('comes a grace after CONNECT at the earliest', async () => {
      const started = performance.now()
      const { peer } = await logInAs(a, 'ed', { exp: nowSeconds() + 1 })
      await expectError(peer, 'token-expired')
      expect(performance.now() - started).toBeGreaterThan(990)
    })

    it('far in the future, or without an end, does not end it', async () => {
      for (const exp of [nowSeconds() + 365 * 86_400, 1e15]) {
        const { peer } = await logInAs(a, 'ed', { exp })
        // what a timer cannot hold would fire at once
        await expectNothing(peer)
        send(peer, RENEW, await token('ed'), { receipt: 'r' })
        expect((await peer.receipt('r')).headers.has('expires')).toBe(false)
      }
    })
  })

  describe('renewal', () => {
    const renewing = async (peer: StompPeer, credential: string, where: 'header' | 'passcode' | 'body' = 'header') => {
      if (where === 'header') send(peer, RENEW, '', { Authorization: `Bearer ${credential}`, receipt: 'renewed' })
      else if (where === 'passcode') send(peer, RENEW, '', { passcode: credential, receipt: 'renewed' })
      else send(peer, RENEW, credential, { receipt: 'renewed' })
      return peer.receipt('renewed')
    }

    it('moves the end, and says so in the RECEIPT', async () => {
      const exp = nowSeconds() + 1
      const { peer } = await logInAs(a, 'rita', { exp })
      const later = nowSeconds() + 3
      for (const where of ['header', 'body'] as const) {
        const { headers } = await renewing(peer, await token('rita', { exp: later }), where)
        expect(headers.get('expires')).toBe(String(later))
      }
      await expectError(peer, 'token-expired')
      expect(Date.now()).toBeGreaterThanOrEqual((later + 1) * 1000 - 50)
    })

    it('to a token without an end has no end', async () => {
      const { peer } = await logInAs(a, 'rita', { exp: nowSeconds() + 1 })
      expect((await renewing(peer, await token('rita'))).headers.has('expires')).toBe(false)
    })

    it('to one that ends earlier ends it earlier', async () => {
      const { peer } = await logInAs(a, 'rita', { exp: nowSeconds() + 1000 })
      await renewing(peer, await token('rita', { exp: nowSeconds() + 1 }))
      await expectError(peer, 'token-expired')
    })

    it.each([
      ['another user', () => token('robert')],
      ['a bad token', () => 'nonsense'],
      ['nothing', () => ''],
      ['an expired token', () => token('rita', { exp: nowSeconds() - 1 })],
      ['a ticket that nobody made', () => `tkt_${'A'.repeat(43)}`],
    ])('with %s ends the session, soft or not', async (_name, make) => {
      for (const connect of [{}, { errors: 'soft' }] as Record<string, string>[]) {
        const { peer } = await logInAs(a, 'rita', {}, connect)
        await subscribe(peer, ERRORS)
        send(peer, RENEW, await make(), { receipt: 'r' })
        const error = await expectError(peer, 'not-authenticated')
        expect(error.headers.get('receipt-id')).toBe('r')
      }
    })

    it('judges live subscriptions again: what is lost ends with the soft error, the rest goes on', async () => {
      const { peer } = await logInAs(a, 'rita', { groups: ['a', 'b', 'all'], tenant: 'one' })
      await subscribe(peer, ERRORS)
      for (const destination of ['/topic/a', '/topic/b', '/topic/tenants/one', '/group/a/x', '/user/queue/x']) {
        await subscribe(peer, destination)
      }
      send(peer, RENEW, await token('rita', { groups: ['b'], tenant: 'two' }), { receipt: 'renewed' })
      const lost: (string | undefined)[] = []
      for (let i = 0; i < 3; i++) {
        const { headers } = await peer.expect('MESSAGE', { destination: ERRORS, code: 'not-authorized', 'receipt-id': undefined })
        lost.push(headers.get('refused-destination'))
      }
      expect(lost.toSorted()).toEqual(['/group/a/x', '/topic/a', '/topic/tenants/one'])
      await peer.receipt('renewed')
      for (const topic of ['/topic/a', '/topic/tenants/one', '/group/a/x']) await post(b, topic, 'lost')
      for (const topic of ['/topic/b', '/user/rita/queue/x']) await post(b, topic, 'kept')
      expect(await message(peer, { destination: '/topic/b' })).toBe('kept')
      expect(await message(peer, { destination: '/user/queue/x' })).toBe('kept')
      // their ids are free again, and the new groups count for what is asked from now on
      send(peer, RENEW, await token('rita', { groups: ['a'] }), { receipt: 'again' })
      await peer.expect('MESSAGE', { 'refused-destination': '/topic/b' })
      await peer.receipt('again')
      await subscribe(peer, '/topic/a')
      await post(b, '/topic/a', 'back')
      expect(await message(peer, { destination: '/topic/a' })).toBe('back')
      subscribing(peer, '/topic/b')
      await expectError(peer, 'not-authorized')
    }) // prettier-ignore

    it('judges each subscription by itself: of one destination, of presence, of STOMP 1.0 without ids', async () => {
      const { peer } = await logInAs(a, 'rita', { groups: ['a', 'b'] })
      await subscribe(peer, ERRORS)
      for (const id of ['1', '2']) await subscribe(peer, '/topic/a', { id })
      await subscribe(peer, '/topic/b', { id: '/topic/a' })
      await subscribe(peer, '/presence/topic/a')
      await peer.expect('MESSAGE', { event: 'snapshot' })
      const old = await knock(b, { connect: { 'accept-version': '1.0', passcode: await token('rita', { groups: ['a', 'b'] }) } })
      await old.expect('CONNECTED')
      for (const destination of [ERRORS, '/topic/a', '/topic/b']) {
        old.send(frameText('SUBSCRIBE', { destination, receipt: destination }))
        await old.receipt(destination)
      }
      const only = await token('rita', { groups: ['b'] })
      const lost: (string | undefined)[] = []
      send(peer, RENEW, only, { receipt: 'renewed' })
      for (let i = 0; i < 3; i++) lost.push((await peer.expect('MESSAGE')).headers.get('refused-destination'))
      expect(lost.toSorted()).toEqual(['/presence/topic/a', '/topic/a', '/topic/a'])
      await peer.receipt('renewed')
      send(old, RENEW, only, { receipt: 'renewed' })
      await old.expect('MESSAGE', { 'refused-destination': '/topic/a' })
      await old.receipt('renewed')
      await post(a, '/topic/a', 'lost')
      await post(a, '/topic/b', 'kept')
      for (const each of [peer, old]) expect(await message(each, { destination: '/topic/b' })).toBe('kept')
    }) // prettier-ignore

    it('many times at once is answered as often', async () => {
      const { peer } = await logInAs(a, 'rita')
      const credential = await token('rita')
      for (let i = 0; i < 50; i++) send(peer, RENEW, credential, { receipt: String(i) })
      for (let i = 0; i < 50; i++) await peer.receipt(String(i))
    })

    it('changes what may be sent with the frames behind it', async () => {
      const { peer } = await logInAs(a, 'rita', { groups: ['a'] }, { errors: 'soft' })
      await subscribe(peer, ERRORS)
      send(peer, '/topic/a', '1', { receipt: '1' })
      send(peer, RENEW, await token('rita', { groups: ['b'] }), { receipt: '2' })
      send(peer, '/topic/a', '3', { receipt: '3' })
      send(peer, '/topic/b', '4', { receipt: '4' })
      const frames = [await peer.frame(), await peer.frame(), await peer.frame(), await peer.frame()]
      const receipts = (wanted: string) =>
        frames.flatMap(({ command, headers }) => (command === wanted ? [headers.get('receipt-id')] : []))
      // A refusal does not wait for the answers to what came before it.
      expect([receipts('RECEIPT'), receipts('MESSAGE')]).toEqual([['1', '2', '4'], ['3']])
    })

    it('brings a new jti: the old one revoked does nothing, the new one ends it', async () => {
      const { peer } = await logInAs(a, 'rita', { jti: 'rita-old' })
      await renewing(peer, await token('rita', { jti: 'rita-new' }))
      await revoke(b, { tokenId: 'rita-old', seconds: 60 })
      await expectNothing(peer)
      await revoke(b, { tokenId: 'rita-new', seconds: 60 })
      await expectError(peer, 'revoked')
    })

    it('with a revoked token ends it', async () => {
      await revoke(b, { tokenId: 'rita-gone', seconds: 60 })
      const { peer } = await logInAs(a, 'rita')
      send(peer, RENEW, await token('rita', { jti: 'rita-gone' }), { receipt: 'r' })
      await expectError(peer, 'not-authenticated')
    })

    it('of an anonymous session by a user is another user', async () => {
      const { peer } = await logIn(a)
      send(peer, RENEW, await token('rita'), { receipt: 'r' })
      await expectError(peer, 'not-authenticated')
    })

    it('with a ticket uses it up', async () => {
      const { ticket } = (await api(b, 'POST', '/api/tickets', { body: { user: 'rita', groups: ['b'] } })).json as { ticket: string }
      const { peer } = await logInAs(a, 'rita')
      await renewing(peer, ticket, 'passcode')
      await subscribe(peer, '/topic/b')
      await expectError(await knock(b, { connect: { passcode: ticket } }), 'not-authenticated')
    }) // prettier-ignore
  })

  describe('an operator', () => {
    it('closes a session of any node by its id', async () => {
      const { peer, session } = await logInAs(b, 'olga')
      const other = await logInAs(b, 'olga')
      const started = performance.now()
      expect((await api(a, 'DELETE', `/api/sessions/${session}`)).status).toBe(204)
      await expectError(peer, 'closed-by-operator')
      expect(performance.now() - started).toBeLessThan(SOON_MS)
      await expectNothing(other.peer)
      await eventually(async () => {
        expect(await api(a, 'DELETE', `/api/sessions/${session}`)).toMatchObject({ status: 404 })
      })
      for (const id of ['nobody', '..%2F..', '%00', 'x'.repeat(2000)]) {
        expect((await api(a, 'DELETE', `/api/sessions/${id}`)).status, id).toBe(404)
      }
    })

    it('closes all sessions of a user on all nodes and at all doors, and says how many', async () => {
      const user = 'ole/ol: é'
      const credential = await token(user)
      const members = await Promise.all([logInAs(a, user), logInAs(b, user), logInAs(b, user)])
      const raw = await openPlainWebSocket(`${a.url.replace('http', 'ws')}/raw/user/queue/x?access_token=${credential}`)
      const events = await openEventStream(`${b.url}/sse/user/queue/x?access_token=${credential}`)
      const bystander = await logInAs(b, 'bystander')
      const started = performance.now()
      const path = `/api/users/${encodeURIComponent(user)}/sessions`
      expect(await api(a, 'DELETE', path)).toMatchObject({ status: 200, json: { closed: 5 } })
      for (const { peer } of members) await expectError(peer, 'closed-by-operator')
      expect((await raw.closed).code).toBe(1008)
      expect(JSON.parse((await events.events.next()).data)).toMatchObject({ code: 'closed-by-operator' })
      expect(performance.now() - started).toBeLessThan(SOON_MS)
      await untilUser(b, user, 0)
      expect((await api(a, 'DELETE', path)).json).toEqual({ closed: 0 })
      await expectNothing(bystander.peer)
      // who was closed may come again
      expect((await logInAs(a, user)).user).toBe(user)
    })
  })

  describe('a revocation', () => {
    it('of a token ends its sessions on every node and at all doors, and keeps it out', async () => {
      const credential = await token('vera', { jti: 'vera-1' })
      const connect = { passcode: credential }
      const members = await Promise.all([
        logIn(a, { connect }),
        logIn(b, { connect }),
        logIn(b, { query: `?access_token=${credential}` }),
        logIn(a, { connect, tcp: true }),
      ])
      const raw = await openPlainWebSocket(`${b.url.replace('http', 'ws')}/raw/user/queue/x?access_token=${credential}`)
      const events = await openEventStream(`${a.url}/sse/user/queue/x?access_token=${credential}`)
      const other = await logInAs(b, 'vera', { jti: 'vera-2' })
      const started = performance.now()
      await revoke(a, { tokenId: 'vera-1', seconds: 60 })
      for (const { peer } of members) await expectError(peer, 'revoked')
      expect((await raw.closed).code).toBe(1008)
      expect(JSON.parse((await events.events.next()).data)).toMatchObject({ code: 'revoked' })
      expect(performance.now() - started).toBeLessThan(SOON_MS)
      for (const bridge of [a, b]) {
        await expectError(await knock(bridge, { connect }), 'not-authenticated')
        const refused = { status: 401, json: errorBody('not-authenticated') }
        const query = `?access_token=${credential}`
        expect(await handshake(bridge, `/stomp${query}`, fromElsewhere())).toMatchObject(refused)
        expect(await handshake(bridge, `/raw/user/queue/x${query}`, fromElsewhere())).toMatchObject(refused)
        expect(await api(bridge, 'POST', '/api/tickets', { key: credential, headers: fromElsewhere() })).toMatchObject(refused)
      }
      await expectNothing(other.peer)
    }) // prettier-ignore

    it('of a user ends all that the user has, whatever it came with', async () => {
      const members = await Promise.all([logInAs(a, 'vic'), logInAs(b, 'vic', { jti: 'x' }), logInAs(b, 'vic')])
      await revoke(b, { user: 'vic', seconds: 60 })
      for (const { peer } of members) await expectError(peer, 'revoked')
      for (const bridge of [a, b]) {
        await expectError(await knock(bridge, { connect: { passcode: await token('vic') } }), 'not-authenticated')
      }
      const { ticket } = (await api(a, 'POST', '/api/tickets', { body: { user: 'vic' } })).json as { ticket: string }
      await expectError(await knock(b, { connect: { passcode: ticket } }), 'not-authenticated')
      expect((await logInAs(a, 'vi')).user).toBe('vi')
    })

    it('reaches a ticket by the jti of the token that it was made with, and the session that came with it', async () => {
      const key = await token('tess', { jti: 'tess-1' })
      const ticketOf = async () => ((await api(a, 'POST', '/api/tickets', { key })).json as { ticket: string }).ticket
      const [used, kept] = [await ticketOf(), await ticketOf()]
      const { peer } = await logIn(b, { query: `?ticket=${used}` })
      await revoke(a, { tokenId: 'tess-1', seconds: 60 })
      await expectError(peer, 'revoked')
      await expectError(await knock(b, { connect: { passcode: kept } }), 'not-authenticated')
    })

    it('is judged at CONNECT again where the handshake was before it', async () => {
      const credential = await token('hugo', { jti: 'hugo-1' })
      const peer = new StompPeer({ url: `${b.wsUrl}?access_token=${credential}`, headers: fromElsewhere() })
      await peer.opened
      await revoke(a, { tokenId: 'hugo-1', seconds: 60 })
      await eventually(async () => {
        await expectError(await knock(b, { connect: { passcode: credential } }), 'not-authenticated')
      })
      peer.send('CONNECT\naccept-version:1.2\n\n\0')
      await expectError(peer, 'not-authenticated')
    })

    it('ends when its seconds are over; a shorter one does not shorten it', async () => {
      await revoke(a, { tokenId: 'short', seconds: 2 })
      await revoke(b, { tokenId: 'long', seconds: 60 })
      await revoke(a, { tokenId: 'long', seconds: 1 })
      const ends = Date.now() + 2000
      await expectError(await knock(b, { connect: { passcode: await token('sue', { jti: 'short' }) } }), 'not-authenticated')
      await eventually(async () => void (await logInAs(b, 'sue', { jti: 'short' })), { intervalMs: 100 })
      expect(Date.now()).toBeGreaterThan(ends - 100)
      for (const bridge of [a, b]) {
        await expectError(await knock(bridge, { connect: { passcode: await token('sue', { jti: 'long' }) } }), 'not-authenticated')
      }
    }) // prettier-ignore

    it('has either a token or a user, and whole seconds', async () => {
      for (const body of [
        {},
        { seconds: 1 },
        { user: 'x' },
        { user: 'x', tokenId: 'y', seconds: 1 },
        { user: '', seconds: 1 },
        { user: 'x', seconds: 0 },
        { user: 'x', seconds: -1 },
        { user: 'x', seconds: 1.5 },
        { user: 'x', seconds: '1' },
        { user: 7, seconds: 1 },
        { user: 'x', seconds: 1e300 },
        [],
        'x',
      ]) {
        const { status, json } = await api(a, 'POST', '/api/revocations', { body })
        expect([status, JSON.stringify(body), (json as { error: { code: string } }).error.code]).toEqual([
          400,
          JSON.stringify(body),
          'bad-field',
        ])
      }
    })

    it('holds on a node that starts later', async () => {
      await revoke(a, { tokenId: 'before', seconds: 60 })
      const late = await nodes.startAnother()
      const connect = { passcode: await token('sam', { jti: 'before' }) }
      await expectError(await knock(late, { connect }), 'not-authenticated')
      expect(await late.stop()).toBe(0)
    })

    it('outlives an emptied Redis on the nodes that know it, and comes back to it', async () => {
      await revoke(a, { tokenId: 'flushed', seconds: 60 })
      const connect = { passcode: await token('fay', { jti: 'flushed' }) }
      await expectError(await knock(b, { connect }), 'not-authenticated')
      await nodes.backend.flushall()
      for (const bridge of [a, b]) await expectError(await knock(bridge, { connect }), 'not-authenticated')
      const { peer } = await logInAs(b, 'fay', { jti: 'flushed-2' })
      await revoke(a, { tokenId: 'flushed-2', seconds: 60 })
      await expectError(peer, 'revoked')
      // what is known is put back, so that a node that starts then has it
      await eventually(
        async () => {
          const keys = await nodes.backend.keys('*revo*')
          const found = await Promise.all(keys.map((key) => nodes.backend.zrange(key, '0', '-1')))
          expect(found.flat().join()).toMatch(/flushed(?!-)/)
        },
        { timeoutMs: 15_000 },
      )
      const late = await nodes.startAnother()
      await expectError(await knock(late, { connect }), 'not-authenticated')
      expect(await late.stop()).toBe(0)
    })
  })
})

describe(`while Redis is away on ${runtime}`, () => {
  let nodes: Nodes
  let a: BridgeProcess
  let b: BridgeProcess
  let service: HttpServer
  beforeAll(async () => {
    service = await serve((asked) => answerJson(asked, { user: 'called' }))
    const config = CONFIG.replace(
      '{ type: anonymous }',
      `{ type: callback, url: '${service.url}/{token}' }, { type: anonymous }`,
    )
    nodes = await startNodes(`${config}redis: { reconnectMaxDelayMs: 100, commandTimeoutMs: 1000 }\n`)
    ;({ a, b } = nodes)
  })

  it('nothing is admitted by mistake, everything says what is wrong, and all is well when it is back', async () => {
    const revoked = { passcode: await token('ray', { jti: 'ray-1' }) }
    expect((await api(a, 'POST', '/api/revocations', { body: { tokenId: 'ray-1', seconds: 60 } })).status).toBe(204)
    const { ticket } = (await api(a, 'POST', '/api/tickets', { body: { user: 'tim' } })).json as { ticket: string }
    const { peer } = await logInAs(b, 'amy', { groups: ['a'] })
    await subscribe(peer, '/topic/a')
    const local = await logInAs(a, 'amy')
    await expectError(await knock(b, { connect: revoked }), 'not-authenticated')

    await nodes.redis.crash()
    for (const bridge of [a, b]) {
      await eventually(async () => expect((await fetch(`${bridge.url}/ready`)).status).toBe(503))
    }
    // who can be judged without it is judged
    expect((await logInAs(a, 'amy')).user).toBe('amy')
    await expectError(await knock(b, { connect: revoked }), 'not-authenticated')
    await expectError(await knock(b, { connect: { passcode: await token('x', { exp: 1 }) } }), 'not-authenticated')
    // who cannot is not
    await expectError(await knock(b, { connect: { passcode: ticket } }), 'auth-unavailable', 1013)
    const atHandshake = await handshake(a, `/stomp?ticket=${ticket}`, fromElsewhere())
    expect(atHandshake).toMatchObject({ status: 503, json: errorBody('auth-unavailable') })
    expect(Number(atHandshake.headers.get('retry-after'))).toBeGreaterThan(0)
    const calls = [
      ['POST', '/api/tickets', { user: 'x' }, 'auth-unavailable'],
      ['POST', '/api/notification', { topic: '/topic/a', message: 'x' }, 'bus-unavailable'],
      ['POST', '/api/revocations', { user: 'x', seconds: 1 }, 'bus-unavailable'],
      ['DELETE', '/api/users/amy/sessions', undefined, 'bus-unavailable'],
      ['DELETE', '/api/sessions/nobody', undefined, 'bus-unavailable'],
      ['GET', '/api/users', undefined, 'bus-unavailable'],
      ['GET', '/api/users/amy', undefined, 'bus-unavailable'],
      ['GET', '/api/presence?destination=/topic/a', undefined, 'bus-unavailable'],
    ] as const
    for (const [method, path, body, code] of calls) {
      const answer = await api(a, method, path, { body })
      expect([path, answer.status, answer.json]).toEqual([path, 503, errorBody(code)])
      expect(Number(answer.headers.get('retry-after')), path).toBeGreaterThan(0)
    }
    const batch = await api(a, 'POST', '/api/notifications', { body: [{ topic: '/topic/a', message: 'x' }] })
    expect(batch).toMatchObject({ status: 200, json: { results: [{ ok: false, error: { code: 'bus-unavailable' } }] } })
    // a session of this node can be closed nevertheless, and one can be renewed
    const renewed = await logInAs(a, 'amy')
    send(renewed.peer, RENEW, await token('amy'), { receipt: 'r' })
    await renewed.peer.receipt('r')
    expect((await api(a, 'DELETE', `/api/sessions/${local.session}`)).status).toBe(204)
    await expectError(local.peer, 'closed-by-operator')

    await nodes.redis.restart()
    for (const bridge of [a, b]) {
      await eventually(async () => expect((await fetch(`${bridge.url}/ready`)).status).toBe(200), { timeoutMs: 15_000 })
    }
    // Redis has forgotten it, the nodes have not.
    for (const bridge of [a, b]) await expectError(await knock(bridge, { connect: revoked }), 'not-authenticated')
    await expectError(await knock(b, { connect: { passcode: ticket } }), 'not-authenticated')
    await post(a, '/topic/a', 'live again')
    expect(bodyText(await peer.expect('MESSAGE'))).toBe('live again')
    await untilUser(a, 'amy', 3)
    expect((await api(a, 'DELETE', '/api/users/amy/sessions')).json).toEqual({ closed: 3 })
  })

  it('a node that has never seen it lets nobody in who could be revoked', async () => {
    await nodes.redis.crash()
    const late = await nodes.startAnother({ isReady: false })
    const connect = { passcode: await token('amy', { jti: 'amy-1' }) }
    await expectError(await knock(late, { connect }), 'auth-unavailable', 1013)
    const refused = { status: 503, json: errorBody('auth-unavailable') }
    for (const path of ['/stomp', '/raw/user/queue/x']) {
      expect(await handshake(late, `${path}?access_token=${connect.passcode}`, fromElsewhere())).toMatchObject(refused)
    }
    await expectError(await knock(late, { connect: { passcode: 'for the service' } }), 'auth-unavailable', 1013)
    expect(await api(late, 'POST', '/api/tickets', { key: connect.passcode })).toMatchObject(refused)
    expect((await logIn(late)).user).toBeUndefined()
    await nodes.redis.restart()
    await eventually(async () => expect((await logIn(late, { connect })).user).toBe('amy'), { timeoutMs: 15_000 })
  })
})
