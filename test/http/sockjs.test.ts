import { describe, expect, it } from 'vitest'
import { ANONYMOUS } from '../../src/access/identity.ts'
import { ProtocolError } from '../../src/errors.ts'
import { turn } from '../support/fake-turn.ts'
import { finished, linesOf } from '../sockjs/stage.ts'
import { doorsApp, outcomeOf, type DoorsAppOptions } from './doors-support.ts'

const UNCACHED = 'no-store, no-cache, must-revalidate, max-age=0'
const ORIGIN = 'https://app.example'
interface Info {
  readonly entropy: number
}

const post = { method: 'POST' }

const sockJsApp = (options: DoorsAppOptions = {}) => {
  const app = doorsApp({ hasSockJs: true, ...options })
  return {
    ...app,
    /** Sends a poll, and reads it. */
    async poll(path: string, init: RequestInit = {}): Promise<string[]> {
      expect((await app.request(path, { ...post, ...init })).status).toBe(200)
      const { client } = app.opened.at(-1)!
      const lines = linesOf(client)
      await finished(client)
      return lines
    },
  }
}

describe('GET /stomp/info', () => {
  it('says what SockJS clients want to know, with another number each time', async () => {
    const app = sockJsApp()
    const [one, two] = [await app.request('/stomp/info'), await app.request('/stomp/info')]
    expect(one.headers.get('content-type')).toBe('application/json; charset=UTF-8')
    expect(one.headers.get('cache-control')).toBe(UNCACHED)
    const [{ entropy, ...rest }, other] = [await one.json(), await two.json()] as [Info, Info]
    expect(rest).toEqual({ websocket: true, origins: ['*:*'], cookie_needed: true })
    expect(Number.isInteger(entropy) && entropy >= 0 && entropy < 2 ** 32).toBe(true)
    expect(other.entropy).not.toBe(entropy)
  })
})

describe('pages', () => {
  const requests = [
    ['GET', '/stomp/info', 'OPTIONS, GET'],
    ['POST', '/stomp/000/abc/xhr', 'OPTIONS, POST'],
    ['POST', '/stomp/000/abc/xhr_streaming', 'OPTIONS, POST'],
    ['POST', '/stomp/000/abc/xhr_send', 'OPTIONS, POST'],
  ] as const

  it.each(requests)('of an allowed origin may call with cookies: %s %s', async (method, path) => {
    const { headers } = await sockJsApp().request(path, { method, headers: { Origin: ORIGIN } })
    expect(headers.get('access-control-allow-origin')).toBe(ORIGIN)
    expect(headers.get('access-control-allow-credentials')).toBe('true')
    expect(headers.get('vary')).toBe('Origin')
  })

  it.each(requests)('of another origin may not: %s %s', async (method, path) => {
    const app = sockJsApp()
    for (const each of [method, 'OPTIONS']) {
      const response = await app.request(path, { method: each, headers: { Origin: 'https://evil.example' } })
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
      expect(response.headers.get('access-control-allow-credentials')).toBeNull()
      expect(await outcomeOf(response)).toBe('403 forbidden-origin')
    }
    expect(app.opened).toEqual([])
  })

  it.each(requests)('are told before what they may send: %s %s', async (_method, path, allow) => {
    const response = await sockJsApp().request(path, { method: 'OPTIONS', headers: { Origin: ORIGIN } })
    expect(response.status).toBe(204)
    expect(await response.text()).toBe('')
    expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN)
    expect(response.headers.get('access-control-allow-credentials')).toBe('true')
    expect(response.headers.get('access-control-allow-methods')).toBe(allow)
    expect(Number(response.headers.get('access-control-max-age'))).toBeGreaterThan(1_000_000)
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000')
    expect(Date.parse(response.headers.get('expires')!)).toBeGreaterThan(Date.now())
  })

  it('of another origin may not open a WebSocket', async () => {
    const app = sockJsApp()
    const response = await app.handshake('/stomp/000/abc/websocket', { Origin: 'https://evil.example' })
    expect(await outcomeOf(response)).toBe('403 forbidden-origin')
  })

  it('whose own name leads here get nothing', async () => {
    const app = sockJsApp({ options: { allowedHosts: ['app.example'] } })
    expect(await outcomeOf(await app.request('/stomp/000/abc/xhr', post))).toBe('403 forbidden-host')
  })
})

