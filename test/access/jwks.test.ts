import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Verdict } from '../../src/access/authenticator.ts'
import { globalFetch } from '../../src/ask.ts'
import { Jwks } from '../../src/access/jwks.ts'
import { JwtAuthenticator } from '../../src/access/jwt.ts'
import { ProtocolError } from '../../src/errors.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { eventually } from '../support/wait.ts'
import {
  credentials,
  errorOf,
  json,
  makeKey,
  NOW,
  sign,
  startServer,
  type TestKey,
  type TestServer,
} from './support.ts'

let one: TestKey
let two: TestKey
let three: TestKey
let unnamed: TestKey
const tokens = { one: '', two: '', three: '', unnamed: '', unknown: '', path: '', url: '' }

beforeAll(async () => {
  ;[one, two, three, unnamed] = await Promise.all([makeKey('one'), makeKey('two'), makeKey('three'), makeKey()])
  tokens.one = await sign({ sub: 'one' }, one.privateKey, { kid: 'one' })
  tokens.two = await sign({ sub: 'two' }, two.privateKey, { kid: 'two' })
  tokens.three = await sign({ sub: 'three' }, three.privateKey, { kid: 'three' })
  tokens.unnamed = await sign({ sub: 'unnamed' }, unnamed.privateKey)
  tokens.unknown = await sign({ sub: 'one' }, one.privateKey, { kid: 'nobody' })
  tokens.path = await sign({ sub: 'one' }, one.privateKey, { kid: '../../../../etc/passwd' })
  tokens.url = await sign({ sub: 'one' }, one.privateKey, {
    kid: 'http://127.0.0.1:9/jwks',
    jku: 'http://127.0.0.1:9/',
  })
})

const keys = (...list: unknown[]) => json(200, { keys: list })

async function setUp(answer?: TestServer['answer']) {
  const server = await startServer(answer ?? keys(one.jwk))
  const clock = new FakeClock()
  const log = new FakeLog()
  const took: string[] = []
  const metrics = { took: (name: string, result: string) => void took.push(`${name} ${result}`) }
  const jwks = new Jwks(`${server.url}/jwks?secret=yes`, { clock, fetch: globalFetch, metrics, log })
  const jwt = new JwtAuthenticator({ algorithms: ['RS256'], jwks }, { now: () => NOW * 1000, log })
  const judge = async (token: string): Promise<Verdict> => jwt.authenticate(credentials({ token }))
  const failure = async (token = tokens.one) => {
    const error = await errorOf(() => judge(token))
    expect(error).toBeInstanceOf(ProtocolError)
    return error as ProtocolError
  }
  return { server, clock, log, took, judge, failure }
}

