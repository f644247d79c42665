import { describe, expect, it } from 'vitest'
import { ApiError, createApi, isPassing } from '../../web-debugger/api/client.ts'
import { rootOf } from '../../web-debugger/api/root.ts'

interface Seen {
  url: string
  init: RequestInit | undefined
}

function setUp(answer: () => Response | Promise<Response>, token = '', apiKey = '') {
  const seen: Seen[] = []
  const api = createApi({
    fetch: async (url, init) => {
      seen.push({ url, init })
      return answer()
    },
    root: () => 'http://bridge/below',
    aboutUrl: 'http://bridge/debugger/about.json',
    token: () => token,
    apiKey: () => apiKey,
  })
  return { api, seen }
}

const json =
  (value: unknown, status = 200) =>
  () =>
    Response.json(value, { status })

describe('the client of the debug API', () => {
  it('asks for about.json without the token, and for the rest with it', async () => {
    const { api, seen } = setUp(json({ api: true, sessions: [] }), 'a secret of the bridge')
    await api.about()
    await api.bridge()
    await api.sessions('a b&c', 50)
    expect(seen.map(({ url }) => url)).toEqual([
      'http://bridge/debugger/about.json',
      'http://bridge/below/api/bridge',
      'http://bridge/below/api/sessions?limit=50&search=a%20b%26c',
    ])
    const authorization = seen.map(({ init }) => new Headers(init?.headers).get('authorization'))
    expect(authorization).toEqual([null, 'Bearer a secret of the bridge', 'Bearer a secret of the bridge'])
  })

  it('gives up on a bridge that does not answer, but not on a stream', async () => {
    const { api, seen } = setUp(() => new Response('x'))
    const { signal } = new AbortController()
    await api.tail('orders', signal)
    await expect(api.bridge()).rejects.toThrow(ApiError)
    expect(seen[0]?.init?.signal).toBe(signal)
    expect(seen[1]?.init?.signal).toBeInstanceOf(AbortSignal)
    const late = setUp(() => Promise.reject(new DOMException('The operation timed out', 'TimeoutError')))
    await expect(late.api.bridge()).rejects.toMatchObject({ code: 'unreachable' })
  })

  it('asks for a history with the key of a backend', async () => {
    const { api, seen } = setUp(json({ messages: [] }), 'token', 'key')
    await api.history('/topic/a b', 50)
    await api.history('/topic/a', 50, { offset: '9-1', epoch: 'e' })
    await api.retained('/topic/a')
    await api.clearHistory('/topic/a')
    expect(seen.map(({ url, init }) => `${init?.method ?? 'GET'} ${url.replace('http://bridge/below', '')}`)).toEqual([
      'GET /api/history?destination=%2Ftopic%2Fa+b&limit=50',
      'GET /api/history?destination=%2Ftopic%2Fa&limit=50&since=9-1&epoch=e',
      'GET /api/retained?destination=%2Ftopic%2Fa',
      'DELETE /api/history?destination=%2Ftopic%2Fa',
    ])
    for (const { init } of seen) expect(new Headers(init?.headers).get('authorization')).toBe('Bearer key')
  })

  it('asks for queues with the key of a backend', async () => {
    const { api, seen } = setUp(json({ messages: [], more: true, moved: 3, deleted: 4 }), 'token', 'key')
    await api.queues()
    expect(await api.queueMessages('/queue/a b', false, 20)).toMatchObject({ messages: [], more: true })
    expect(await api.redriveQueue('/queue/a/../b')).toBe(3)
    expect(await api.purgeQueue('/queue/a', true)).toBe(4)
    expect(seen.map(({ url, init }) => `${init?.method ?? 'GET'} ${url.replace('http://bridge/below', '')}`)).toEqual([
      'GET /api/queues',
      'GET /api/queues/%2Fqueue%2Fa%20b/messages?dead=false&limit=20',
      'POST /api/queues/%2Fqueue%2Fa%2F..%2Fb/redrive',
      'DELETE /api/queues/%2Fqueue%2Fa/messages?dead=true',
    ])
    for (const { init } of seen) expect(new Headers(init?.headers).get('authorization')).toBe('Bearer key')
  })

  it('sends no empty token', async () => {
    const { api, seen } = setUp(json({}))
    await api.bridge()
    expect(new Headers(seen[0]?.init?.headers).has('authorization')).toBe(false)
  })

  it('publishes the payload as it is on a channel of any name', async () => {
    const { api, seen } = setUp(json({ channel: 'a/b c', bytes: 4 }))
    expect(await api.publish('a/b c', '"hi"')).toBe(4)
    expect(seen[0]).toMatchObject({
      url: 'http://bridge/below/api/channels/a%2Fb%20c',
      init: { method: 'POST', body: '"hi"' },
    })
  })

  it('sends the API key, and not the token, with what backends may do', async () => {
    const { api, seen } = setUp(json({ closed: 3 }), 'the token', 'the key')
    await api.users(20, undefined)
    await api.users(20, 'a&b')
    await api.user('a/b c')
    await api.presence('/topic/rooms/1')
    await api.endSession('k3x9ab-1')
    expect(await api.closeUser('a/b')).toBe(3)
    await api.revoke({ user: 'alice', seconds: 60 })
    await api.notify('/topic/toast', 'x')
    expect(
      seen.map(({ url, init }) => `${init?.method ?? 'GET'} ${url.replace('http://bridge/below/api/', '')}`),
    ).toEqual([
      'GET users?limit=20',
      'GET users?limit=20&after=a%26b',
      'GET users/a%2Fb%20c',
      'GET presence?destination=%2Ftopic%2Frooms%2F1',
      'DELETE sessions/k3x9ab-1',
      'DELETE users/a%2Fb/sessions',
      'POST revocations',
      'POST notification',
    ])
    expect(seen[6]!.init!.body).toBe('{"user":"alice","seconds":60}')
    for (const { init } of seen) expect(new Headers(init?.headers).get('authorization')).toBe('Bearer the key')
    await api.bridge()
    expect(new Headers(seen.at(-1)!.init?.headers).get('authorization')).toBe('Bearer the token')
  })

  it.each(['.', '..'])('asks for no user %s, which would be another path', async (name) => {
    const { api, seen } = setUp(json({}))
    await expect(api.user(name)).rejects.toMatchObject({ code: 'bad-name' })
    await expect(api.closeUser(name)).rejects.toThrow(ApiError)
    expect(seen).toEqual([])
  })

  it('posts a notification as JSON, without the token', async () => {
    const { api, seen } = setUp(() => new Response(null), 'a secret of the bridge')
    await api.notify('/topic/toast', { id: 7 })
    expect(seen[0]).toMatchObject({
      url: 'http://bridge/below/api/notification',
      init: { method: 'POST', body: '{"topic":"/topic/toast","message":{"id":7}}' },
    })
    const headers = new Headers(seen[0]?.init?.headers)
    expect(headers.get('content-type')).toBe('application/json')
    expect(headers.has('authorization')).toBe(false)
  })

  it('closes a session, which is answered without a body', async () => {
    const { api, seen } = setUp(() => new Response(null, { status: 204 }))
    await api.closeSession('k3x9ab-1')
    expect(seen[0]).toMatchObject({ url: 'http://bridge/below/api/sessions/k3x9ab-1', init: { method: 'DELETE' } })
  })

  it('gives the words of a refusal', async () => {
    const { api } = setUp(json({ error: { code: 'bus-unavailable', message: 'The bus is unavailable' } }, 503))
    const error = await api.publish('x', '').catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ code: 'bus-unavailable', status: 503, message: 'The bus is unavailable' })
  })

  it.each([
    ['an error page of a proxy', () => new Response('<h1>Bad gateway</h1>', { status: 502 }), 502],
    ['JSON of something else', json({ message: 'no' }, 404), 404],
    ['JSON that is no object', json(null, 500), 500],
    ['an answer that is not JSON', () => new Response('<html>'), 200],
  ])('says that %s is not an answer of the bridge', async (_subject, answer, status) => {
    const { api } = setUp(answer)
    await expect(api.bridge()).rejects.toMatchObject({ code: 'no-answer', status })
  })

  it('says that nobody answers', async () => {
    const { api } = setUp(() => Promise.reject(new TypeError('fetch failed')))
    await expect(api.bridge()).rejects.toMatchObject({ code: 'unreachable', status: 0 })
  })

  it('does not take an abort for an answer that failed', async () => {
    const abort = new AbortController()
    abort.abort()
    const { api } = setUp(() => Promise.reject(abort.signal.reason as Error))
    await expect(api.tail('x', abort.signal)).rejects.toBe(abort.signal.reason)
  })

  it.each([
    [new ApiError('unreachable', 0, ''), true],
    [new ApiError('bus-unavailable', 503, ''), true],
    [new ApiError('no-answer', 502, ''), true],
    [new ApiError('too-many-tails', 429, ''), false],
    [new ApiError('not-authenticated', 401, ''), false],
  ])('knows what passes by itself: %o', (error, expected) => {
    expect(isPassing(error)).toBe(expected)
  })
})

describe('where the bridge answers', () => {
  it.each([
    ['http://localhost:8080/debugger/', '/debugger', 'http://localhost:8080'],
    ['https://example.com/tools/bridge/debugger/?a=/b#c', '/debugger', 'https://example.com/tools/bridge'],
    ['https://example.com/a/debugger/index.html', '/debugger', 'https://example.com/a'],
    ['https://example.com/x/ops/stomp/', '/ops/stomp', 'https://example.com/x'],
    ['https://example.com/renamed/', '/debugger', 'https://example.com'],
    ['https://example.com/below/debugger/', undefined, 'https://example.com/below'],
  ])('is found from %s and the path %s', (pageUrl, path, root) => expect(rootOf(pageUrl, path)).toBe(root))
})