describe('a session', () => {
  it('opens with its first receiving request, whatever the server part is', async () => {
    const app = sockJsApp()
    expect(await app.poll('/stomp/000/abc/xhr')).toEqual(['o'])
    const { headers } = app.opened[0]!
    expect(headers).toMatchObject({
      'Content-Type': 'application/javascript; charset=UTF-8',
      'Cache-Control': UNCACHED,
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
    })
    await app.request('/stomp/999/abc/xhr_streaming', post)
    expect(app.stompPaths).toEqual(['/stomp/000/abc/xhr'])
    expect(linesOf(app.opened[1]!.client)).toEqual([])
    expect(app.spoken[0]!.closings).toEqual([])
  })

  it.each(['/stomp/_/_', '/stomp/1/1', '/stomp/a-b%20/c-d%20'])('may be called %s', async (path) => {
    expect(await sockJsApp().poll(`${path}/xhr`)).toEqual(['o'])
  })

  it.each([
    '/stomp//xhr',
    '/stomp///xhr',
    '/stomp/a./a/xhr',
    '/stomp/a/a./xhr',
    '/stomp/a/xhr',
    '/stomp/a/a/a/xhr',
    `/stomp/a/${'a'.repeat(129)}/xhr`,
    `/stomp/${'a'.repeat(129)}/a/xhr`,
    '/stomp/a/a/jsonp',
    '/stomp/a/a/jsonp_send',
    '/stomp/a/a/eventsource',
    '/stomp/a/a/htmlfile',
    '/stomp/iframe.html',
    '/stomp/iframe-1.6.1.html',
    '/stomp/a/a',
  ])('is not at %s', async (path) => {
    for (const method of ['GET', 'POST']) {
      expect(await outcomeOf(await sockJsApp().request(path, { method }))).toBe('404 not-found')
    }
  })

  it.each([
    ['GET', '/stomp/a/a/xhr'],
    ['PUT', '/stomp/a/a/xhr_send'],
    ['POST', '/stomp/a/a/websocket'],
    ['POST', '/stomp/info'],
  ])('refuses another method with those that there are: %s %s', async (method, path) => {
    const response = await sockJsApp().request(path, { method })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toMatch(/GET|POST/)
  })

  it('over a WebSocket opens with the handshake, as often as that comes', async () => {
    const app = sockJsApp()
    for (let i = 0; i < 2; i++) {
      const offered = { 'Sec-WebSocket-Protocol': 'v12.stomp' }
      expect(await outcomeOf(await app.handshake('/stomp/000/abc/websocket', offered))).toBe('101')
    }
    expect(app.opened.map(({ client, protocol }) => [client.socket.sent, protocol])).toEqual([
      [['o'], undefined],
      [['o'], undefined],
    ])
    expect(await outcomeOf(await app.request('/stomp/000/abc/websocket'))).toBe('426 upgrade-required')
  })

  it('is not taken by an endpoint with a path that fits', async () => {
    const app = sockJsApp({ endpoints: [{ path: '/{a}/{b}/{c}/{d}' }] })
    expect(await outcomeOf(await app.handshake('/stomp/000/abc/websocket'))).toBe('101')
    expect(app.opened[0]!.client.socket.sent).toEqual(['o'])
  })

  it('is not let in when there is no room, but goes on when it is there', async () => {
    const app = sockJsApp()
    await app.poll('/stomp/000/abc/xhr')
    app.refuse('full')
    await app.request('/stomp/000/abc/xhr', post)
    expect(app.spoken[0]!.closings).toEqual([])
    const response = await app.request('/stomp/000/other/xhr', post)
    expect(response.headers.get('retry-after')).toMatch(/^([5-9]|10)$/)
    expect(await outcomeOf(response)).toBe('503 too-many-sessions')
    expect(await outcomeOf(await app.handshake('/stomp/000/abc/websocket'))).toBe('503 too-many-sessions')
  })

  it('is at no path where its door is closed', async () => {
    const app = doorsApp()
    for (const path of [
      '/stomp/info',
      '/stomp/000/abc/xhr',
      '/stomp/000/abc/xhr_streaming',
      '/stomp/000/abc/xhr_send',
    ]) {
      expect(await outcomeOf(await app.request(path, post))).toBe('404 not-found')
      expect(await outcomeOf(await app.request(path))).toBe('404 not-found')
    }
    expect(await outcomeOf(await app.handshake('/stomp/000/abc/websocket'))).toBe('404 not-found')
    expect(await outcomeOf(await app.handshake('/stomp/websocket'))).toBe('101')
  })
})

