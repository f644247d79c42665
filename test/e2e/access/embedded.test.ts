/** One node without Redis: the same access, kept in the process. */
import { beforeAll, describe, expect, it } from 'vitest'
import { spawnBridge, type BridgeProcess } from '../../support/process.ts'
import { runtime } from '../../support/runtime.ts'
import { frameText } from '../../support/stomp-peer.ts'
import {
  api,
  API_KEYS,
  configFile,
  errorBody,
  expectError,
  expectNothing,
  handshake,
  HS256,
  knock,
  logIn,
  logInAs,
  message,
  post,
  send,
  subscribe,
  token,
  untilUser,
} from './stage.ts'

describe(`access on the embedded bus on ${runtime}`, () => {
  let bridge: BridgeProcess
  beforeAll(async () => {
    const file = configFile(`
server: { allowedOrigins: ['https://app.example'] }
access:
  authenticators: [${HS256}, { type: ticket, ttlSeconds: 1 }, { type: anonymous }]
  rules:
    - { allow: [subscribe, send], destination: '/topic/rooms/{room}', groups: ['{room}'] }
    - { allow: send, destination: '/user/{name}/queue/**' }
  ${API_KEYS}
presence: { destinations: ['/topic/rooms/**'], ttlSeconds: 5 }
`)
    bridge = await spawnBridge({ runtime, args: ['--config', file] })
  })

  const made = async (body: object): Promise<string> =>
    ((await api(bridge, 'POST', '/api/tickets', { body })).json as { ticket: string }).ticket

  it('a ticket opens one connection, and none when its time is over', async () => {
    const ticket = await made({ user: 'tom', groups: ['1'] })
    const { peer, user } = await logIn(bridge, { query: `?ticket=${ticket}` })
    expect(user).toBe('tom')
    await subscribe(peer, '/topic/rooms/1')
    await expectError(await knock(bridge, { connect: { passcode: ticket } }), 'not-authenticated')
    const late = await made({ user: 'tom' })
    await new Promise((resolve) => setTimeout(resolve, 1100)) // its lifetime
    await expectError(await knock(bridge, { connect: { passcode: late } }), 'not-authenticated')
  })

  it('users, sessions and presence are known, and can be ended', async () => {
    const [ann, bob] = [await logInAs(bridge, 'ann', { groups: ['2'], jti: 'ann-1' }), await logInAs(bridge, 'bob', { groups: ['2'] })]
    const watcher = await logInAs(bridge, 'eye', { groups: ['2'] })
    await subscribe(ann.peer, '/topic/rooms/2')
    watcher.peer.send(frameText('SUBSCRIBE', { destination: '/presence/topic/rooms/2', id: 'p' }))
    expect(JSON.parse(await message(watcher.peer, { event: 'snapshot' }))).toEqual({ users: [{ user: 'ann', sessions: 1 }] })
    await subscribe(bob.peer, '/topic/rooms/2')
    expect(JSON.parse(await message(watcher.peer, { event: 'join' }))).toEqual({ user: 'bob', session: bob.session })
    expect((await api(bridge, 'GET', '/api/presence?destination=/topic/rooms/2')).json).toMatchObject({ sessions: 2 })
    expect((await api(bridge, 'DELETE', '/api/users/bob/sessions')).json).toEqual({ closed: 1 })
    await expectError(bob.peer, 'closed-by-operator')
    expect((await api(bridge, 'POST', '/api/revocations', { body: { tokenId: 'ann-1', seconds: 60 } })).status).toBe(204)
    await expectError(ann.peer, 'revoked')
    await expectError(await knock(bridge, { connect: { passcode: await token('ann', { jti: 'ann-1' }) } }), 'not-authenticated')
    await untilUser(bridge, 'ann', 0)
    const gone = [await message(watcher.peer, { event: 'leave' }), await message(watcher.peer, { event: 'leave' })]
    expect(gone.map((body) => (JSON.parse(body) as { user: string }).user).toSorted()).toEqual(['ann', 'bob'])
  }) // prettier-ignore

  it('a user is reached by POST and by SEND', async () => {
    const [ann, bob] = [await logInAs(bridge, 'ann'), await logInAs(bridge, 'bob')]
    await subscribe(bob.peer, '/user/queue/x')
    await post(bridge, '/user/bob/queue/x', 'posted')
    expect(await message(bob.peer, { destination: '/user/queue/x' })).toBe('posted')
    send(ann.peer, '/user/bob/queue/x', 'sent')
    expect(await message(bob.peer)).toBe('sent')
    await expectNothing(bob.peer)
  })

  it('a ticket cannot be changed for another, wherever it stands', async () => {
    const ticket = await made({ user: 'tom' })
    const refused = { status: 401, json: errorBody('not-authenticated') }
    for (const path of ['/api/tickets?ticket=', '/api/tickets?access_token=']) {
      expect(await api(bridge, 'POST', path + ticket, { key: null })).toMatchObject(refused)
    }
    expect(await api(bridge, 'POST', '/api/tickets', { key: ticket })).toMatchObject(refused)
    expect((await logIn(bridge, { query: `?ticket=${ticket}` })).user).toBe('tom')
  })

  it('a page of an allowed origin can ask for a ticket, and read why it gets none', async () => {
    const origin = 'https://app.example'
    const preflight = await fetch(`${bridge.url}/api/tickets`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    })
    expect([preflight.ok, preflight.headers.get('access-control-allow-origin')]).toEqual([true, origin])
    expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('authorization')
    for (const key of [await token('ann'), 'nonsense']) {
      const { headers } = await api(bridge, 'POST', '/api/tickets', { key, headers: { origin } })
      expect(headers.get('access-control-allow-origin')).toBe(origin)
    }
    const evil = { origin: 'https://evil.example' }
    expect((await api(bridge, 'POST', '/api/tickets', { key: await token('ann'), headers: evil })).status).toBe(403)
    expect((await handshake(bridge, `/stomp?access_token=${await token('ann')}`, evil)).status).toBe(403)
    const sse = await handshake(bridge, '/sse/user/queue/x?access_token=bad', { origin }, { upgrade: false })
    expect([sse.status, sse.headers.get('access-control-allow-origin')]).toEqual([401, origin])
  })

  it('the path of SockJS asks for the same credentials', async () => {
    expect((await handshake(bridge, '/stomp/websocket?access_token=bad')).status).toBe(401)
    expect((await handshake(bridge, `/stomp/websocket?access_token=${await token('ann')}`)).status).toBe(101)
  })

  it.each([1e15, 1e300, 1e308])('a token that expires in %d seconds is one that does not', async (exp) => {
    const { peer } = await logInAs(bridge, 'ann', { exp })
    await expectNothing(peer)
    const ticket = await api(bridge, 'POST', '/api/tickets', { key: await token('ann', { exp }) })
    expect(ticket.status).toBe(200)
    const { peer: other } = await logIn(bridge, { query: `?ticket=${(ticket.json as { ticket: string }).ticket}` })
    await expectNothing(other)
    send(other, '/bridge/renew', await token('ann', { exp }), { receipt: 'r' })
    expect((await other.receipt('r')).headers.get('expires')).toMatch(/^\d/)
  })
})
