import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { globalFetch } from '../../src/ask.ts'
import type { Verdict } from '../../src/access/authenticator.ts'
import { CallbackAuthenticator, type CallbackOptions } from '../../src/access/callback.ts'
import { ProtocolError } from '../../src/errors.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { eventually } from '../support/wait.ts'
import { credentials, errorOf, json, NOW, startServer, type CredentialParts, type TestServer } from './support.ts'

async function setUp(answer: TestServer['answer'], options: Partial<CallbackOptions> & { path?: string } = {}) {
  const { path = '/auth/{token}', ...rest } = options
  const server = await startServer(answer)
  const clock = new FakeClock()
  const log = new FakeLog()
  const took: string[] = []
  const metrics = { took: (name: string, result: string) => void took.push(`${name} ${result}`) }
  const callback = new CallbackAuthenticator(
    { url: server.url + path, method: 'GET', timeoutMs: 1000, cacheSeconds: 0, ...rest },
    { clock, now: () => NOW * 1000, fetch: globalFetch, metrics, log },
  )
  const login = async (parts: CredentialParts | string): Promise<Verdict> =>
    callback.authenticate(credentials(typeof parts === 'string' ? { token: parts } : parts))
  const failure = async (parts: CredentialParts | string = 'secret-token') => {
    const error = await errorOf(() => login(parts))
    expect(error).toBeInstanceOf(ProtocolError)
    return error as ProtocolError
  }
  return { server, clock, log, took, callback, login, failure }
}

const digest = (token: string) => createHash('sha256').update(token).digest('hex').slice(0, 16)

describe('a question by GET', () => {
  it('has the token percent-encoded in its URL', async () => {
    const { server, login } = await setUp(json(200, { auth: true }), { path: '/auth/{token}?again={token}&x=$&' })
    const tokens = ['abc', 'a/b', '../admin', '%2e%2e', '?x=1#y', 'é 💥', "a'b$&", 'a\\b', 'a\0b', '...', 'http://x/']
    for (const token of tokens) await login(token)
    expect(server.asked.map(({ url }) => url)).toEqual(
      tokens.map((token) => {
        const encoded = encodeURIComponent(token).replaceAll("'", '%27')
        return `/auth/${encodeURIComponent(token)}?again=${encoded}&x=$&`
      }),
    )
    expect(server.asked.every(({ method, body }) => method === 'GET' && body === '')).toBe(true)
  })

  it.each(['', '.', '..', '\ud800'])('about %j is refused unasked', async (token) => {
    const { server, login } = await setUp(json(200, { auth: true }))
    expect(await login(token)).toBe('refused')
    expect(server.asked).toEqual([])
  })

  it('never leads elsewhere, whatever the token', async () => {
    const { server, login } = await setUp(json(403, {}))
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (token) => {
        expect(await login(token)).toBe('refused')
      }),
      { numRuns: 200 },
    )
    for (const { url } of server.asked) expect(url).toMatch(/^\/auth\/[^/?#\\]+$/)
  })

  it('belongs to the trace of the handshake, if that is one', async () => {
    const { server, login } = await setUp(json(200, { auth: true }))
    const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'a=1' }
    for (const headers of [trace, { ...trace, traceparent: 'x' }, {}]) await login({ token: 'a', headers })
    const told = server.asked.map(({ headers }) => [headers['traceparent'], headers['tracestate']])
    expect(told).toEqual([
      [trace.traceparent, 'a=1'],
      [undefined, undefined],
      [undefined, undefined],
    ])
  })

  it('is for others where there is no token, or one of our tickets', async () => {
    const { server, login } = await setUp(json(200, { auth: true }), { isTicket: (token) => token.startsWith('tkt_') })
    for (const parts of [{}, { login: 'alice' }, { token: 'tkt_1' }]) expect(await login(parts)).toBe('not-mine')
    expect(server.asked).toEqual([])
  })
})