describe('xhr_send', () => {
  it('takes messages of any content type', async () => {
    const app = sockJsApp()
    await app.poll('/stomp/000/abc/xhr')
    for (const type of ['text/plain', 'T', 'application/json', 'application/xml', 'text/xml; charset=utf-8']) {
      const init = { ...post, body: '["a","b"]', headers: { 'Content-Type': type } }
      const response = await app.request('/stomp/999/abc/xhr_send', init)
      expect(response.status).toBe(204)
      expect(response.headers.get('content-type')).toBe('text/plain; charset=UTF-8')
      expect(response.headers.get('cache-control')).toBe(UNCACHED)
    }
    expect(app.spoken[0]!.received).toEqual(Array.from({ length: 5 }, () => 'ab'))
  })

  it.each([
    ['["x', 'Broken JSON encoding.'],
    ['[1]', 'Broken JSON encoding.'],
    ['', 'Payload expected.'],
  ])('refuses %j, and the session goes on', async (body, text) => {
    const app = sockJsApp()
    await app.poll('/stomp/000/abc/xhr')
    const response = await app.request('/stomp/000/abc/xhr_send', { ...post, body })
    expect(response.status).toBe(500)
    expect(await response.text()).toBe(text)
    expect((await app.request('/stomp/000/abc/xhr_send', { ...post, body: '["a"]' })).status).toBe(204)
  })

  it('refuses a body that is too large', async () => {
    const app = sockJsApp()
    await app.poll('/stomp/000/abc/xhr')
    const response = await app.request('/stomp/000/abc/xhr_send', { ...post, body: `["${'a'.repeat(1000)}"]` })
    expect(await outcomeOf(response)).toBe('413 body-too-large')
    expect(app.spoken[0]!.received).toEqual([])
  })

  it('knows no session that is not there, or over', async () => {
    const app = sockJsApp()
    const send = async () =>
      outcomeOf(await app.request('/stomp/000/abc/xhr_send', { ...post, body: '["a"]', headers: { Origin: ORIGIN } }))
    expect(await send()).toBe('404 not-found')
    await app.poll('/stomp/000/abc/xhr')
    app.spoken[0]!.socket.close(1001, 'bye')
    expect(await send()).toBe('404 not-found')
    expect(app.spoken[0]!.received).toEqual([])
  })
})

