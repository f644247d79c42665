/** What clients and backends may do: rules, rates, scopes, and how a refusal is told. */
import { beforeAll, describe, expect, it } from 'vitest'
import { openEventStream } from '../../support/clients/event-stream.ts'
import { openPlainWebSocket } from '../../support/clients/plain-websocket.ts'
import type { BridgeProcess } from '../../support/process.ts'
import { runtime } from '../../support/runtime.ts'
import { connectPeer, frameText, type StompPeer } from '../../support/stomp-peer.ts'
import {
  api,
  API_KEYS,
  errorBody,
  expectError,
  expectNothing,
  fromElsewhere,
  handshake,
  HS256,
  KEYS,
  logIn,
  logInAs,
  message,
  post,
  send,
  startNodes,
  subscribe,
  subscribing,
  token,
  type KeyName,
  type Member,
} from './stage.ts'

const ERRORS = '/user/queue/errors'
const ONE = { nodes: 1 } as const

describe(`rules on ${runtime}`, () => {
  let a: BridgeProcess
  let b: BridgeProcess
  beforeAll(async () => {
    ;({ a, b } = await startNodes(
      `
server: { trustedProxies: [127.0.0.1] }
access:
  authenticators: [${HS256}, { type: ticket }, { type: anonymous }]
  rules:
    - { allow: subscribe, destination: '/topic/public/**', anonymous: true }
    - { deny: [subscribe, send], destination: '/topic/rooms/secret/**' }
    - { allow: [subscribe, send], destination: '/topic/rooms/{room}', groups: ['room-{room}'] }
    - { allow: subscribe, destination: '/topic/rooms/*/log', groups: [staff] }
    - { allow: send, destination: '/app/orders/{user}' }
    - { allow: [subscribe, send], destination: '/topic/users/{user}/**' }
    - { allow: subscribe, destination: '/topic/tenants/{claims.tenant}/**' }
    - { allow: send, destination: '/topic/admin', claims: { role: admin } }
    - { allow: send, destination: '/user/{name}/queue/**', groups: [staff] }
    - { allow: send, destination: '/group/{name}/**', groups: ['{name}'] }
    - { allow: send, destination: '/session/{id}/queue/**', groups: [staff] }
    - { allow: [subscribe, send], destination: '/topic/bob', users: [bob] }
    - { allow: [subscribe, send], destination: '/topic/open' }
  ${API_KEYS}
presence: { destinations: ['/topic/rooms/**'] }
limits:
  rates:
    - { action: send, destination: '/topic/users/rae/*', count: 2, perSeconds: 30 }
    - { action: subscribe, destination: '/topic/public/limited', count: 1, perSeconds: 30 }
`,
      { tcp: true },
    ))
  })

  const WITH = { alice: { groups: ['room-1', 'staff', 'a/b'], tenant: 'acme', role: ['user', 'admin'] } }
  const alice = (connect: Record<string, string> = {}) => logInAs(a, 'alice', WITH.alice, connect)
  const tester = (name: string, claims = {}) => logInAs(a, name, claims)

  const SUBSCRIPTIONS: readonly (readonly [who: string, allowed: boolean, destination: string])[] = [
    ['alice', true, '/topic/public/x'],
    ['alice', true, '/topic/public/x/y'],
    ['alice', true, '/topic/public/**'],
    ['alice', true, '/topic/public/a/*/c?'],
    ['anonymous', true, '/topic/public/**'],
    ['alice', false, '/topic/**'],
    ['alice', false, '/topic/*'],
    ['alice', false, '/**'],
    ['alice', false, '/*/**'],
    ['alice', false, '/topic/p*/**'],
    ['alice', true, '/topic/rooms/1'],
    ['alice', false, '/topic/rooms/2'],
    ['alice', false, '/topic/rooms/1/x'],
    ['alice', false, '/topic/rooms/*'],
    ['alice', false, '/topic/rooms/?'],
    ['alice', true, '/topic/rooms/7/log'],
    ['alice', false, '/topic/rooms/secret/log'],
    ['alice', false, '/topic/rooms/*/log'],
    ['alice', false, '/topic/rooms//log'],
    ['alice', true, '/topic/tenants/acme/**'],
    ['alice', false, '/topic/tenants/acme2/x'],
    ['alice', false, '/topic/tenants/*/x'],
    ['alice', true, '/topic/users/alice/x'],
    ['alice', false, '/topic/users/bob/x'],
    ['alice', false, '/topic/users/alic?/x'],
    ['alice', false, '/topic/bob'],
    ['bob', true, '/topic/bob'],
    ['bob', true, '/topic/open'],
    ['anonymous', false, '/topic/open'],
    ['anonymous', false, '/topic/users//x'],
    ['bob', false, '/topic/tenants/undefined/x'],
    ['bob', false, '/topic/unheard-of'],
    // names that would be patterns or paths
    ['*', false, '/topic/users/bob/x'],
    ['*', false, '/topic/users/*/x'],
    ['*', true, '/topic/users/%2A/x'],
    ['**', false, '/topic/users/**'],
    ['a/b', false, '/topic/users/a/b'],
    ['a/b', true, '/topic/users/a%2Fb/x'],
    ['{user}', false, '/topic/users/{user}/x'],
    // each their own
    ['alice', true, '/user/queue/x'],
    ['alice', true, '/user/queue/x/y/z'],
    ['alice', false, '/user/bob/queue/x'],
    ['alice', false, '/user/alice/queue/x'],
    ['alice', false, '/user/queue/*'],
    ['alice', false, '/user/queue/**'],
    ['alice', false, '/user/**'],
    ['alice', false, '/user/*/queue/x'],
    ['alice', false, '/user/queue/'],
    ['alice', false, '/user/queue'],
    ['alice', false, '/user//queue/x'],
    ['alice', false, '/user'],
    ['alice', false, '/?ser/queue/x'],
    ['alice', false, '/u*/bob/queue/x'],
    ['anonymous', true, '/user/queue/x'],
    ['anonymous', true, '/session/queue/x'],
    ['alice', false, '/session/queue/**'],
    ['alice', false, '/session/other/queue/x'],
    ['alice', true, '/group/staff/x'],
    ['alice', true, '/group/staff/**'],
    ['alice', true, '/group/a%2Fb/x'],
    ['alice', false, '/group/a/b/x'],
    ['alice', false, '/group/a%2fb/x'],
    ['alice', false, '/group/other/x'],
    ['alice', false, '/group/*/x'],
    ['alice', false, '/group/sta??/x'],
    ['alice', false, '/group/**'],
    ['alice', false, '/group/staff'],
    ['alice', false, '/group//x'],
    ['anonymous', false, '/group/staff/x'],
    // presence as what is watched
    ['alice', true, '/presence/topic/rooms/1'],
    ['alice', false, '/presence/topic/rooms/2'],
    ['alice', false, '/presence/topic/rooms/*'],
    ['alice', false, '/presence/**'],
    ['alice', false, '/presence/user/queue/x'],
    ['alice', false, '/presence/presence/topic/rooms/1'],
    ['anonymous', false, '/presence/topic/rooms/1'],
  ]

  it.each(['STOMP', 'soft STOMP', 'raw and SSE'])('decide on every SUBSCRIBE: %s', async (door) => {
    const soft: Record<string, Member> = {}
    const judged = await Promise.all(
      SUBSCRIPTIONS.map(async ([who, , destination], i) => {
        const claims = who === 'alice' ? WITH.alice : {}
        const member = who === 'anonymous' ? undefined : who
        const come = (connect: Record<string, string>) =>
          member === undefined ? logIn(a, { connect }) : logInAs(a, member, claims, connect)
        if (door === 'STOMP') {
          const { peer } = await come({})
          subscribing(peer, destination, { receipt: 'r' })
          const { command, headers } = await peer.frame()
          peer.terminate()
          if (command === 'RECEIPT') return [who, true, destination]
          expect(headers.get('receipt-id')).toBe('r')
          return [who, headers.get('code') === 'not-authorized' ? false : headers.get('code'), destination]
        }
        if (door === 'soft STOMP') {
          const { peer } = (soft[`${who} ${i}`] = await come({ errors: 'soft' }))
          await subscribe(peer, ERRORS)
          subscribing(peer, destination, { receipt: 'r' })
          const { command, headers } = await peer.frame()
          if (command === 'RECEIPT') return [who, true, destination]
          expect(command).toBe('MESSAGE')
          expect([headers.get('receipt-id'), headers.get('refused-destination')]).toEqual(['r', destination])
          await expectNothing(peer)
          peer.terminate()
          return [who, headers.get('code') === 'not-authorized' ? false : headers.get('code'), destination]
        }
        const headers: Record<string, string> =
          member === undefined ? {} : { authorization: `Bearer ${await token(member, claims)}` }
        const path = encodeURIComponent(destination)
        const [raw, sse] = await Promise.all([
          handshake(a, `/raw${destination.split('/').map(encodeURIComponent).join('/')}`, headers),
          handshake(b, `/sse?destination=${path}`, headers, { upgrade: false }),
        ])
        expect([sse.status === 200, destination]).toEqual([raw.status === 101, destination])
        const code = (sse.json as { error?: { code: string } } | undefined)?.error?.code
        return [who, sse.status === 200 ? true : code === 'not-authorized' ? false : code, destination]
      }),
    )
    expect(judged).toEqual(SUBSCRIPTIONS)
  })

  const SENDS: readonly (readonly [who: string, allowed: boolean, destination: string])[] = [
    ['alice', true, '/app/orders/alice'],
    ['alice', false, '/app/orders/bob'],
    ['alice', false, '/app/orders'],
    ['alice', true, '/topic/rooms/1'],
    ['alice', false, '/topic/rooms/2'],
    ['alice', false, '/topic/rooms/secret'],
    ['alice', false, '/topic/public/x'],
    ['alice', true, '/topic/admin'],
    ['bob', false, '/topic/admin'],
    ['alice', true, '/user/bob/queue/x'],
    ['bob', false, '/user/alice/queue/x'],
    ['bob', false, '/user/queue/x'],
    ['alice', true, '/group/staff/x'],
    ['bob', false, '/group/staff/x'],
    ['bob', false, '/session/x-1/queue/x'],
    ['alice', true, '/session/x-1/queue/x'],
    ['alice', false, '/presence/topic/rooms/1'],
    ['alice', false, '/topic/open/'],
    ['anonymous', false, '/topic/open'],
    ['alice', false, '/nowhere'],
  ]

  it.each(['close', 'soft'])('decide on every SEND: %s', async (errors) => {
    const judged = await Promise.all(
      SENDS.map(async ([who, , destination]) => {
        const connect = errors === 'soft' ? { errors } : {}
        const { peer } =
          who === 'anonymous'
            ? await logIn(a, { connect })
            : await logInAs(a, who, who === 'alice' ? WITH.alice : {}, connect)
        if (errors === 'soft') await subscribe(peer, ERRORS)
        send(peer, destination, 'x', { receipt: 'r' })
        const { command, headers } = await peer.frame()
        if (errors === 'soft') await expectNothing(peer)
        peer.terminate()
        if (command === 'RECEIPT') return [who, true, destination]
        expect([command, headers.get('receipt-id')]).toEqual([errors === 'soft' ? 'MESSAGE' : 'ERROR', 'r'])
        return [who, headers.get('code') === 'not-authorized' ? false : headers.get('code'), destination]
      }),
    )
    expect(judged).toEqual(SENDS)
  })

  describe('a refusal', () => {
    it('is an ERROR with the receipt of the frame, and the end; what came before is answered', async () => {
      for (const tcp of [false, true]) {
        const { peer } = await logIn(a, { tcp, connect: { passcode: await token('alice', WITH.alice) } })
        send(peer, '/topic/rooms/1', 'x', { receipt: '1' })
        send(peer, '/topic/rooms/2', 'x', { receipt: '2' })
        send(peer, '/topic/rooms/1', 'x', { receipt: '3' })
        await peer.receipt('1')
        const error = await expectError(peer, 'not-authorized')
        expect(error.headers.get('receipt-id')).toBe('2')
        expect(peer.frames).toHaveLength(3)
      }
    })

    it('is a message where that was asked for, and everything else goes on', async () => {
      const { peer } = await alice({ errors: 'soft' })
      // Nobody listens yet: nothing is said.
      send(peer, '/topic/rooms/2', 'x', { receipt: 'unheard' })
      await subscribe(peer, ERRORS)
      send(peer, '/topic/rooms/2', 'x')
      const told = await peer.expect('MESSAGE', {
        destination: ERRORS,
        subscription: ERRORS,
        code: 'not-authorized',
        'refused-destination': '/topic/rooms/2',
        'receipt-id': undefined,
      })
      expect(told.body.length).toBeGreaterThan(0)
      subscribing(peer, '/topic/rooms/3', { receipt: 'r:3' })
      await peer.expect('MESSAGE', { code: 'not-authorized', 'receipt-id': 'r:3' })
      // its id is free
      await subscribe(peer, '/topic/rooms/1', { id: '/topic/rooms/3' })
      send(peer, '/topic/rooms/1', 'hello')
      expect(await message(peer, { destination: '/topic/rooms/1' })).toBe('hello')
      await expectNothing(peer)
    })

    it('of a frame in a transaction does not undo the rest of it', async () => {
      const { peer } = await alice({ errors: 'soft' })
      await subscribe(peer, ERRORS)
      await subscribe(peer, '/topic/rooms/1')
      peer.send(frameText('BEGIN', { transaction: 't' }))
      send(peer, '/topic/rooms/1', 'one', { transaction: 't' })
      send(peer, '/topic/rooms/2', 'x', { transaction: 't', receipt: 'r' })
      peer.send(frameText('COMMIT', { transaction: 't', receipt: 'done' }))
      await peer.expect('MESSAGE', { code: 'not-authorized', 'receipt-id': 'r' })
      const rest = [await peer.frame(), await peer.frame()].map(({ command }) => command)
      expect(rest.toSorted()).toEqual(['MESSAGE', 'RECEIPT'])
    })

    it('is only soft for what a client may not do: a broken protocol ends it as ever', async () => {
      for (const [frame, code] of [
        [frameText('SUBSCRIBE', { destination: '/topic/rooms/1' }), 'missing-header'],
        [frameText('SUBSCRIBE', { destination: '/topic/rooms/1', id: '1', ack: 'x' }), 'bad-header'],
        [frameText('ACK', { id: 'x' }), 'unknown-ack'],
        [frameText('NONSENSE'), 'unknown-command'],
        [frameText('SUBSCRIBE', { destination: '/topic/rooms/1', id: '1', 'exclude-self': 'maybe' }), 'bad-header'],
      ] as const) {
        const { peer } = await alice({ errors: 'soft' })
        await subscribe(peer, ERRORS)
        peer.send(frame)
        await expectError(peer, code, 1002)
      }
    })
  })

  describe('what a client is not sent', () => {
    it('is what it could not have subscribed by name, whatever pattern it has', async () => {
      const { peer } = await alice({ errors: 'soft' })
      await subscribe(peer, '/topic/public/**')
      await subscribe(peer, '/topic/tenants/acme/**')
      await subscribe(peer, '/group/staff/**')
      for (const topic of ['/topic/rooms/2', '/topic/tenants/other/x', '/group/other/x', '/user/bob/queue/x', '/topic/open']) {
        await post(b, topic, 'secret')
      }
      await post(b, '/topic/public/last', 'last')
      expect(await message(peer)).toBe('last')
      await expectNothing(peer)
    })
  }) // prettier-ignore

  describe('rates', () => {
    it('are a soft error with the seconds to wait, in any session, without a RECEIPT', async () => {
      const { peer } = await tester('rae')
      await subscribe(peer, ERRORS)
      await subscribe(peer, '/topic/users/rae/x')
      for (const body of ['1', '2', '3', '4']) send(peer, '/topic/users/rae/x', body, { receipt: body })
      const seen: string[] = []
      for (let i = 0; i < 6; i++) {
        const { command, headers, body } = await peer.frame()
        const code = headers.get('code')
        if (code !== undefined) {
          expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
          expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(30)
          expect(headers.get('refused-destination')).toBe('/topic/users/rae/x')
        }
        seen.push(`${command} ${headers.get('receipt-id') ?? Buffer.from(body).toString()} ${code ?? ''}`.trim())
      }
      expect(seen.toSorted()).toEqual([
        'MESSAGE 1',
        'MESSAGE 2',
        'MESSAGE 3 rate-limited',
        'MESSAGE 4 rate-limited',
        'RECEIPT 1',
        'RECEIPT 2',
      ])
      // another destination is not slowed down, nor another session
      send(peer, '/topic/open', 'x', { receipt: 'other' })
      await peer.receipt('other')
      const { peer: second } = await tester('rae')
      send(second, '/topic/users/rae/x', 'x', { receipt: 'second' })
      await second.receipt('second')
    })

    it('of SUBSCRIBE too, and what was refused by a rule does not count', async () => {
      const { peer } = await logIn(a)
      await subscribe(peer, ERRORS)
      await subscribe(peer, '/topic/public/limited', { id: '1' })
      subscribing(peer, '/topic/public/limited', { id: '2', receipt: 'r' })
      await peer.expect('MESSAGE', { code: 'rate-limited', 'receipt-id': 'r', 'retry-after': /^\d+$/ })
      await expectNothing(peer)
    })
  })

  describe('scopes', () => {
    const CALLS: readonly (readonly [scope: KeyName, method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown])[] = [
      ['publish', 'POST', '/api/notification', { topic: '/topic/x', message: 'x' }],
      ['publish', 'POST', '/api/notifications', [{ topic: '/topic/x', message: 'x' }]],
      ['read', 'GET', '/api/users'],
      ['read', 'GET', '/api/users/x'],
      ['read', 'GET', '/api/presence?destination=/topic/x'],
      ['read', 'GET', '/api/sessions'],
      ['tickets', 'POST', '/api/tickets', { user: 'x' }],
      ['admin', 'DELETE', '/api/sessions/x'],
      ['admin', 'DELETE', '/api/users/x/sessions'],
      ['admin', 'POST', '/api/revocations', { user: 'x', seconds: 1 }],
    ] // prettier-ignore

    it.each(CALLS)('%s: %s %s', async (...call) => {
      const [scope, method, path, body] = call as unknown as (typeof CALLS)[number]
      for (const key of [null, 'no key of anybody', `${KEYS[scope]}x`, KEYS[scope].toUpperCase()]) {
        const { status, headers, json } = await api(a, method, path, { key, body, headers: fromElsewhere() })
        expect([status, json]).toEqual([401, errorBody('not-authenticated')])
        expect(headers.get('www-authenticate')).toBe('Bearer')
      }
      for (const other of Object.keys(KEYS) as KeyName[]) {
        const { status, json } = await api(a, method, path, { key: KEYS[other], body })
        if (other !== scope) expect([other, status, json]).toEqual([other, 403, errorBody('not-authorized')])
        else expect(status < 300 || path === '/api/sessions/x', `${other}: ${status}`).toBe(true)
      }
    })

    it('are not for users: a token opens nothing of a backend', async () => {
      const key = await token('alice', WITH.alice)
      expect((await api(b, 'GET', '/api/users', { key })).status).toBe(401)
    })

    it('are not asked for where everybody may look', async () => {
      for (const path of ['/health', '/ready', '/metrics', '/docs', '/openapi.json']) {
        expect((await fetch(a.url + path)).status, path).toBe(200)
      }
    })
  })
})

