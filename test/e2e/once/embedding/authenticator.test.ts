/** An authenticator of the program's own: what it is told, what its answers do, and what its faults do not. */
import { describe, expect, it } from 'vitest'
import type { Authenticator, Credentials, Runtime } from '../../../../src/index.ts'
import { createRuntime } from '../../../../src/runtime/node.ts'
import type { OpenSocket } from '../../../../src/socket.ts'
import { metric } from '../../../support/clients/backend.ts'
import { Inbox } from '../../../support/clients/inbox.ts'
import { frameText } from '../../../support/stomp-peer.ts'
import { eventually } from '../../../support/wait.ts'
import { FakeBus } from './fake-bus.ts'
import { connected, embed, logInto, open, subscribe } from './support.ts'

describe('an authenticator of the program', () => {
  const directory: Authenticator = {
    type: 'directory',
    authenticate: ({ login, passcode }) =>
      Promise.resolve(login !== undefined && passcode === 'right' ? { user: login } : 'refused'),
  }
  const rules = [
    { allow: 'subscribe', destination: '/topic/{user}' },
    { allow: 'send', destination: '/app/**', users: ['ann'] },
  ] as const
  const access = { authenticators: [directory], rules }
  const ann = { login: 'ann', passcode: 'right' }

  it('is told who comes, and its user is in CONNECTED', async () => {
    const seen = new Inbox<Credentials>('credentials')
    const { wsUrl, address } = await embed(
      { tcp: { enabled: true, port: 0 } },
      {
        access: {
          authenticators: [{ type: 'seen', authenticate: (who) => (seen.put(who), directory.authenticate(who)) }],
          rules,
        },
      },
    )
    expect(address.open).toBe(false)
    for (const url of [wsUrl, `tcp://127.0.0.1:${address.tcp!.port}`]) {
      const peer = await connected(url, { ...ann, 'x-token': 't' })
      expect(peer.frames[0]!.headers.get('user-name')).toBe('ann')
      const who = await seen.next()
      expect([who.login, who.passcode, who.header('x-token'), who.header('none')]).toEqual([
        'ann',
        'right',
        't',
        undefined,
      ])
      expect(who.remoteAddress).toMatch(/127\.0\.0\.1$/)
    }
  })

  it.each([
    ['a connection', 'not-authenticated', { login: 'ann', passcode: 'wrong' }, undefined],
    ['a connection without credentials', 'not-authenticated', {}, undefined],
    ['SUBSCRIBE', 'not-authorized', ann, frameText('SUBSCRIBE', { destination: '/topic/bob', id: '1', receipt: 'r' })],
    [
      'SUBSCRIBE to a pattern',
      'not-authorized',
      ann,
      frameText('SUBSCRIBE', { destination: '/topic/*', id: '1', receipt: 'r' }),
    ],
    ['SEND', 'not-authorized', ann, frameText('SEND', { destination: '/topic/ann', receipt: 'r' }, 'x')],
    [
      'SEND in a transaction',
      'not-authorized',
      ann,
      frameText('BEGIN', { transaction: 't' }) +
        frameText('SEND', { destination: '/topic/ann', transaction: 't', receipt: 'r' }, 'x'),
    ],
  ] as const)('refuses %s with %s and 1008', async (_what, code, credentials, frames) => {
    const logged = new Inbox<string>('log record')
    const { wsUrl } = await embed({}, { access, log: logInto(logged) })
    const peer = await open(wsUrl)
    peer.send(frameText('CONNECT', { 'accept-version': '1.2', ...credentials }))
    if (frames !== undefined) {
      await peer.expect('CONNECTED')
      peer.send(frames)
    }
    const { headers } = await peer.expect('ERROR', { code })
    expect(headers.get('receipt-id')).toBe(frames === undefined ? undefined : 'r')
    expect((await peer.closed).code).toBe(1008)
    expect(peer.frames.filter(({ command }) => command === 'RECEIPT')).toEqual([])
    expect(logged.all.join()).not.toContain('wrong')
  })

  it('lets through what it allows', async () => {
    const bus = new FakeBus()
    const { wsUrl } = await embed({ routes: { conventionCodec: 'envelope' } }, { access, bus })
    const peer = await connected(wsUrl, ann)
    await subscribe(peer, '/topic/ann')
    peer.send(frameText('SEND', { destination: '/app/orders', receipt: 'r' }, 'x'))
    await peer.receipt('r')
    // Nodes tell each other on the same bus.
    const sentTo = () => bus.published.all.find(({ channel }) => channel === 'app:orders')
    const { payload } = await eventually(() => sentTo() ?? expect.fail('nothing was sent'))
    expect(JSON.parse(String(payload))).toMatchObject({ body: 'x', user: 'ann', destination: '/app/orders' })
  })

  it.each(['throws', 'rejects'])('that %s is a fault of ours: logged, and nothing of it told', async (how) => {
    const logged = new Inbox<string>('log record')
    const fault = new Error('LDAP at 10.0.0.1 is down')
    const authenticate = () => {
      if (how === 'throws') throw fault
      return Promise.reject(fault)
    }
    const { wsUrl, url } = await embed(
      {},
      { access: { authenticators: [{ type: 'own', authenticate }], rules }, log: logInto(logged) },
    )
    const peer = await open(wsUrl)
    peer.send(frameText('CONNECT', { 'accept-version': '1.2', ...ann }))
    await peer.expect('ERROR', { code: 'internal', message: 'Internal error' })
    expect((await peer.closed).code).toBe(1011)
    expect(peer.text).not.toContain('LDAP')
    expect(logged.all.join()).toContain('LDAP')
    expect(logged.all.join()).not.toContain('right')
    expect((await fetch(`${url}/health`)).status).toBe(200)
  })

  it('that answers after the client has gone changes nothing', async () => {
    const asked = new Inbox<(identity: { user: string }) => void>('question')
    const authenticate: Authenticator['authenticate'] = () => new Promise((answer) => asked.put(answer))
    const gone = new Inbox<number>('closed connection')
    const runtime = reporting(createRuntime(), gone)
    const place = await embed({}, { access: { authenticators: [{ type: 'own', authenticate }], rules }, runtime })
    const peer = await open(place.wsUrl)
    peer.send(frameText('CONNECT', { 'accept-version': '1.2', ...ann }))
    const answer = await asked.next()
    peer.terminate()
    await gone.next()
    answer({ user: 'ann' })
    await eventually(async () => expect(await metric(place, 'stomp_bridge_sessions')).toBe(0))
    expect(await metric(place, 'stomp_bridge_sessions_opened_total')).toBe(0)
  })

  it('that never answers costs its client the connection, and the bridge nothing', async () => {
    const authenticate = () => new Promise<never>(() => {})
    const place = await embed(
      { limits: { connectTimeoutMs: 100 } },
      { access: { authenticators: [{ type: 'own', authenticate }], rules } },
    )
    const peer = await open(place.wsUrl)
    peer.send(frameText('CONNECT', { 'accept-version': '1.2', ...ann }))
    await peer.expect('ERROR', { code: 'connect-timeout' })
    expect((await peer.closed).code).toBe(1002)
    await eventually(async () => expect(await metric(place, 'stomp_bridge_sessions')).toBe(0))
  })
})

/** The same runtime, which tells with which code each WebSocket was closed when its session knows. */
function reporting(runtime: Runtime, gone: Inbox<number>): Runtime {
  const report = (open: OpenSocket): OpenSocket => {
    return (socket) => {
      const handler = open(socket)
      return {
        receive: (data) => handler.receive(data),
        ended: () => handler.ended(),
        closed: (code, reason) => {
          handler.closed(code, reason)
          gone.put(code)
        },
      }
    }
  }
  const listen: Runtime['listen'] = (options) =>
    runtime.listen({
      ...options,
      fetch: (request, env) =>
        options.fetch(request, {
          ...env,
          upgrade: (request, { protocol, open }) => env.upgrade(request, { protocol, open: report(open) }),
        }),
    })
  return { ...runtime, listen }
}
