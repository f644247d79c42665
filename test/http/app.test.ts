import { describe, expect, it } from 'vitest'
import { FakeNetwork } from '../support/fake-socket.ts'
import { errorOf, testApp } from './support.ts'

const HANDSHAKE = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13' }
const FOREIGN = { Origin: 'https://evil.example' }
const LOCAL = { Origin: 'http://localhost:3000' }

describe('the STOMP endpoint', () => {
  it('gives back the response of the runtime itself, also through CORS and an origin', async () => {
    for (const headers of [HANDSHAKE, { ...HANDSHAKE, ...LOCAL }]) {
      const { request, upgraded } = testApp()
      const response = await request('/stomp', { headers })
      expect(response).toBe(upgraded)
      expect([...response.headers]).toEqual([])
    }
    const { request, upgraded } = testApp({ options: { path: '/api/socket' } })
    expect(await request('/api/socket', { headers: { ...HANDSHAKE, ...LOCAL } })).toBe(upgraded)
  })

  it.each([
    [undefined, undefined],
    ['v12.stomp', 'v12.stomp'],
    ['v10.stomp, v11.stomp, v12.stomp', 'v12.stomp'],
    ['mqtt, V11.STOMP', 'V11.STOMP'],
    ['mqtt', undefined],
  ])('offered %s answers the sub-protocol %s', async (offered, protocol) => {
    const { request, upgrades, opened } = testApp()
    const headers = { ...HANDSHAKE, ...(offered !== undefined && { 'Sec-WebSocket-Protocol': offered }) }
    await request('/stomp', { headers })
    expect(upgrades).toHaveLength(1)
    expect(upgrades[0]?.[0]).toBeInstanceOf(Request)
    const { open, ...answer } = upgrades[0]![1]
    expect(answer).toEqual({ protocol })
    expect(opened).toEqual([])
    const socket = new FakeNetwork().socket()
    open(socket)
    expect(opened.map((each) => each.socket)).toEqual([socket])
  })

  it('hands over what came with the connection', async () => {
    const { request, upgrades, opened } = testApp()
    await request('/stomp?token=a%20b&x=1', { headers: { ...HANDSHAKE, Cookie: 'a=b' } })
    upgrades[0]![1].open(new FakeNetwork().socket())
    const { handshake } = opened[0]!
    expect([handshake.path, handshake.query.toString()]).toEqual(['/stomp', 'token=a+b&x=1'])
    expect(handshake.headers.get('cookie')).toBe('a=b')
    expect([handshake.remoteAddress, handshake.identity]).toEqual(['192.0.2.1', undefined])
  })

  it.each([{}, { Upgrade: 'h2c' }, { Upgrade: 'websocketx' }])('asks for an upgrade with 426: %o', async (headers) => {
    const { request, upgrades } = testApp()
    const response = await request('/stomp', { headers: headers as Record<string, string> })
    expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket'])
    expect((await errorOf(response)).message).toContain('WebSocket')
    expect(upgrades).toEqual([])
  })

  it('takes the name of the protocol in any case and from a list', async () => {
    const { request, upgraded } = testApp()
    expect(await request('/stomp', { headers: { Upgrade: 'h2c, WebSocket' } })).toBe(upgraded)
  })

  it('upgrades no HEAD and no POST', async () => {
    const { request, upgrades } = testApp()
    expect((await request('/stomp', { method: 'HEAD', headers: HANDSHAKE })).status).toBe(426)
    expect((await request('/stomp', { method: 'POST', headers: HANDSHAKE })).status).toBe(405)
    expect(upgrades).toEqual([])
  })

  it('refuses pages from elsewhere with 403, and does not ask for admission', async () => {
    const { request, upgrades } = testApp({ admission: () => expect.fail('asked') })
    const response = await request('/stomp', { headers: { ...HANDSHAKE, ...FOREIGN } })
    expect([response.status, (await errorOf(response)).code]).toEqual([403, 'forbidden-origin'])
    expect(upgrades).toEqual([])
  })

  it('allows the page of its own host, and any with a star', async () => {
    const own = { ...HANDSHAKE, Host: 'stomp.example', Origin: 'https://stomp.example' }
    const closed = testApp()
    expect(await closed.request('/stomp', { headers: own })).toBe(closed.upgraded)
    const open = testApp({ options: { allowedOrigins: ['*'] } })
    expect(await open.request('/stomp', { headers: { ...HANDSHAKE, Origin: 'null' } })).toBe(open.upgraded)
  })

  it.each([
    ['draining', 'shutting-down'],
    ['full', 'too-many-sessions'],
  ] as const)('answers 503 while %s', async (reason, code) => {
    const { request, upgrades } = testApp({ admission: () => reason })
    const response = await request('/stomp', { headers: HANDSHAKE })
    expect([response.status, (await errorOf(response)).code]).toEqual([503, code])
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(upgrades).toEqual([])
  })

  it.each([
    ['of a foreign page', { ...HANDSHAKE, ...FOREIGN }],
    ['that is no handshake', {}],
  ])('answers a request %s with the headers of every response', async (_what, headers) => {
    const response = await testApp().request('/stomp', { headers: headers as Record<string, string> })
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('referrer-policy')).toBe('no-referrer')
  })

  it('gives back and logs the 426 of the runtime for a handshake that it cannot read', async () => {
    const { request, logged } = testApp({ upgrade: () => new Response('no key', { status: 426 }) })
    const response = await request('/stomp', { headers: HANDSHAKE })
    expect([response.status, await response.text()]).toEqual([426, 'no key'])
    expect(logged.map(({ fields }) => fields['status'])).toEqual([426])
  })

  it('answers 500 and logs the error when the runtime fails to upgrade', async () => {
    const error = new Error('no descriptors left')
    const { request, logged } = testApp({
      upgrade: () => {
        throw error
      },
    })
    const response = await request('/stomp', { headers: HANDSHAKE })
    expect([response.status, (await errorOf(response)).message]).toEqual([500, 'Internal error'])
    expect(logged.filter(({ level }) => level === 'error').map(({ fields }) => fields['error'])).toEqual([error])
  })

  it('is at the configured path only', async () => {
    const { request, upgraded } = testApp({ options: { path: '/ws/v1/' } })
    expect(await request('/ws/v1/', { headers: HANDSHAKE })).toBe(upgraded)
    expect((await request('/stomp', { headers: HANDSHAKE })).status).toBe(404)
  })
})