describe(`without access on ${runtime}`, () => {
  let a: BridgeProcess
  let b: BridgeProcess
  beforeAll(async () => {
    ;({ a, b } = await startNodes(`
presence: { destinations: ['/topic/rooms/**'] }
limits:
  rates:
    - { action: send, destination: '/app/checkbox', count: 1, perSeconds: 5 }
    - { action: send, destination: '/topic/many', count: 100, perSeconds: 60 }
    - { action: send, destination: '/topic/raw', count: 1, perSeconds: 60 }
endpoints: [{ path: /raw-rate, protocol: raw, subscribe: [/user/queue/errors], send: /topic/raw, frame: json }]
`))
  })

  const come = () => logIn(a, { headers: {} })

  it.each([
    '/user/bob/queue/x',
    '/user/queue/**',
    '/user/queue/',
    '/session/x/queue/y',
    '/user/**',
    '/group',
    '/**',
    '/*/x',
    '/presence/**',
    '/presence/user/queue/x',
  ])('nobody can subscribe %s: bad-destination', async (destination) => {
    const { peer } = await come()
    subscribing(peer, destination)
    await expectError(peer, 'bad-destination', 1002)
    const answer = await handshake(a, `/sse?destination=${encodeURIComponent(destination)}`, {}, { upgrade: false })
    expect(answer).toMatchObject({ status: 400, json: errorBody('bad-destination') })
  })

  it('rates are a soft error too', async () => {
    const { peer } = await come()
    await subscribe(peer, ERRORS)
    send(peer, '/app/checkbox', 'x', { receipt: '1' })
    await peer.receipt('1')
    send(peer, '/app/checkbox', 'x', { receipt: '2' })
    await peer.expect('MESSAGE', { code: 'rate-limited', 'receipt-id': '2', 'retry-after': /^[1-5]$/ })
    await expectNothing(peer)
  })

  it('rates let so many through, and not one more', async () => {
    const { peer } = await come()
    await subscribe(peer, ERRORS)
    for (let i = 0; i < 103; i++) send(peer, '/topic/many', String(i), { receipt: String(i) })
    const refused: (string | undefined)[] = []
    for (let i = 0; i < 103; i++) {
      const { command, headers } = await peer.frame()
      if (command === 'MESSAGE') refused.push(headers.get('receipt-id'))
    }
    expect(refused).toEqual(['100', '101', '102'])
  })

  it('rates hold for plain WebSockets, which go on', async () => {
    const { peer } = await come()
    await subscribe(peer, '/topic/raw')
    const socket = await openPlainWebSocket(`${b.url.replace('http', 'ws')}/raw-rate`)
    for (const body of ['1', '2', '3']) socket.send(body)
    expect(await message(peer)).toBe('1')
    for (const text of await socket.messages.take(2)) {
      expect(JSON.parse(text as string)).toMatchObject({
        destination: ERRORS,
        headers: { code: 'rate-limited', 'refused-destination': '/topic/raw' },
      })
    }
    await expectNothing(peer)
    socket.close()
    expect((await socket.closed).code).toBe(1005) // by the client: it was still open
  })

  describe('exclude-self', () => {
    const others = async (destination: string): Promise<StompPeer> => {
      const { peer } = await logIn(b, { headers: {} })
      await subscribe(peer, destination)
      return peer
    }

    it('leaves out what the session itself has sent, on every node, and nothing else', async () => {
      const { peer } = await come()
      const other = await others('/topic/self')
      await subscribe(peer, '/topic/self', { 'exclude-self': 'true', id: 'without' })
      await subscribe(peer, '/topic/self', { 'exclude-self': 'false', id: 'with' })
      send(peer, '/topic/self', 'mine')
      expect(await message(other)).toBe('mine')
      expect(await message(peer, { subscription: 'with' })).toBe('mine')
      send(other, '/topic/self', 'theirs')
      const got = [await peer.frame(), await peer.frame()].map(({ headers, body }) => [
        headers.get('subscription'),
        Buffer.from(body).toString(),
      ])
      expect(got.toSorted()).toEqual([
        ['with', 'theirs'],
        ['without', 'theirs'],
      ])
      await post(b, '/topic/self', 'posted')
      await peer.expect('MESSAGE')
      await peer.expect('MESSAGE')
      await expectNothing(peer)
    })

    it('holds for patterns, transactions and the own queue', async () => {
      const { peer } = await come()
      const other = await others('/topic/x/y')
      await subscribe(peer, '/topic/x/**', { 'exclude-self': 'true' })
      peer.send(frameText('BEGIN', { transaction: 't' }))
      send(peer, '/topic/x/y', 'mine', { transaction: 't' })
      peer.send(frameText('COMMIT', { transaction: 't' }))
      expect(await message(other)).toBe('mine')
      send(other, '/topic/x/y', 'theirs')
      expect(await message(peer)).toBe('theirs')
    })
  })

  describe('many notifications in one request', () => {
    it('are each taken or refused, in order, over the addresses too', async () => {
      const { peer, session } = await come()
      await subscribe(peer, '/session/queue/x')
      await subscribe(peer, '/topic/batch')
      const list = [
        { topic: '/topic/batch', message: 'one' },
        { topic: `/session/${session}/queue/x`, message: { two: 2 } },
        { topic: '/user/bob/queue/x', message: 'nobody' },
        { topic: '/user/queue/x', message: 'x' },
        { topic: '/user/a b/queue/x', message: 'x' },
        { topic: '/group/g/*', message: 'x' },
        { topic: '/nowhere', message: 'x' },
        { topic: 7, message: 'x' },
        { message: 'x' },
        null,
        'text',
        { topic: '/topic/batch', message: 12345678901234567890n },
        { topic: '/topic/batch', message: 'three' },
      ]
      const body = JSON.stringify(
        list.map((each) => each),
        (_key, value: unknown) => (typeof value === 'bigint' ? '@big@' : value),
      ).replace('"@big@"', '12345678901234567890')
      const response = await fetch(`${b.url}/api/notifications`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      const { results } = (await response.json()) as { results: { ok: boolean; error?: { code: string } }[] }
      expect(response.status).toBe(200)
      expect(results.map(({ ok, error }) => (ok ? true : error!.code))).toEqual([
        true, true, true, 'bad-destination', 'bad-destination', 'bad-destination', 'bad-destination',
        'bad-field', 'bad-field', 'bad-field', 'bad-field', true, true,
      ]) // prettier-ignore
      // In order for each destination; between two there is none.
      const got: Record<string, string[]> = {}
      for (let i = 0; i < 4; i++) {
        const { headers, body } = await peer.expect('MESSAGE')
        ;(got[headers.get('destination')!] ??= []).push(Buffer.from(body).toString())
      }
      expect(got).toEqual({
        '/topic/batch': ['one', '12345678901234567890', 'three'],
        '/session/queue/x': ['{"two":2}'],
      })
    })

    it('are at most a thousand', async () => {
      const { peer } = await come()
      await subscribe(peer, '/topic/thousand')
      const many = (count: number) =>
        Array.from({ length: count }, (_, i) => ({ topic: '/topic/thousand', message: i }))
      const results = (await api(b, 'POST', '/api/notifications', { body: many(1000) })).json
      expect(results).toEqual({ results: Array.from({ length: 1000 }, () => ({ ok: true })) })
      for (let i = 0; i < 1000; i++) expect(await message(peer)).toBe(String(i))
      expect((await api(b, 'POST', '/api/notifications', { body: many(1001) })).status).toBe(400)
      expect((await api(b, 'POST', '/api/notifications', { body: [] })).json).toEqual({ results: [] })
      for (const body of [{}, null, 'x'])
        expect((await api(b, 'POST', '/api/notifications', { body })).status).toBe(400)
    })
  })

  it('there are no tickets and no revocations', async () => {
    for (const path of ['/api/tickets', '/api/revocations']) {
      expect((await api(a, 'POST', path, { key: null, body: {} })).status).toBe(404)
    }
  })
})

describe(`soft errors for everybody on ${runtime}`, () => {
  let bridge: BridgeProcess
  beforeAll(async () => {
    const config = `
access: { authenticators: [${HS256}, { type: anonymous }], errors: soft, rules: [{ allow: [subscribe, send], destination: /topic/x, anonymous: true }] }
endpoints: [{ path: /chat, protocol: raw, subscribe: [/topic/x], send: /topic/y }, { path: /ok, protocol: raw, subscribe: [/topic/x], send: /topic/x }]
`
    bridge = (await startNodes(config, ONE)).a
  })

  it('need no header of CONNECT', async () => {
    const peer = await connectPeer({ url: bridge.wsUrl })
    await peer.stompConnect()
    await subscribe(peer, ERRORS)
    send(peer, '/topic/z', 'x', { receipt: 'r' })
    await peer.expect('MESSAGE', { code: 'not-authorized', 'receipt-id': 'r', 'refused-destination': '/topic/z' })
    await expectNothing(peer)
    peer.terminate()
  })

  it('hold for plain WebSockets too: what may not be sent is left out', async () => {
    const url = bridge.url.replace('http', 'ws')
    const chat = await openPlainWebSocket(`${url}/chat`)
    const ok = await openPlainWebSocket(`${url}/ok`)
    const events = await openEventStream(`${bridge.url}/sse/topic/x`)
    chat.send('refused')
    ok.send('hello')
    expect((await events.events.next()).data).toBe('hello')
    expect(await chat.messages.next()).toBe('hello')
  })
})
