import { describe, expect, it } from 'vitest'
import type { Credentials } from '../../src/access/authenticator.ts'
import { ProtocolError } from '../../src/errors.ts'
import { turn } from '../support/fake-turn.ts'
import { eventually } from '../support/wait.ts'
import { doorsApp, outcomeOf, subscribed, type DoorsApp } from './doors-support.ts'

/** What every door without a CONNECT asks in the same way. */
describe.each([
  ['a plain WebSocket', (app: DoorsApp, init?: RequestInit) => app.handshake('/raw/topic/a', {}, init), '101'],
  ['an endpoint', (app: DoorsApp, init?: RequestInit) => app.handshake('/ws', {}, init), '101'],
  ['a stream', (app: DoorsApp, init?: RequestInit) => app.request('/sse/topic/a', init), '200'],
])('the entrance of %s', (_door, open, success) => {
  const withAuthenticator = (access: Parameters<typeof doorsApp>[0] & object) =>
    doorsApp({ endpoints: [{ path: '/ws', subscribe: ['/topic/a'] }], ...access })

  it.each([
    ['at once', { user: 'alice' }],
    ['later', turn().then(() => ({ user: 'alice' }))],
  ])('lets in whom the authenticator knows: %s', async (_when, identity) => {
    const app = withAuthenticator({ access: { authenticate: () => identity } })
    expect(await outcomeOf(await open(app))).toBe(success)
    expect([...app.stage.clients].map(({ identity: { user } }) => user)).toEqual(['alice'])
    expect(subscribed(app)).toEqual(['/topic/a'])
  })

  it.each([
    ['at once', undefined],
    ['later', turn().then(() => undefined)],
  ])('answers 401 to whom it does not know: %s', async (_when, identity) => {
    const app = withAuthenticator({ access: { authenticate: () => identity } })
    const response = await open(app)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect(await outcomeOf(response)).toBe('401 not-authenticated')
    expect(app.stage.core.bus.commands.filter((command) => command.includes('topic:a'))).toEqual([])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('secret of the directory')
      },
      '500 internal',
    ],
    ['rejects', () => Promise.reject(new Error('secret of the directory')), '500 internal'],
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an authenticator in JavaScript may
    ['rejects with what is no error', () => Promise.reject('secret of the directory'), '500 internal'],
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as above
    ['rejects with nothing', () => Promise.reject(), '500 internal'],
    [
      'rejects with a code',
      () => Promise.reject(new ProtocolError('bus-unavailable', 'Try again')),
      '503 bus-unavailable',
    ],
  ])('tells nothing of an authenticator that %s', async (_what, authenticate, outcome) => {
    const app = withAuthenticator({ access: { authenticate } })
    const response = await open(app)
    expect(await response.clone().text()).not.toContain('secret')
    expect(await outcomeOf(response)).toBe(outcome)
    expect(app.opened).toEqual([])
  })

  it('waits no longer than for a CONNECT, and says so to an authenticator that never answers', async () => {
    let signal: AbortSignal | undefined
    const app = withAuthenticator({
      access: { authenticate: (credentials) => new Promise(() => (signal = credentials.signal)) },
    })
    expect(await outcomeOf(await open(app))).toBe('408 connect-timeout')
    expect(signal!.aborted).toBe(true)
    expect(app.opened).toEqual([])
  })

  it('says to the authenticator when the client has left', async () => {
    let asked: Credentials | undefined
    const app = withAuthenticator({
      access: {
        authenticate(credentials) {
          asked = credentials
          return new Promise((resolve) => {
            credentials.signal.addEventListener('abort', () => resolve(undefined))
          })
        },
      },
    })
    const leaving = new AbortController()
    const answer = open(app, { signal: leaving.signal })
    await turn()
    expect(asked!.signal.aborted).toBe(false)
    leaving.abort()
    expect(asked!.signal.aborted).toBe(true)
    expect(await outcomeOf(await answer)).toBe('401 not-authenticated')
  })

  it('answers 403 before anything is subscribed to what the client may not have', async () => {
    const app = withAuthenticator({
      access: { isOpen: false, authenticate: () => ({ user: 'bob' }), maySubscribe: ({ user }) => user !== 'bob' },
    })
    expect(await outcomeOf(await open(app))).toBe('403 not-authorized')
    expect(app.opened).toEqual([])
    expect(app.stage.core.bus.commands.filter((command) => command.includes('topic:a'))).toEqual([])
  })

  it('hands over what came with the request, and no frame that is not there', async () => {
    let seen: Credentials | undefined
    const authenticate = (credentials: Credentials) => ((seen = credentials), { user: undefined })
    const app = withAuthenticator({ access: { authenticate } })
    await open(app)
    expect(seen).toMatchObject({ login: undefined, passcode: undefined, remoteAddress: '192.0.2.1' })
    expect(seen!.header('login')).toBeUndefined()
    expect(seen!.handshake.path).toMatch(/^\/(raw|sse)\/topic\/a$|^\/ws$/)
    expect(seen!.handshake.headers).toBeInstanceOf(Headers)
  })
})