describe('CORS', () => {
  const preflight = { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' }
  const path = '/api/notification'

  it('answers the preflight of an allowed page', async () => {
    const { headers, status } = await testApp().request(path, {
      method: 'OPTIONS',
      headers: { ...LOCAL, ...preflight },
    })
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe(LOCAL.Origin)
    expect(headers.get('access-control-allow-methods')).toContain('POST')
    expect(headers.get('access-control-allow-headers')).toBe(
      'Content-Type, Authorization, Last-Event-ID, Idempotency-Key',
    )
    expect(Number(headers.get('access-control-max-age'))).toBeGreaterThan(0)
    expect(headers.get('vary')).toBe('Origin')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
  })

  it('lets an allowed page read answers and errors', async () => {
    const { post } = testApp()
    for (const body of ['{"topic":"/topic/x","message":1}', 'junk']) {
      const { headers } = await post(body, LOCAL)
      expect([headers.get('access-control-allow-origin'), headers.get('vary')]).toEqual([LOCAL.Origin, 'Origin'])
    }
  })

  it.each(['OPTIONS', 'POST', 'GET'])('refuses %s of another page, without CORS headers', async (method) => {
    const { request, notified } = testApp()
    for (const at of [path, '/api/other']) {
      const response = await request(at, { method, headers: { ...FOREIGN, ...preflight } })
      expect([response.status, (await errorOf(response)).code]).toEqual([403, 'forbidden-origin'])
      expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    }
    expect(notified).toEqual([])
  })

  it('sends nothing of it to what is no browser', async () => {
    const { headers } = await testApp().post('{"topic":"/topic/x","message":1}')
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})

describe('health, readiness and metrics', () => {
  it('say that the process lives', async () => {
    const response = await testApp().request('/health')
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const body = { status: 'ok', version: '1.2.3', runtime: 'node 20', uptimeSeconds: expect.any(Number) }
    expect(await response.json()).toEqual(body)
  })

  it('say whether clients may come, asked each time', async () => {
    let reasons: string[] = []
    const { request } = testApp({ deps: { notReadyReasons: () => reasons } })
    const ready = await request('/ready')
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready' }])
    reasons = ['Redis is unavailable', 'Shutting down']
    const notReady = await request('/ready')
    expect([notReady.status, notReady.headers.get('cache-control')]).toEqual([503, 'no-store'])
    expect(await notReady.json()).toEqual({ status: 'not-ready', reasons })
  })

  it('give Prometheus its text, if wanted', async () => {
    const response = await testApp().request('/metrics')
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(await response.text()).toContain('stomp_bridge_messages_published_total 0')
    expect((await testApp({ options: { metrics: false } }).request('/metrics')).status).toBe(404)
  })
})

describe('everything else', () => {
  it('on a known path is 405 with Allow', async () => {
    const { request } = testApp()
    for (const [path, method, allow] of [
      ['/health', 'POST', 'GET, HEAD'],
      ['/health', 'OPTIONS', 'GET, HEAD'],
      ['/stomp', 'DELETE', 'GET, HEAD'],
      ['/docs', 'PUT', 'GET, HEAD'],
      ['/api/notification', 'GET', 'POST, OPTIONS'],
      ['/api/notification', 'HEAD', 'POST, OPTIONS'],
      ['/api/notification', 'PROPFIND', 'POST, OPTIONS'],
    ] as const) {
      const response = await request(path, { method })
      expect([path, method, response.status, response.headers.get('allow')]).toEqual([path, method, 405, allow])
    }
  })

  it.each(['/', '/nothing', '/api', '/health/', '/stomp/info', '/%ff', '/%00', '//stomp'])(
    'at %s is 404 with what is served',
    async (path) => {
      const response = await testApp().request(path)
      const { code, message } = await errorOf(response)
      expect([response.status, code]).toEqual([404, 'not-found'])
      expect(message).toContain('POST /api/notification')
      expect(message).toContain('GET /stomp')
    },
  )

  it.each(['/health', '/ready', '/metrics', '/docs', '/openapi.json'])('%s answers HEAD like GET', async (path) => {
    const { request } = testApp()
    const [head, get] = [await request(path, { method: 'HEAD' }), await request(path)]
    expect([head.status, await head.text()]).toEqual([get.status, ''])
    expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'))
  })

  it('has the headers that make browsers careful, and names no framework', async () => {
    const { request } = testApp()
    for (const path of ['/health', '/docs', '/openapi.json', '/nothing', '/stomp', '/api/notification']) {
      const { headers } = await request(path)
      expect([path, headers.get('x-content-type-options'), headers.get('referrer-policy')]).toEqual([
        path,
        'nosniff',
        'no-referrer',
      ])
      expect([headers.get('x-powered-by'), headers.get('server')]).toEqual([null, null])
    }
  })

  it('is logged at debug, without bodies, credentials and queries; a refusal that an operator looks for at warn too', async () => {
    const { request, post, logged } = testApp()
    await request('/health?token=secret', { headers: { Authorization: 'secret' } })
    await post('{"topic":"/topic/x","message":"secret"}')
    await post('secret')
    await request('/nothing')
    await request('/stomp?token=secret', { headers: { ...HANDSHAKE, Authorization: 'secret' } })
    await request('/stomp?token=secret', { headers: { ...HANDSHAKE, ...FOREIGN } })
    const requests = logged.filter(({ level }) => level === 'debug')
    expect(requests.map(({ fields }) => fields['status'])).toEqual([200, 200, 400, 404, 101, 403])
    const others = logged.filter(({ level }) => level !== 'debug')
    expect(others.map(({ level, fields }) => [level, fields['code']])).toEqual([['warn', 'forbidden-origin']])
    expect(JSON.stringify(logged)).not.toContain('secret')
  })

  it('is separate for each app of a process', async () => {
    const [a, b] = [testApp({ options: { docs: false } }), testApp({ options: { path: '/other', metrics: false } })]
    expect((await a.request('/docs')).status).toBe(404)
    expect((await b.request('/docs')).status).toBe(200)
    expect(await (await b.request('/openapi.json')).text()).not.toContain('"/metrics"')
    await a.post('{"topic":"/topic/x","message":1}')
    expect([a.notified.length, b.notified.length]).toEqual([1, 0])
  })
})