describe('a question by POST', () => {
  it('has all that is known of the client as JSON', async () => {
    const { server, login } = await setUp(json(200, { user: 'alice' }), { path: '/auth?x=1', method: 'POST' })
    const parts = { login: 'alice', passcode: 'pass', path: '/ws', headers: { origin: 'https://shop.example' } }
    expect(await login(parts)).toMatchObject({ user: 'alice' })
    const [{ method, url, headers, body }] = server.asked as [TestServer['asked'][number]]
    expect([method, url, headers['content-type']]).toEqual(['POST', '/auth?x=1', 'application/json'])
    expect(JSON.parse(body)).toEqual({
      token: 'pass',
      login: 'alice',
      passcode: 'pass',
      remoteAddress: '192.0.2.1',
      origin: 'https://shop.example',
      path: '/ws',
    })
    await login({ login: 'alice' })
    expect(JSON.parse(server.asked[1]!.body)).toEqual({ login: 'alice', remoteAddress: '192.0.2.1', path: '/ws' })
  })

  it('is for others where there is nothing to ask about', async () => {
    const { server, login } = await setUp(json(200, { user: 'alice' }), { method: 'POST' })
    expect(await login({})).toBe('not-mine')
    expect(server.asked).toEqual([])
  })
})

describe('an answer', () => {
  it.each<[unknown, object]>([
    [{ auth: true }, { user: `token-${digest('t')}` }],
    [{ auth: true, user: null, groups: null, claims: null, expiresAt: null }, { user: `token-${digest('t')}` }],
    [{ user: 'alice' }, { user: 'alice' }],
    [{ user: 'alice', more: 1 }, { user: 'alice' }],
    [
      { auth: true, user: 'alice', groups: ['a'], claims: { x: [1] }, expiresAt: NOW + 5 },
      {
        user: 'alice',
        groups: ['a'],
        claims: { x: [1] },
        expiresAt: NOW + 5,
      },
    ],
  ])('%j lets in', async (value, identity) => {
    const { login, took } = await setUp(json(200, value))
    const none = { groups: undefined, claims: undefined, expiresAt: undefined }
    expect(await login('t')).toEqual({ ...none, ...identity })
    expect(took).toEqual(['callback answered'])
  })

  it('without a user can make the token the name', async () => {
    const { login } = await setUp(json(201, { auth: true }), { userFrom: 'token' })
    expect(await login('public-id')).toMatchObject({ user: 'public-id' })
  })

  it.each<[string, TestServer['answer']]>([
    ['{auth: false}', json(200, { auth: false })],
    ['{auth: false} with a user', json(200, { auth: false, user: 'alice' })],
    ['401', json(401, { user: 'alice' })],
    ['403', json(403, {})],
    ['404', (_asked, response) => response.writeHead(404).end('x'.repeat(1e6))],
  ])('%s refuses', async (_which, answer) => {
    const { login, took } = await setUp(answer)
    expect(await login('t')).toBe('refused')
    expect(took).toEqual(['callback answered'])
  })

  const long = (bytes: number) => JSON.stringify({ user: 'alice', x: 'x'.repeat(bytes - 23) })

  it.each<[string, TestServer['answer']]>([
    ['500', json(500, { user: 'alice' })],
    ['400', json(400, { auth: false })],
    ['a redirect', json(302, { user: 'alice' }, { location: '/auth/other' })],
    ['a permanent redirect', json(308, { user: 'alice' }, { location: '/auth/other' })],
    ['no content', (_asked, response) => response.writeHead(204).end()],
    ['304', (_asked, response) => response.writeHead(304).end()],
    ['an empty body', (_asked, response) => response.end()],
    ['no JSON', (_asked, response) => response.end('OK')],
    ['JSON that is cut', (_asked, response) => response.end('{"user":"alice"')],
    ['JSON that is nested very deeply', (_asked, response) => response.end('['.repeat(60_000))],
    ['no UTF-8', (_asked, response) => response.end(Buffer.from('{"user":"\xff"}', 'latin1'))],
    ['an empty object', json(200, {})],
    ['true', json(200, true)],
    ['null', json(200, null)],
    ['a list', json(200, [{ user: 'alice' }])],
    ['text', json(200, 'alice')],
    ['auth as text', json(200, { auth: 'true', user: 'alice' })],
    ['auth as a number', json(200, { auth: 1 })],
    ['a number as user', json(200, { user: 5 })],
    ['no user at all', json(200, { user: null })],
    ['an empty user', json(200, { auth: true, user: '' })],
    ['a user with a line break', json(200, { user: 'a\nb' })],
    ['groups that are text', json(200, { user: 'alice', groups: 'staff' })],
    ['groups with a number', json(200, { user: 'alice', groups: ['a', 1] })],
    ['claims that are a list', json(200, { user: 'alice', claims: [] })],
    ['an expiry that is text', json(200, { user: 'alice', expiresAt: '2030-01-01' })],
    ['too long', (_asked, response) => response.end(long(64 * 1024 + 1))],
    [
      'endless',
      (_asked, response) => {
        const timer = setInterval(() => response.write(' '.repeat(20_000)), 1)
        response.on('close', () => clearInterval(timer))
      },
    ],
    [
      'cut off',
      (_asked, response) => response.writeHead(200, { 'content-length': '50' }).end('{"user":"a"}').destroy(),
    ],
    ['no answer', (_asked, response) => response.destroy()],
  ])('that is %s fails the login', async (_which, answer) => {
    const { server, failure, took, log } = await setUp(answer)
    const error = await failure()
    expect(error.code).toBe('auth-unavailable')
    expect(error.headers).toEqual({ 'retry-after': '5' })
    expect(server.asked).toHaveLength(1)
    expect(took).toEqual(['callback failed'])
    expect(log.entries).toHaveLength(1)
    expect(log.entries[0]!.fields['server']).toBe(server.url)
    expect(inFull(log.entries) + inFull(error)).not.toContain('secret-token')
  })

  it('may have 64 KiB', async () => {
    const { login } = await setUp((_asked, response) => response.end(long(64 * 1024)))
    expect(await login('t')).toMatchObject({ user: 'alice' })
  })

  it.each(['headers', 'body'])('that stops before its %s fails the login in time', async (part) => {
    const { failure, server } = await setUp(
      (_asked, response) => part === 'body' && response.write('{"user":"alice"'),
      { timeoutMs: 100 },
    )
    const startedAt = performance.now()
    expect(((await failure()).cause as Error).message).toBe('no answer within 100 ms')
    expect(performance.now() - startedAt).toBeLessThan(900)
    expect(server.asked).toHaveLength(1)
  })

  it('of a server that is not there fails the login, without the token in any text', async () => {
    const log = new FakeLog()
    const options = { url: 'http://127.0.0.1:1/{token}', method: 'GET', timeoutMs: 1000, cacheSeconds: 0 } as const
    const deps = { clock: new FakeClock(), now: () => 0, fetch: globalFetch, metrics: { took() {} }, log }
    const callback = new CallbackAuthenticator(options, deps)
    const error = await errorOf(() => callback.authenticate(credentials({ token: 'secret-token' })))
    expect(error).toMatchObject({ code: 'auth-unavailable' })
    expect(inFull(error) + inFull(log.entries)).not.toContain('secret-token')
  })
})