describe('those who are on their way in', () => {
  it('take the places of clients, and give them back when they are refused, have left or never open', async () => {
    const answers: ((identity: { user: string } | undefined) => void)[] = []
    const authenticate = () => new Promise<{ user: string } | undefined>((resolve) => void answers.push(resolve))
    const app = doorsApp({ maxClients: 3, usesRoom: true, connectTimeoutMs: 1000, access: { authenticate } })
    const pending = [app.request('/sse/topic/a'), app.handshake('/raw/topic/a'), app.handshake('/raw/topic/a')]
    await turn()
    expect(answers).toHaveLength(3)
    expect(await outcomeOf(await app.handshake('/raw/topic/a'))).toBe('503 too-many-sessions')
    answers[0]!({ user: 'alice' })
    expect((await pending[0]!).status).toBe(200)
    answers[1]!(undefined)
    expect((await pending[1]!).status).toBe(401)
    // One is a client now, one has gone, and one still waits: there is room for another.
    const next = app.handshake('/raw/topic/a')
    await turn()
    expect(answers).toHaveLength(4)
    expect(await outcomeOf(await app.request('/sse/topic/a'))).toBe('503 too-many-sessions')
    expect(await outcomeOf(await next)).toBe('408 connect-timeout')
    expect(await outcomeOf(await pending[2]!)).toBe('408 connect-timeout')
    expect(app.stage.clients.size).toBe(1)
  })

  it('give their places and their channels back at once when their connection cannot open', async () => {
    const app = doorsApp({ maxClients: 1, usesRoom: true, isGone: true, releaseDelayMs: 0 })
    for (let i = 0; i < 3; i++) expect((await app.handshake('/raw/topic/a')).status).toBe(426)
    for (let i = 0; i < 3; i++) expect((await app.request('/sse/topic/a')).status).toBe(200)
    await eventually(() => expect(app.stage.core.bus.commands.at(-1)).toBe('unsubscribe topic:a'))
  })

  it('give their places back when nobody says that their connection never opens', async () => {
    const app = doorsApp({ maxClients: 1, usesRoom: true, isGone: 'unnoticed' })
    await app.handshake('/raw/topic/a')
    expect(await outcomeOf(await app.handshake('/raw/topic/a'))).toBe('503 too-many-sessions')
    await eventually(async () => expect((await app.handshake('/raw/topic/a')).status).toBe(426))
  })
})

describe('what an entrance claims of the bus', () => {
  const commands = ({ stage }: DoorsApp) => stage.core.bus.commands.filter((command) => command.endsWith('topic:a'))

  it.each([
    ['a plain WebSocket', (app: DoorsApp) => app.handshake('/raw/topic/a')],
    ['a stream', (app: DoorsApp) => app.request('/sse/topic/a')],
  ])('is given back when the connection never opens: %s', async (_door, open) => {
    const app = doorsApp({ isGone: true, releaseDelayMs: 0 })
    await open(app)
    expect(commands(app)).toEqual(['subscribe topic:a'])
    await eventually(() => expect(commands(app)).toEqual(['subscribe topic:a', 'unsubscribe topic:a']))
  })

  it('is given back at once for HEAD', async () => {
    const app = doorsApp({ releaseDelayMs: 0 })
    await app.request('/sse/topic/a', { method: 'HEAD' })
    await eventually(() => expect(commands(app)).toEqual(['subscribe topic:a', 'unsubscribe topic:a']))
  })

  it('is given back where the bus refuses a part of it', async () => {
    const app = doorsApp({ releaseDelayMs: 0, bus: { goesLive: false } })
    const answer = app.request('/sse?destination=/topic/a&destination=/topic/b')
    await turn()
    app.stage.core.bus.refuseSubscription('topic:b')
    expect(await outcomeOf(await answer)).toBe('502 bus-refused')
    await eventually(() => expect(commands(app)).toEqual(['subscribe topic:a', 'unsubscribe topic:a']))
  })

  it('is not waited for longer than for a CONNECT', async () => {
    const app = doorsApp({ bus: { goesLive: false } })
    expect(await outcomeOf(await app.handshake('/raw/topic/a'))).toBe('101')
    expect(subscribed(app)).toEqual(['/topic/a'])
  })
})
