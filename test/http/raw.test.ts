import { describe, expect, it } from 'vitest'
import { turn } from '../support/fake-turn.ts'
import { doorsApp, outcomeOf, subscribed } from './doors-support.ts'

describe('GET /raw/…', () => {
  it.each([
    ['/raw/topic/a', '/topic/a'],
    ['/raw/topic/a/b', '/topic/a/b'],
    ['/raw/topic/%C3%A9%20%25', '/topic/é %'],
    ['/raw/topic/a%2520b', '/topic/a%20b'],
    ['/raw/topic/*', '/topic/*'],
    ['/raw/topic/a?frame=json', '/topic/a'],
    ['/raw/topic/a%3F', '/topic/a?'],
  ])('opens %s as a subscription to %s', async (path, destination) => {
    const app = doorsApp()
    expect(await outcomeOf(await app.handshake(path))).toBe('101')
    expect(subscribed(app)).toEqual([destination])
  })

  it('writes JSON when asked to', async () => {
    const app = doorsApp()
    await app.handshake('/raw/topic/a?frame=json')
    await app.handshake('/raw/topic/a')
    app.stage.notify('/topic/a', 'x')
    await turn()
    expect(app.opened.map(({ client }) => client.socket.sent)).toEqual([[expect.stringContaining('"body":"x"')], ['x']])
  })

  it.each([
    ['/raw/topic', '400 bad-destination'],
    ['/raw/', '400 bad-destination'],
    ['/raw/app/greet', '400 bad-destination'],
    ['/raw/topic/../app/x', '400 bad-destination'],
    ['/raw/topic/%2e%2e/app/x', '400 bad-destination'],
    [`/raw/topic/${'x'.repeat(2000)}`, '400 bad-destination'],
    ['/raw/topic/%ff', '400 bad-field'],
    ['/raw/topic/%', '400 bad-field'],
    ['/raw/topic/a?x=%zz', '400 bad-field'],
    ['/raw/topic/a?frame=xml', '400 bad-field'],
    ['/raw/topic/a?frame=', '400 bad-field'],
    ['/raw/topic/a?since=5', '400 no-history'],
    ['/raw/topic/a?epoch=x', '400 no-history'],
    ['/raw/topic/a?last=1', '400 no-history'],
    ['/raw/topic/a?since-time=0', '400 no-history'],
  ])('refuses %s before the upgrade with %s', async (path, outcome) => {
    const app = doorsApp()
    expect(await outcomeOf(await app.handshake(path))).toBe(outcome)
    expect(app.opened).toEqual([])
  })

  it('asks for an upgrade whoever asks for none', async () => {
    const app = doorsApp()
    for (const init of [{}, { method: 'HEAD', headers: { Upgrade: 'websocket' } }, { headers: { Upgrade: 'h2c' } }]) {
      const response = await app.request('/raw/topic/a', init)
      expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket'])
    }
    const posted = await app.request('/raw/topic/a', { method: 'POST' })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(app.opened).toEqual([])
  })

  it('is not there when its door is closed', async () => {
    const app = doorsApp({ options: { doors: { raw: false, sse: true } } })
    for (const response of [await app.handshake('/raw/topic/a'), await app.request('/raw/topic/a')]) {
      const text = await response.text()
      expect(response.status).toBe(404)
      expect(text).not.toContain('/raw')
    }
  })

  it.each([
    ['draining', '503 shutting-down', /^[1-3]$/],
    ['full', '503 too-many-sessions', /^([5-9]|10)$/],
    ['rate', '503 node-busy', /^[1-5]$/],
    ['address-rate', '429 too-many-connects', /^[1-5]$/],
    ['address-sessions', '429 too-many-sessions-of-address', /^([5-9]|10)$/],
  ] as const)('takes nobody while the node is %s', async (reason, outcome, retryAfter) => {
    const app = doorsApp()
    app.refuse(reason)
    const response = await app.handshake('/raw/topic/a')
    expect(response.headers.get('retry-after')).toMatch(retryAfter)
    expect(await outcomeOf(response)).toBe(outcome)
    expect(app.opened).toEqual([])
  })

  it.each([
    ['https://evil.example', '403 forbidden-origin'],
    ['null', '403 forbidden-origin'],
    ['https://app.example', '101'],
    ['http://bridge.example:8080', '101'],
    ['http://localhost:3000', '101'],
  ])('answers a page of %s with %s', async (origin, outcome) => {
    const app = doorsApp()
    expect(await outcomeOf(await app.handshake('/raw/topic/a', { Origin: origin }))).toBe(outcome)
  })

  it('agrees to the first sub-protocol that is no credential: a browser that offers some wants one', async () => {
    const app = doorsApp()
    await app.handshake('/raw/topic/a', { 'Sec-WebSocket-Protocol': 'bearer.secret, chat , other' })
    await app.handshake('/raw/topic/a', { 'Sec-WebSocket-Protocol': 'bearer.secret' })
    await app.handshake('/raw/topic/a')
    expect(app.opened.map(({ protocol }) => protocol)).toEqual(['chat', undefined, undefined])
  })

  it('is live when it opens: the bus feeds the destination before', async () => {
    const app = doorsApp({ bus: { goesLive: false } })
    let isAnswered = false
    const answer = app.handshake('/raw/topic/a').finally(() => (isAnswered = true))
    await turn()
    expect(isAnswered).toBe(false)
    expect(app.opened).toEqual([])
    app.stage.core.bus.goLive()
    expect(await outcomeOf(await answer)).toBe('101')
    expect(app.stage.core.bus.commands.filter((command) => command.endsWith('topic:a'))).toEqual(['subscribe topic:a'])
  })

  it('does not wait for a bus that is away, and is refused what the bus refuses', async () => {
    const away = doorsApp({ bus: { goesLive: false, isAvailable: false } })
    expect(await outcomeOf(await away.handshake('/raw/topic/a'))).toBe('101')
    const refusing = doorsApp({ bus: { goesLive: false } })
    const answer = refusing.handshake('/raw/topic/a')
    await turn()
    refusing.stage.core.bus.refuseSubscription('topic:a')
    expect(await outcomeOf(await answer)).toBe('502 bus-refused')
    expect(refusing.opened).toEqual([])
  })
})

describe('the raw path of an endpoint with SockJS', () => {
  it.each([
    ['/stomp', '/stomp/websocket'],
    ['/', '/websocket'],
    ['/a/b/', '/a/b/websocket'],
  ])('of %s is %s, and speaks STOMP', async (path, alias) => {
    const app = doorsApp({ options: { path } })
    const response = await app.handshake(alias, { 'Sec-WebSocket-Protocol': 'v12.stomp' })
    expect(await outcomeOf(response)).toBe('101')
    expect(app.stompPaths).toEqual([alias])
    expect(app.opened[0]!.protocol).toBe('v12.stomp')
    expect(await outcomeOf(await app.request(alias))).toBe('426 upgrade-required')
    expect(await outcomeOf(await app.handshake(alias, { Origin: 'https://evil.example' }))).toBe('403 forbidden-origin')
    app.refuse('full')
    expect(await outcomeOf(await app.handshake(alias))).toBe('503 too-many-sessions')
  })
})