describe('answers', () => {
  it('are kept for cacheSeconds, for the same question only', async () => {
    const { server, clock, login } = await setUp(json(200, { user: 'alice' }), { cacheSeconds: 10 })
    const first = await login('a')
    clock.advance(9_999)
    expect(await login('a')).toBe(first)
    await login('b')
    expect(server.asked).toHaveLength(2)
    clock.advance(1)
    await login('a')
    expect(server.asked).toHaveLength(3)
  })

  it('are not kept beyond the end of the identity', async () => {
    const { server, clock, login } = await setUp(json(200, { user: 'alice', expiresAt: NOW + 2 }), { cacheSeconds: 10 })
    await login('a')
    clock.advance(1_999)
    await login('a')
    expect(server.asked).toHaveLength(1)
    clock.advance(1)
    await login('a')
    expect(server.asked).toHaveLength(2)
  })

  it('that say no, and failures, are not kept', async () => {
    const { server, login, failure } = await setUp(json(403, {}), { cacheSeconds: 10 })
    expect(await login('secret-token')).toBe('refused')
    server.answer = json(500, {})
    await failure()
    server.answer = json(200, { user: 'alice' })
    expect(await login('secret-token')).toMatchObject({ user: 'alice' })
  })

  it('are not kept without cacheSeconds, but one question serves all who ask it at the same time', async () => {
    const { server, login } = await setUp(json(200, { user: 'alice' }))
    const verdicts = await Promise.all([...Array<string>(20).fill('a'), 'b'].map(login))
    expect(new Set(verdicts).size).toBe(2)
    expect(server.asked).toHaveLength(2)
    await login('a')
    expect(server.asked).toHaveLength(3)
  })

  it('of different clients are not shared by POST', async () => {
    const { server, login } = await setUp(json(200, { user: 'alice' }), { method: 'POST', cacheSeconds: 10 })
    await login({ token: 'a', remoteAddress: '192.0.2.1' })
    await login({ token: 'a', remoteAddress: '192.0.2.2' })
    expect(server.asked).toHaveLength(2)
  })
})