describe('keys from a key set', () => {
  it('are fetched when the first token needs one, and then kept', async () => {
    const { server, judge, took } = await setUp()
    expect(server.asked).toHaveLength(0)
    expect(await judge(tokens.one)).toMatchObject({ user: 'one' })
    expect(await judge(tokens.one)).toMatchObject({ user: 'one' })
    expect(server.asked).toHaveLength(1)
    expect(server.asked[0]).toMatchObject({ method: 'GET', url: '/jwks?secret=yes' })
    expect(took).toEqual(['jwksFetch answered'])
  })

  it('are fetched once for all that need them at the same time', async () => {
    const { server, judge } = await setUp(keys(one.jwk, two.jwk))
    const verdicts = await Promise.all([tokens.one, tokens.two, tokens.one, tokens.two].map(judge))
    expect(verdicts).toMatchObject(['one', 'two', 'one', 'two'].map((user) => ({ user })))
    expect(server.asked).toHaveLength(1)
  })

  it('are not fetched for what is no token of theirs', async () => {
    const { server, judge } = await setUp()
    for (const token of ['a.b.c', 'x', await sign({ sub: 'a' }, new Uint8Array(32), { alg: 'HS256' })]) {
      expect(await judge(token)).toBe('not-mine')
    }
    expect(server.asked).toHaveLength(0)
  })

  it('are fetched again for an unknown kid, at most once in 30 s; the first time counts', async () => {
    const { server, clock, judge } = await setUp()
    expect(await judge(tokens.two)).toBe('refused')
    server.answer = keys(one.jwk, two.jwk)
    clock.advance(29_999)
    expect(await judge(tokens.two)).toBe('refused')
    expect(server.asked).toHaveLength(1)
    clock.advance(1)
    expect(await judge(tokens.two)).toMatchObject({ user: 'two' })
    expect(server.asked).toHaveLength(2)
    server.answer = keys(three.jwk)
    for (let i = 0; i < 10; i++) expect(await judge(tokens.three)).toBe('refused')
    expect(server.asked).toHaveLength(2)
  })

  it('are fetched once for many unknown kids at once', async () => {
    const { server, clock, judge } = await setUp()
    await judge(tokens.one)
    clock.advance(30_000)
    server.answer = keys(one.jwk, two.jwk, three.jwk)
    const verdicts = await Promise.all([tokens.two, tokens.three, tokens.unknown, tokens.two].map(judge))
    expect(verdicts).toMatchObject([{ user: 'two' }, { user: 'three' }, 'refused', { user: 'two' }])
    expect(server.asked).toHaveLength(2)
  })

  it('that could not be fetched again are asked for once in 30 s, too, and known ones still count', async () => {
    const { server, clock, judge, failure } = await setUp()
    await judge(tokens.one)
    clock.advance(30_000)
    server.answer = json(500, {})
    for (let i = 0; i < 5; i++) expect((await failure(tokens.two)).code).toBe('auth-unavailable')
    expect(await judge(tokens.one)).toMatchObject({ user: 'one' })
    expect(server.asked).toHaveLength(2)
    server.answer = keys(two.jwk)
    clock.advance(30_000)
    expect(await judge(tokens.two)).toMatchObject({ user: 'two' })
    expect(server.asked).toHaveLength(3)
  })

  it('are believed for ten minutes, and fetched again before that is over', async () => {
    const { server, clock, judge } = await setUp()
    await judge(tokens.one)
    server.answer = keys(two.jwk)
    clock.advance(299_999)
    await judge(tokens.one)
    expect(server.asked).toHaveLength(1)
    clock.advance(1)
    expect(await judge(tokens.one)).toMatchObject({ user: 'one' })
    await eventually(async () => expect(await judge(tokens.one)).toBe('refused'))
    expect(await judge(tokens.two)).toMatchObject({ user: 'two' })
    expect(server.asked).toHaveLength(2)
  })

  it('are not believed longer, whatever the server says meanwhile', async () => {
    const { server, clock, judge, failure } = await setUp()
    await judge(tokens.one)
    server.answer = json(503, {})
    clock.advance(599_999)
    expect(await judge(tokens.one)).toMatchObject({ user: 'one' })
    await eventually(() => expect(server.asked).toHaveLength(2))
    clock.advance(1)
    expect((await failure()).code).toBe('auth-unavailable')
    expect((await failure()).code).toBe('auth-unavailable')
    server.answer = keys(one.jwk)
    expect(await judge(tokens.one)).toMatchObject({ user: 'one' })
  })

  it('of which none is there let nobody in, but that is an answer', async () => {
    const { judge } = await setUp(keys())
    expect(await judge(tokens.one)).toBe('refused')
    expect(await judge(tokens.unnamed)).toBe('refused')
  })

  it('are all tried if neither the token nor they have a kid', async () => {
    const [a, b] = await Promise.all([makeKey(), makeKey()])
    const { server, judge } = await setUp(keys({ kty: 'RSA', n: 'junk' }, one.jwk, a.jwk, unnamed.jwk, b.jwk))
    expect(await judge(tokens.unnamed)).toMatchObject({ user: 'unnamed' })
    const stranger = await makeKey()
    expect(await judge(await sign({ sub: 'x' }, stranger.privateKey))).toBe('refused')
    expect(server.asked).toHaveLength(1)
  })

  it('for another use or another algorithm are not used', async () => {
    for (const wrong of [{ use: 'enc' }, { alg: 'RS512' }, { key_ops: ['encrypt'] }]) {
      const { judge } = await setUp(keys({ ...one.jwk, ...wrong }))
      expect(await judge(tokens.one)).toBe('refused')
    }
  })

  it('do not depend on what a token says but by comparison', async () => {
    const { server, judge } = await setUp()
    expect(await judge(tokens.path)).toBe('refused')
    expect(await judge(tokens.url)).toBe('refused')
    expect(server.asked.map(({ url }) => url)).toEqual(['/jwks?secret=yes'])
  })

  it('that are secrets are not used', async () => {
    const secret = Buffer.alloc(32, 'x')
    const { judge } = await setUp(keys({ kty: 'oct', k: secret.toString('base64url'), kid: 'one' }))
    expect(await judge(tokens.one)).toBe('refused')
    expect(await judge(await sign({ sub: 'a' }, secret, { alg: 'HS256', kid: 'one' }))).toBe('not-mine')
  })
})

