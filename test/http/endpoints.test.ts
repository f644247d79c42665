import { describe, expect, it } from 'vitest'
import type { Page } from '../../src/http/app.ts'
import { turn } from '../support/fake-turn.ts'
import { doorsApp, outcomeOf, subscribed } from './doors-support.ts'

describe('a configured endpoint', () => {
  it('stands where it was put, and subscribes and sends as it says', async () => {
    const endpoint = { path: '/ws', subscribe: ['/topic/chat', '/topic/news'], send: '/topic/chat', wrap: 'message' }
    const app = doorsApp({ endpoints: [endpoint] })
    await app.handshake('/ws')
    await app.handshake('/ws?echo')
    expect(subscribed(app)).toEqual(['/topic/chat', '/topic/news', '/topic/chat', '/topic/news'])
    const [one, two] = app.opened.map(({ client }) => client)
    one!.send('hi')
    two!.send('ho')
    for (const { messages } of app.stage.core.bus.handedOver) {
      for (const { channel, payload } of messages) app.stage.core.bus.deliver(channel, payload)
    }
    await turn()
    expect(one!.socket.sent).toEqual(['{"message":"ho"}'])
    expect(two!.socket.sent.toSorted()).toEqual(['{"message":"hi"}', '{"message":"ho"}'])
  })

  it('echoes', async () => {
    const app = doorsApp({ endpoints: [{ path: '/echo', echo: true }] })
    await app.handshake('/echo')
    app.opened[0]!.client.send('hello')
    expect(app.opened[0]!.client.socket.sent).toEqual(['hello'])
  })

  it('at / is beside the page of the debugger', async () => {
    const page: Page = {
      path: '/debugger',
      redirect: (c) => c.redirect('./debugger/'),
      serve: (c) => c.text('the page'),
    }
    const app = doorsApp({ page, endpoints: [{ path: '/', subscribe: ['/topic/notifications'] }] })
    const browser = await app.request('/')
    expect([browser.status, browser.headers.get('location')]).toEqual([302, './debugger/'])
    expect(await (await app.request('/debugger/')).text()).toBe('the page')
    expect(await outcomeOf(await app.handshake('/'))).toBe('101')
    expect(await outcomeOf(await app.handshake('/?x=1'))).toBe('101')
    expect(subscribed(app)).toEqual(['/topic/notifications', '/topic/notifications'])
  })

  it('asks for an upgrade where nothing else is served', async () => {
    const app = doorsApp({ endpoints: [{ path: '/' }, { path: '/ws/{room}', subscribe: ['/topic/{room}'] }] })
    for (const [path, method] of [
      ['/', 'GET'],
      ['/ws/a', 'GET'],
      ['/ws/a', 'POST'],
      ['/ws/a', 'HEAD'],
    ] as const) {
      expect((await app.request(path, { method })).status, `${method} ${path}`).toBe(426)
    }
    expect((await app.request('/ws/a/b')).status).toBe(404)
  })

  it('takes nothing from the paths of the bridge, whatever its variables could be', async () => {
    const endpoints = [
      { path: '/{room}', subscribe: ['/topic/one/{room}'] },
      { path: '/{a}/{b}/{c}', subscribe: ['/topic/three/{a}/{b}/{c}'] },
    ]
    const app = doorsApp({ endpoints })
    const health = await app.request('/health', { headers: { Origin: 'https://elsewhere.example' } })
    expect(health.status).toBe(200)
    for (const path of ['/stomp', '/raw/topic/a', '/x', '/x/y/z']) await app.handshake(path)
    expect(app.stompPaths).toEqual(['/stomp'])
    expect(subscribed(app)).toEqual(['/topic/a', '/topic/one/x', '/topic/three/x/y/z'])
    const refused = await app.handshake('/x', { Origin: 'https://evil.example' })
    expect(await outcomeOf(refused)).toBe('403 forbidden-origin')
    app.refuse('full')
    expect(await outcomeOf(await app.handshake('/x'))).toBe('503 too-many-sessions')
  })

  it.each([
    ['a', '/topic/room/a'],
    ['*', '/topic/room/%2A'],
    ['**', '/topic/room/%2A%2A'],
    ['%3F', '/topic/room/%3F'],
    ['a%2Fb', '/topic/room/a%2Fb'],
    ['a%252Fb', '/topic/room/a%252Fb'],
    ['%7Bx%7D', '/topic/room/%7Bx%7D'],
    ['a%20b%00', '/topic/room/a%20b%00'],
    ['%5B%5C%5D:', '/topic/room/%5B%5C%5D%3A'],
    ['é', '/topic/room/é'],
    ['...', '/topic/room/...'],
  ])('has a variable of the path that cannot be more than a segment: %s', async (room, destination) => {
    const app = doorsApp({ endpoints: [{ path: '/ws/{room}', subscribe: ['/topic/room/{room}'] }] })
    expect(await outcomeOf(await app.handshake(`/ws/${room}`))).toBe('101')
    expect(subscribed(app)).toEqual([destination])
  })

  it.each(['..', '%2e%2e', '.', '%2E', ''])('has none that leads elsewhere: %s', async (room) => {
    const app = doorsApp({ endpoints: [{ path: '/ws/{room}', subscribe: ['/topic/room/{room}'] }] })
    expect((await app.handshake(`/ws/${room}`)).status).toBe(404)
    expect(app.opened).toEqual([])
  })

  it.each([
    ['*', '/topic/room/%2A'],
    ['a/../../x', '/topic/room/a%2F..%2F..%2Fx'],
    ['..', '/topic/room/..'],
    ['%2A', '/topic/room/%2A'],
    ['a%2Fb', '/topic/room/a%2Fb'],
    ['{room}', '/topic/room/%7Broom%7D'],
    ['a+b', '/topic/room/a%20b'],
  ])('has a variable of the query that cannot be more than a segment: %s', async (room, destination) => {
    const app = doorsApp({
      endpoints: [{ path: '/ws', subscribe: ['/topic/room/{query.room}'], send: '/app/{query.room}' }],
    })
    expect(await outcomeOf(await app.handshake(`/ws?room=${room}`))).toBe('101')
    expect(subscribed(app)).toEqual([destination])
  })

  it.each([
    ['/ws', '400 bad-field'],
    ['/ws?room=', '400 bad-field'],
    ['/ws?room=%ff', '400 bad-field'],
    ['/ws?room=a&since=1', '400 no-history'],
  ])('refuses %s before the upgrade with %s', async (path, outcome) => {
    const app = doorsApp({ endpoints: [{ path: '/ws', subscribe: ['/topic/room/{query.room}'] }] })
    expect(await outcomeOf(await app.handshake(path))).toBe(outcome)
    expect(app.opened).toEqual([])
  })

  it('hands the credential of its query parameter to whoever authenticates', async () => {
    const seen: unknown[] = []
    const app = doorsApp({
      endpoints: [{ path: '/ws', credential: 'token' }, { path: '/open' }],
      access: {
        authenticate({ token, login, handshake, header }) {
          seen.push([token, login, handshake.path, handshake.query.get('token'), header('passcode')])
          return { user: 'alice' }
        },
      },
    })
    await app.handshake('/ws?token=s3cret%20x')
    await app.handshake('/open?token=other')
    expect(seen).toEqual([
      ['s3cret x', undefined, '/ws', 's3cret x', undefined],
      [undefined, undefined, '/open', 'other', undefined],
    ])
    expect([...app.stage.clients].map(({ identity }) => identity.user)).toEqual(['alice', 'alice'])
  })

  it('needs no open door', async () => {
    const app = doorsApp({ options: { doors: { raw: false, sse: false } }, endpoints: [{ path: '/ws' }] })
    expect(await outcomeOf(await app.handshake('/ws'))).toBe('101')
  })
})
