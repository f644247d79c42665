/** What a session does with who its client is: queues of its own, soft errors, expiry and renewal. */
import { describe, expect, it } from 'vitest'
import type { Access } from '../../src/access/access.ts'
import type { Identity } from '../../src/access/identity.ts'
import { ProtocolError } from '../../src/errors.ts'
import type { FakeClient } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'
import { EXPIRY_GRACE_MS, SLOT_MS, Stage } from './stage.ts'

/** The token is the user's name; `name@seconds` expires so many seconds from now. */
const tokens: Pick<Access, 'isOpen' | 'authenticate'> = {
  isOpen: false,
  authenticate: ({ token }) => (token === undefined || token === 'bad' ? undefined : identityOf(token)),
}

function identityOf(token: string): Identity {
  const [user, seconds] = token.split('@')
  return { user, ...(seconds ? { expiresAt: Date.now() / 1000 + Number(seconds) } : {}) }
}

function stageOf(access: Partial<Access> = {}) {
  return new Stage({ access: { ...tokens, ...access } })
}

const login = (stage: Stage, token: string, headers: Readonly<Record<string, string>> = {}) =>
  stage.connect({ passcode: token, ...headers })

async function subscribe(client: FakeClient, destination: string, headers: Readonly<Record<string, string>> = {}) {
  client.frame('SUBSCRIBE', { id: destination, destination, ...headers })
  await turn()
}

const textOf = (body: Uint8Array) => new TextDecoder().decode(body)

const notify = (stage: Stage, topic: string, message: string) =>
  stage.bus.deliver('BROADCAST', JSON.stringify({ topic, message }))

describe('session with queues of its own', () => {
  it("gets what is for its user, called as it has subscribed it, and nothing of another's", async () => {
    const stage = stageOf()
    const [alice, alice2, bob] = await Promise.all(['alice', 'alice', 'bob'].map((user) => login(stage, user)))
    for (const client of [alice!, alice2!, bob!]) await subscribe(client, '/user/queue/news')
    notify(stage, '/user/alice/queue/news', 'for alice')
    stage.bus.deliver('user:alice:news', 'by channel')
    await turn()
    for (const client of [alice!, alice2!]) {
      expect(client.take().map(({ headers, body }) => [headers.get('destination'), textOf(body)])).toEqual([
        ['/user/queue/news', 'for alice'],
        ['/user/queue/news', 'by channel'],
      ])
    }
    expect(bob!.take()).toEqual([])
  })

  it('shares one encoding among the sessions of a user', async () => {
    const stage = stageOf()
    const clients = await Promise.all(['alice', 'alice', 'alice'].map((user) => login(stage, user)))
    for (const client of clients) await subscribe(client, '/user/queue/news')
    notify(stage, '/user/alice/queue/news', 'x')
    await turn()
    expect(stage.network.websocket.written).toHaveLength(1)
  })

  it('is reached by its session alone if it is anonymous, whatever it calls its queue', async () => {
    const stage = stageOf({ authenticate: () => ({ user: undefined }) })
    const client = await stage.connect()
    const other = await stage.connect()
    for (const each of [client, other]) {
      await subscribe(each, '/user/queue/a')
      await subscribe(each, '/session/queue/a')
    }
    notify(stage, `/session/${stage.sessions[0]!.client.id}/queue/a`, 'x')
    await turn()
    expect(
      client
        .take()
        .map(({ headers }) => headers.get('destination'))
        .sort(),
    ).toEqual(['/session/queue/a', '/user/queue/a'])
    expect(other.take()).toEqual([])
  })

  it.each([
    '/user/bob/queue/a',
    '/user/queue/**',
    '/user/*/queue/a',
    '/session/node-1/queue/a',
    '/user/queue/',
    '/user',
  ])('may not subscribe to "%s"', async (destination) => {
    const stage = stageOf()
    const client = await login(stage, 'alice')
    await subscribe(client, destination)
    expect(client.takeWords()).toEqual(['ERROR not-authorized'])
    expect(client.socket.closes).toMatchObject([{ code: 1008 }])
    const open = new Stage()
    const stranger = await open.connect()
    await subscribe(stranger, destination)
    expect(stranger.takeWords()).toEqual(['ERROR bad-destination'])
  })

  it('does not get what it has sent itself if it says so, whatever others get', async () => {
    const stage = stageOf()
    const alice = await login(stage, 'alice')
    const bob = await login(stage, 'bob')
    await subscribe(alice, '/topic/a', { 'exclude-self': 'true' })
    await subscribe(bob, '/topic/a', { 'exclude-self': 'false' })
    const sender = stage.sessions[0]!.client.id
    stage.bus.deliver('BROADCAST', JSON.stringify({ topic: '/topic/a', message: 'x', sender }))
    await turn()
    expect(alice.take()).toEqual([])
    expect(bob.take()).toHaveLength(1)
    await subscribe(alice, '/topic/b', { 'exclude-self': 'yes' })
    expect(alice.takeWords()).toEqual(['ERROR bad-header'])
  })
})