describe('a client that leaves', () => {
  it('ends its question only when nobody else waits for it', async () => {
    let closed = 0
    const { server, login, took, log } = await setUp((_asked, response) => void response.on('close', () => closed++))
    const [one, other] = [new AbortController(), new AbortController()]
    const logins = [one, other].map(({ signal }) => errorOf(() => login({ token: 'a', signal })))
    await eventually(() => expect(server.asked).toHaveLength(1))
    one.abort()
    expect(await logins[0]).toMatchObject({ code: 'auth-unavailable' })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(closed).toBe(0)
    other.abort()
    await logins[1]
    await eventually(() => expect(closed).toBe(1))
    expect([took, log.entries]).toEqual([[], []])
  })

  it('does not spoil it for who comes later, nor for who stays', async () => {
    const { server, login } = await setUp((asked, response) => {
      setTimeout(() => json(200, { user: 'alice' })(asked, response), 50)
    })
    const leaver = new AbortController()
    const [left, stays] = [errorOf(() => login({ token: 'a', signal: leaver.signal })), login('a')]
    await eventually(() => expect(server.asked).toHaveLength(1))
    leaver.abort()
    await left
    expect(await stays).toMatchObject({ user: 'alice' })
    const alone = new AbortController()
    const aborted = errorOf(() => login({ token: 'b', signal: alone.signal }))
    alone.abort()
    expect(await login('b')).toMatchObject({ user: 'alice' })
    await aborted
  })

  it('asks nothing if it has left before, and leaves no rejection unhandled', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', note)
    onTestFinished(() => void process.off('unhandledRejection', note))
    const { server, failure } = await setUp((_asked, response) => response.destroy())
    await failure({ token: 'a', signal: AbortSignal.abort() })
    expect(server.asked).toEqual([])
    const controller = new AbortController()
    const failing = failure({ token: 'a', signal: controller.signal })
    controller.abort()
    await failing
    await failure('b')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(unhandled).toEqual([])
  })
})

describe('the authenticator by callback', () => {
  it('asks so many at a time, and cannot tell of more', async () => {
    const callback = new CallbackAuthenticator(
      { url: 'http://127.0.0.1:1/{token}', method: 'GET', timeoutMs: 500, cacheSeconds: 0 },
      {
        clock: new FakeClock(),
        now: () => 0,
        fetch: () => new Promise(() => undefined),
        metrics: { took() {} },
        log: new FakeLog(),
      },
    )
    const pending = Array.from({ length: 1000 }, (_, i) =>
      errorOf(() => callback.authenticate(credentials({ token: `t${i}` }))),
    )
    expect(await errorOf(() => callback.authenticate(credentials({ token: 'one-more' })))).toMatchObject({
      code: 'auth-unavailable',
    })
    expect(new Set((await Promise.all(pending)).map((error) => (error as ProtocolError).code))).toEqual(
      new Set(['auth-unavailable']),
    )
  })

  it('cannot be made with a token in the name of its server', () => {
    const deps = {
      clock: new FakeClock(),
      now: () => 0,
      fetch: globalFetch,
      metrics: { took() {} },
      log: new FakeLog(),
    }
    for (const url of ['http://{token}.example/', 'http://example:80{token}/', 'http://{token}/']) {
      const options = { url, method: 'GET', timeoutMs: 1000, cacheSeconds: 0 } as const
      expect(() => new CallbackAuthenticator(options, deps)).toThrow()
    }
  })
})

/** All that a log could print of it. */
function inFull(value: unknown): string {
  if (!(value instanceof Error)) return JSON.stringify(value)
  return [value.message, value.stack, JSON.stringify(value), value.cause ? inFull(value.cause) : ''].join('\n')
}