describe('the credential', () => {
  const access: DoorsAppOptions['access'] = {
    isOpen: false,
    authenticateHandshake: async ({ token }) => {
      await turn()
      if (token === undefined) return 'nothing'
      return token.startsWith('of ') ? { user: token.slice(3) } : 'refused'
    },
  }

  it('of the first request says who it is, and is asked for once', async () => {
    let asked = 0
    const app = sockJsApp({
      access: {
        ...access,
        authenticateHandshake: () => (asked++ > 0 ? 'refused' : { user: 'alice' }), // as a ticket is used once
      },
    })
    const path = '/stomp/000/abc'
    expect(await app.poll(`${path}/xhr?access_token=ticket`)).toEqual(['o'])
    const init = { ...post, body: '["a"]' }
    expect((await app.request(`${path}/xhr_send?access_token=ticket`, init)).status).toBe(204)
    app.spoken[0]!.socket.send('b')
    await turn()
    expect(await app.poll(`${path}/xhr?access_token=ticket`)).toEqual(['a["b"]'])
    expect(asked).toBe(1)
    expect(app.identities).toEqual([{ user: 'alice' }])
  })

  it('is needed for each request: without it, or with another one, the session is not found', async () => {
    const app = sockJsApp({ access })
    const path = '/stomp/000/abc'
    const alice = { Cookie: 'session=of alice' }
    expect(await app.poll(`${path}/xhr`, { headers: alice })).toEqual(['o'])
    for (const headers of [{}, { Cookie: 'session=of mallory' }, { Authorization: 'Bearer of mallory' }]) {
      const response = await app.request(`${path}/xhr_send`, { ...post, body: '["stolen"]', headers })
      expect(await outcomeOf(response)).toBe('404 not-found')
    }
    const sent = await app.request(`${path}/xhr_send`, { ...post, body: '["mine"]', headers: alice })
    expect(sent.status).toBe(204)
    expect(app.spoken[0]!.received).toEqual(['mine'])
    expect(await app.poll(`${path}/xhr`, { headers: { Cookie: 'session=of mallory' } })).toEqual(['o'])
    expect(app.identities).toEqual([{ user: 'alice' }, { user: 'mallory' }])
    expect(app.spoken[0]!.closings).toEqual([])
  })

  it('that is wrong opens nothing, over HTTP and over a WebSocket', async () => {
    const app = sockJsApp({ access })
    for (const path of ['/stomp/000/abc/xhr', '/stomp/000/abc/xhr_streaming']) {
      const response = await app.request(`${path}?access_token=wrong`, { ...post, headers: { Origin: ORIGIN } })
      expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN)
      expect(await outcomeOf(response)).toBe('401 not-authenticated')
    }
    const response = await app.handshake('/stomp/000/abc/websocket?access_token=wrong')
    expect(await outcomeOf(response)).toBe('401 not-authenticated')
    expect(app.opened).toEqual([])
  })

  it('is looked at once for two first requests at the same time, which are one session', async () => {
    const app = sockJsApp({ access })
    const path = '/stomp/000/abc/xhr_streaming?access_token=of%20alice'
    await Promise.all([app.request(path, post), app.request(path, post)])
    expect(app.opened.map(({ client }) => linesOf(client))).toEqual([
      ['o'],
      ['c[2010,"Another connection still open"]'],
    ])
    expect(app.spoken).toHaveLength(1)
  })

  it('may come in CONNECT', async () => {
    const app = sockJsApp({ access })
    expect(await app.poll('/stomp/000/abc/xhr')).toEqual(['o'])
    expect(app.identities).toEqual([undefined])
  })

  it('cannot be looked at for ever', async () => {
    const app = sockJsApp({ access: { ...access, authenticateHandshake: () => new Promise(() => {}) } })
    expect(await outcomeOf(await app.request('/stomp/000/abc/xhr', post))).toBe('408 connect-timeout')
    const failing = sockJsApp({
      access: {
        ...access,
        authenticateHandshake: () => Promise.reject(new ProtocolError('auth-unavailable', 'It is away')),
      },
    })
    expect(await outcomeOf(await failing.request('/stomp/000/abc/xhr', post))).toBe('503 auth-unavailable')
  })

  it('is not asked for where anyone may do anything', async () => {
    const app = sockJsApp()
    expect(await app.poll('/stomp/000/abc/xhr')).toEqual(['o'])
    expect(app.identities).not.toContainEqual(ANONYMOUS)
  })
})