describe('session that asked for soft errors', () => {
  const rules: Partial<Access> = {
    maySubscribe: (_identity, destination) => destination !== '/topic/secret',
    maySend: (_identity, destination) => destination === '/app/allowed',
  }

  it('goes on after what it may not, is told why, and gets no RECEIPT', async () => {
    const stage = stageOf(rules)
    const client = await login(stage, 'alice', { errors: 'soft' })
    await subscribe(client, '/user/queue/errors')
    client.frame('SUBSCRIBE', { id: 's', destination: '/topic/secret', receipt: 'r1' })
    client.frame('SEND', { destination: '/app/other', receipt: 'r2' }, 'x')
    client.frame('SEND', { destination: '/app/allowed', receipt: 'r3' }, 'x')
    await turn()
    const frames = client.take()
    expect(frames.map(({ command }) => command)).toEqual(['MESSAGE', 'MESSAGE', 'RECEIPT'])
    const shown = frames.slice(0, 2).map(({ headers, body }) => ({
      destination: headers.get('destination'),
      code: headers.get('code'),
      receipt: headers.get('receipt-id'),
      refused: headers.get('refused-destination'),
      text: textOf(body),
    }))
    expect(shown).toEqual([
      {
        destination: '/user/queue/errors',
        code: 'not-authorized',
        receipt: 'r1',
        refused: '/topic/secret',
        text: 'You may not subscribe to "/topic/secret"',
      },
      {
        destination: '/user/queue/errors',
        code: 'not-authorized',
        receipt: 'r2',
        refused: '/app/other',
        text: 'You may not send to "/app/other"',
      },
    ])
    expect(frames[2]!.headers.get('receipt-id')).toBe('r3')
  })

  it('goes on also if it has not subscribed to hear of it', async () => {
    const stage = stageOf(rules)
    const client = await login(stage, 'alice', { errors: 'soft' })
    client.frame('SEND', { destination: '/app/other', receipt: 'r' }, 'x')
    await turn()
    expect(client.take()).toEqual([])
    expect(client.socket.closes).toEqual([])
  })

  it('ends with every other error, as one that did not ask does with this one', async () => {
    const stage = stageOf(rules)
    const soft = await login(stage, 'alice', { errors: 'soft' })
    await subscribe(soft, '/user/queue/errors')
    soft.frame('UNKNOWN', {})
    await turn()
    expect(soft.takeWords().at(-1)).toBe('ERROR unknown-command')
    const hard = await login(stage, 'alice')
    hard.frame('SEND', { destination: '/app/other', receipt: 'r' }, 'x')
    expect(hard.takeWords()).toEqual(['ERROR not-authorized'])
  })
})

describe('session whose credential expires', () => {
  it('ends after the grace time, by itself, with token-expired and 1008', async () => {
    const stage = stageOf()
    const client = await login(stage, 'alice@60')
    client.frame('SUBSCRIBE', { id: '1', destination: '/topic/a' })
    await turn()
    client.take()
    stage.clock.advance(60_000 + EXPIRY_GRACE_MS - 1000)
    expect(client.socket.closes).toEqual([])
    stage.clock.advance(1000 + SLOT_MS)
    expect(client.takeWords().at(-1)).toBe('ERROR token-expired')
    expect(client.socket.closes).toMatchObject([{ code: 1008 }])
    expect(stage.broker.size).toBe(0)
  })

  it('has the grace time from CONNECT on if it has expired before', async () => {
    const stage = stageOf()
    const client = await login(stage, 'alice@-1000')
    stage.clock.advance(EXPIRY_GRACE_MS - 100)
    expect(client.socket.closes).toEqual([])
    stage.clock.advance(100 + SLOT_MS)
    expect(client.takeWords().at(-1)).toBe('ERROR token-expired')
  })

  it('leaves nothing behind when it is closed before', async () => {
    const stage = stageOf()
    const client = await login(stage, 'alice@60')
    client.close()
    stage.clock.advance(200_000)
    expect(client.socket.closes).toEqual([])
  })
})

