import { describe, expect, it, onTestFinished } from 'vitest'
import { AnonymousAuthenticator } from '../../src/access/anonymous.ts'
import { Attempts } from '../../src/access/attempts.ts'
import { isPromise, type Authenticator, type Verdict } from '../../src/access/authenticator.ts'
import { Gate, type GateDeps } from '../../src/access/gate.ts'
import { ANONYMOUS, type Identity } from '../../src/access/identity.ts'
import { ProxyAuthenticator } from '../../src/access/proxy.ts'
import { ProtocolError } from '../../src/errors.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { credentials, errorOf, NOW } from './support.ts'

type Said = (token: string | undefined) => unknown

/** Says what the test says; remembers what it was asked. */
class Fake implements Authenticator {
  readonly asked: (string | undefined)[] = []
  readonly type: string
  readonly #said: Said
  readonly clockToleranceSeconds?: number

  constructor(type: string, said: Said, clockToleranceSeconds?: number) {
    this.type = type
    this.#said = said
    if (clockToleranceSeconds !== undefined) this.clockToleranceSeconds = clockToleranceSeconds
  }

  authenticate({ token }: { token: string | undefined }): Verdict {
    this.asked.push(token)
    return this.#said(token) as Verdict
  }
}

function setUp(authenticators: readonly Authenticator[], parts: Partial<GateDeps> = {}) {
  const clock = new FakeClock()
  const log = new FakeLog()
  const logins: string[] = []
  const count = { loginsThrottled: 0 }
  const metrics = { login: (...labels: string[]) => void logins.push(labels.join(' ')), count } as unknown
  const gate = new Gate({
    authenticators,
    attempts: new Attempts(clock),
    isRevoked: () => false,
    metrics: metrics as GateDeps['metrics'],
    log,
    now: () => NOW * 1000,
    ...parts,
  })
  return { clock, log, logins, count, gate }
}

const token = (text = 'x', remoteAddress = '192.0.2.1') => credentials({ token: text, remoteAddress })
const later = async <T>(value: T): Promise<T> => value
const alice: Identity = { user: 'alice' }