describe('a fetch of keys', () => {
  it.each<[string, TestServer['answer']]>([
    ['has another status', json(404, { keys: [] })],
    ['is a redirect', json(302, { keys: [] }, { location: '/jwks2' })],
    ['is not JSON', (_asked, response) => response.end('<html>')],
    ['is not UTF-8', (_asked, response) => response.end(Buffer.from([0x7b, 0xff]))],
    ['is empty', (_asked, response) => response.end()],
    ['is no key set', json(200, { key: [] })],
    ['is a list', json(200, [])],
    ['has keys that are none', json(200, { keys: ['a'] })],
    ['is too long', (_asked, response) => response.end(JSON.stringify({ keys: [], x: 'x'.repeat(1024 * 1024) }))],
    ['is cut', (_asked, response) => response.writeHead(200, { 'content-length': '20' }).end('{}').destroy()],
    ['does not come', (_asked, response) => response.destroy()],
  ])('whose answer %s fails the login', async (_which, answer) => {
    const { server, failure, log, took } = await setUp(answer)
    const error = await failure()
    expect(error.code).toBe('auth-unavailable')
    expect(error.headers).toEqual({ 'retry-after': '5' })
    expect(server.asked).toHaveLength(1)
    expect(took).toEqual(['jwksFetch failed'])
    expect(log.messages('warn')).toEqual(['Cannot fetch the keys for tokens'])
    expect(JSON.stringify([log.entries, error.message, error.cause])).not.toContain('secret')
  })

  it('that fails is tried again by the next login, while there are no keys', async () => {
    const { server, failure, judge } = await setUp(json(500, {}))
    await failure()
    server.answer = keys(one.jwk)
    expect(await judge(tokens.one)).toMatchObject({ user: 'one' })
  })

  it('takes 5 s at most, also when the answer has begun', async () => {
    const { failure } = await setUp((_asked, response) => response.write('{'))
    const startedAt = performance.now()
    const error = await failure()
    expect(error.code).toBe('auth-unavailable')
    expect((error.cause as Error).message).toBe('no answer within 5000 ms')
    expect(performance.now() - startedAt).toBeLessThan(6000)
  }, 10_000)

  it('sends a login of its URL as a header', async () => {
    const server = await startServer(keys(one.jwk))
    const deps = { clock: new FakeClock(), fetch: globalFetch, metrics: { took() {} }, log: new FakeLog() }
    const jwks = new Jwks(server.url.replace('//', '//us%40er:pass@'), deps)
    expect(await jwks.keysFor({ alg: 'RS256', kid: 'one' })).toHaveLength(1)
    expect(server.asked[0]!.headers.authorization).toBe(`Basic ${Buffer.from('us@er:pass').toString('base64')}`)
  })

  it('that fails leaves no rejection unhandled', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', note)
    onTestFinished(() => void process.off('unhandledRejection', note))
    const { clock, server, judge, failure } = await setUp()
    await judge(tokens.one)
    server.answer = json(500, {})
    clock.advance(300_000)
    await judge(tokens.one)
    await eventually(() => expect(server.asked).toHaveLength(2))
    clock.advance(300_000)
    await failure()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(unhandled).toEqual([])
  })
})