describe('session that renews its credential', () => {
  const renew = (client: FakeClient, token: string, headers: Readonly<Record<string, string>> = {}) => {
    client.frame('SEND', { destination: '/bridge/renew', receipt: 'r', Authorization: `Bearer ${token}`, ...headers })
    return turn()
  }

  it('goes on until that one expires, and is told when', async () => {
    const stage = stageOf()
    const client = await login(stage, 'alice@60')
    await renew(client, 'alice@600')
    const [receipt] = client.take()
    expect(receipt!.command).toBe('RECEIPT')
    expect(Number(receipt!.headers.get('expires'))).toBeCloseTo(Date.now() / 1000 + 600, -1)
    stage.clock.advance(500_000)
    client.take()
    expect(client.socket.closes).toEqual([])
    stage.clock.advance(100_000 + EXPIRY_GRACE_MS + SLOT_MS)
    expect(client.takeWords().at(-1)).toBe('ERROR token-expired')
  })

  it('may put the token into the body, and has no end if the token has none', async () => {
    const stage = stageOf()
    const client = await login(stage, 'alice@60')
    client.frame('SEND', { destination: '/bridge/renew', receipt: 'r' }, 'alice')
    await turn()
    const [receipt] = client.take()
    expect(receipt!.headers.get('expires')).toBeUndefined()
    stage.clock.advance(1_000_000)
    expect(client.takeWords().filter((words) => words.startsWith('ERROR'))).toEqual([])
  })

  it.each([
    ['a bad one', 'bad'],
    ["another user's", 'bob'],
  ])('ends with not-authenticated and 1008 when it brings %s', async (_what, token) => {
    const stage = stageOf()
    const client = await login(stage, 'alice')
    await renew(client, token)
    expect(client.takeWords()).toEqual(['ERROR not-authenticated'])
    expect(client.socket.closes).toMatchObject([{ code: 1008 }])
  })

  it('ends with what the authenticator says when that cannot tell', async () => {
    let isAway = false
    const stage = stageOf({
      authenticate: (credentials) =>
        isAway ? Promise.reject(new ProtocolError('auth-unavailable', 'Try again')) : tokens.authenticate(credentials),
    })
    const client = await login(stage, 'alice')
    isAway = true
    await renew(client, 'alice')
    expect(client.takeWords()).toEqual(['ERROR auth-unavailable'])
    expect(client.socket.closes).toMatchObject([{ code: 1013 }])
  })

  it('loses what the new one does not allow, is told so, and keeps the rest', async () => {
    let isStaff = true
    const stage = stageOf({ maySubscribe: (_identity, destination) => isStaff || destination !== '/topic/staff' })
    const client = await login(stage, 'alice')
    for (const destination of ['/user/queue/errors', '/topic/staff', '/topic/all']) await subscribe(client, destination)
    isStaff = false
    await renew(client, 'alice')
    const frames = client.take()
    expect(frames.map(({ command }) => command)).toEqual(['MESSAGE', 'RECEIPT'])
    expect(frames[0]!.headers.get('code')).toBe('not-authorized')
    expect(frames[0]!.headers.get('refused-destination')).toBe('/topic/staff')
    stage.bus.deliver('topic:staff', 'x')
    stage.bus.deliver('topic:all', 'x')
    await turn()
    expect(client.take().map(({ headers }) => headers.get('destination'))).toEqual(['/topic/all'])
    expect(stage.broker.size).toBe(2)
  })

  it('cannot do so in a transaction', async () => {
    const stage = stageOf()
    const client = await login(stage, 'alice')
    client.frame('BEGIN', { transaction: 't' })
    await renew(client, 'alice', { transaction: 't' })
    expect(client.takeWords()).toEqual(['ERROR bad-header'])
  })

  it('is asked before the frames behind it are looked at', async () => {
    let answer: (identity: Identity) => void = () => {}
    let isAsking = false
    const stage = stageOf({
      authenticate: () => (isAsking ? new Promise((resolve) => (answer = resolve)) : { user: 'alice' }),
    })
    const client = await stage.connect()
    isAsking = true
    await renew(client, 'alice')
    client.frame('SEND', { destination: '/app/a', receipt: 'after' }, 'x')
    await turn()
    expect(client.take()).toEqual([])
    answer({ user: 'alice' })
    await turn()
    expect(client.take().map(({ headers }) => headers.get('receipt-id'))).toEqual(['r', 'after'])
  })

  it('tells the authenticator that nobody waits when the client leaves meanwhile', async () => {
    let signal: AbortSignal | undefined
    const stage = stageOf({
      authenticate: (credentials) => {
        if (credentials.token !== 'slow') return { user: 'alice' }
        signal = credentials.signal
        return new Promise(() => {})
      },
    })
    const client = await stage.connect()
    await renew(client, 'slow')
    expect(signal!.aborted).toBe(false)
    client.close()
    expect(signal!.aborted).toBe(true)
  })
})