describe.each([
  ['at once', (value: unknown) => value],
  ['later', later],
])('authenticators that answer %s', (_when, answer) => {
  const says = (type: string, value: unknown, tolerance?: number) => new Fake(type, () => answer(value), tolerance)

  it('are asked in order until one knows', async () => {
    const [one, two, three] = [says('one', 'not-mine'), says('two', alice), says('three', { user: 'eve' })]
    const { gate, logins } = setUp([one, two, three])
    expect(await gate.authenticate(token('t'))).toBe(alice)
    expect([one.asked, two.asked, three.asked]).toEqual([['t'], ['t'], []])
    expect(logins).toEqual(['two accepted none'])
  })

  it('end it with a no: the next one is not asked', async () => {
    const [one, two] = [says('one', 'refused'), says('two', alice)]
    const { gate, logins } = setUp([one, two])
    expect(await gate.authenticate(token())).toBeUndefined()
    expect(two.asked).toEqual([])
    expect(logins).toEqual(['one refused credential'])
  })

  it('that all do not know it let nobody in', async () => {
    const { gate, logins } = setUp([says('one', 'not-mine'), says('two', 'not-mine')])
    expect(await gate.authenticate(token())).toBeUndefined()
    expect(await gate.authenticate(credentials())).toBeUndefined()
    expect(logins).toEqual(['none refused unknown-form', 'none refused no-credential'])
  })

  it.each<[unknown, string]>([
    [{ user: '' }, 'user-name'],
    [{ user: 'a\nb' }, 'user-name'],
    [{ user: 'a\u009f' }, 'user-name'],
    [{ user: 'a\udc00' }, 'user-name'],
    [{ user: 'alice', expiresAt: NOW }, 'expired'],
    [{ user: 'alice', expiresAt: 0 }, 'expired'],
    [{ user: 'revoked' }, 'revoked'],
    [undefined, 'bad-verdict'],
    [null, 'bad-verdict'],
    [true, 'bad-verdict'],
    ['yes', 'bad-verdict'],
    [{}, 'bad-verdict'],
    [[], 'bad-verdict'],
    [{ name: 'alice' }, 'bad-verdict'],
    [{ user: 5 }, 'bad-verdict'],
    [{ user: null }, 'bad-verdict'],
    [{ user: 'alice', groups: 'staff' }, 'bad-verdict'],
    [{ user: 'alice', groups: [1] }, 'bad-verdict'],
    [{ user: 'alice', groups: ['\ud800'] }, 'bad-verdict'],
    [{ user: 'alice', claims: [] }, 'bad-verdict'],
    [{ user: 'alice', claims: 'x' }, 'bad-verdict'],
    [{ user: 'alice', expiresAt: NaN }, 'bad-verdict'],
    [{ user: 'alice', expiresAt: Infinity }, 'bad-verdict'],
    [{ user: 'alice', expiresAt: '2030' }, 'bad-verdict'],
    [{ user: 'alice', tokenId: 5 }, 'bad-verdict'],
  ])('that say %j let nobody in', async (value, reason) => {
    const next = says('next', alice)
    const { gate, log, logins } = setUp([says('one', value), next], { isRevoked: ({ user }) => user === 'revoked' })
    expect(await gate.authenticate(token())).toBeUndefined()
    expect(await gate.authenticate(token())).toBeUndefined()
    expect(next.asked).toEqual([])
    expect(logins).toEqual(Array(2).fill(`one refused ${reason}`))
    expect(log.entries).toHaveLength(reason === 'bad-verdict' ? 1 : 0)
    expect(JSON.stringify(log.entries)).not.toContain('alice')
  })

  it('may let in who has just expired, as far as they allow for clocks', async () => {
    const { gate } = setUp([says('one', { user: 'alice', expiresAt: NOW - 4 }, 5)])
    expect(await gate.authenticate(token())).toMatchObject({ user: 'alice' })
    expect(await setUp([says('one', { user: 'a', expiresAt: NOW - 5 }, 5)]).gate.authenticate(token())).toBeUndefined()
  })

  it('are not asked any more after ten refusals from an address; others are not disturbed', async () => {
    const one = new Fake('one', (text) => answer(text === 'good' ? alice : 'refused'))
    const { gate, clock, count } = setUp([one])
    for (let i = 0; i < 10; i++) expect(await gate.authenticate(token('bad'))).toBeUndefined()
    const error = (await errorOf(() => gate.authenticate(token('good')))) as ProtocolError
    expect([error.code, error.headers]).toEqual(['too-many-attempts', { 'retry-after': '60' }])
    expect(one.asked).toHaveLength(10)
    expect(count.loginsThrottled).toBe(1)
    expect(await gate.authenticate(token('good', '192.0.2.2'))).toBe(alice)
    clock.advance(60_000)
    expect(await gate.authenticate(token('good'))).toBe(alice)
  })
})

describe('the gate', () => {
  it('answers at once if it can, later if it must', () => {
    expect(setUp([new Fake('a', () => 'not-mine'), new Fake('b', () => alice)]).gate.authenticate(token())).toBe(alice)
    expect(setUp([new Fake('a', () => 'not-mine')]).gate.authenticate(token())).toBeUndefined()
    expect(isPromise(setUp([new Fake('a', () => later(alice))]).gate.authenticate(token()))).toBe(true)
  })

  it('lets anonymous clients in where an authenticator does, but none whose credential nobody knows', () => {
    const { gate, logins } = setUp([new Fake('jwt', () => 'not-mine'), new AnonymousAuthenticator()])
    expect(gate.hasAnonymous).toBe(true)
    expect(gate.authenticate(credentials())).toBe(ANONYMOUS)
    expect(gate.authenticate(token())).toBeUndefined()
    expect(logins).toEqual(['anonymous accepted none', 'none refused unknown-form'])
    expect(setUp([]).gate.hasAnonymous).toBe(false)
  })

  it('counts no failure where nothing was brought, and throttles nobody for it', () => {
    const { gate } = setUp([new Fake('one', (text) => (text === 'good' ? alice : 'refused'))])
    for (let i = 0; i < 30; i++) expect(gate.authenticate(credentials())).toBeUndefined()
    expect(gate.authenticate(token('good'))).toBe(alice)
  })

  it('lets a guess among many at once not come true after ten of them have failed', async () => {
    const one = new Fake('one', (text) => later(text === 'good' ? alice : 'refused'))
    const { gate } = setUp([one])
    const tries = Array.from({ length: 100 }, async (_, i) => gate.authenticate(token(i === 50 ? 'good' : 'bad')))
    const results = await Promise.allSettled(tries)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    expect(results[50]).toMatchObject({ status: 'rejected', reason: { code: 'too-many-attempts' } })
  })

  it.each([
    ['a ProtocolError', new ProtocolError('auth-unavailable', 'x'), 'one failed unavailable'],
    ['any other error', new Error('bug'), 'one failed error'],
  ])('passes %s on, thrown or rejected, asks no other and counts no failure', async (_which, error, login) => {
    for (const fail of [() => Promise.reject(error), () => raise(error)]) {
      const next = new Fake('next', () => alice)
      const { gate, logins } = setUp([new Fake('one', fail), next])
      for (let i = 0; i < 15; i++) expect(await errorOf(() => gate.authenticate(token()))).toBe(error)
      expect(next.asked).toEqual([])
      expect(new Set(logins)).toEqual(new Set([login]))
    }
  })

  it('does not count the failure of who has left', async () => {
    const { gate, logins } = setUp([new Fake('one', () => Promise.reject(new Error('left')))])
    await errorOf(() => gate.authenticate(credentials({ token: 'x', signal: AbortSignal.abort() })))
    expect(logins).toEqual([])
  })

  it('takes promises that are not of this realm', async () => {
    const thenable = { then: (resolve: (value: unknown) => void) => resolve('refused') }
    expect(await setUp([new Fake('one', () => thenable)]).gate.authenticate(token())).toBeUndefined()
    const nonsense = { then: (resolve: (value: unknown) => void) => resolve(true) }
    expect(await setUp([new Fake('one', () => nonsense)]).gate.authenticate(token())).toBeUndefined()
  })

  it('leaves no rejection unhandled', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', note)
    onTestFinished(() => void process.off('unhandledRejection', note))
    const { gate } = setUp([
      new Fake('a', () => later('not-mine')),
      new Fake('b', () => Promise.reject(new Error('x'))),
    ])
    await errorOf(() => gate.authenticate(token()))
    await errorOf(async () => gate.authenticateHandshake(token()))
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(unhandled).toEqual([])
  })
})

describe('the gate at a handshake', () => {
  const proxy = new ProxyAuthenticator({ userHeader: 'x-user', trustedAddresses: ['192.0.2.1'] })
  const said: Record<string, Verdict> = { good: alice, other: 'not-mine', none: 'not-mine' }
  const jwt = new Fake('jwt', (text) => said[text ?? 'none'] ?? 'refused')

  it('judges a credential as ever', async () => {
    const { gate } = setUp([jwt, proxy, new AnonymousAuthenticator()])
    expect(await gate.authenticateHandshake(token('good'))).toBe(alice)
    expect(await gate.authenticateHandshake(token('bad'))).toBe('refused')
    expect(await gate.authenticateHandshake(token('other'))).toBe('refused')
    expect(await gate.authenticateHandshake(token(''))).toBe('refused')
  })

  it('finds nothing where there is no credential: no failure, and nobody is anonymous by that', async () => {
    const { gate, logins } = setUp([jwt, proxy, new AnonymousAuthenticator()])
    const asked = jwt.asked.length
    for (let i = 0; i < 20; i++) expect(await gate.authenticateHandshake(credentials())).toBe('nothing')
    expect(jwt.asked).toHaveLength(asked)
    expect(logins).toEqual([])
    expect(gate.authenticate(credentials())).toBe(ANONYMOUS)
  })

  it('asks those that look at the handshake itself', async () => {
    const { gate, logins } = setUp([jwt, proxy])
    const from = (remoteAddress: string, user = 'alice') => credentials({ remoteAddress, headers: { 'x-user': user } })
    expect(await gate.authenticateHandshake(from('192.0.2.1'))).toEqual({ user: 'alice' })
    expect(await gate.authenticateHandshake(from('192.0.2.2'))).toBe('nothing')
    expect(await gate.authenticateHandshake(from('192.0.2.1', 'a\u0081'))).toBe('refused')
    expect(logins).toEqual(['proxy accepted none', 'proxy refused user-name'])
  })
})

function raise(error: unknown): never {
  throw error
}
