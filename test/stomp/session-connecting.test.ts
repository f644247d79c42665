import { describe, expect, it } from 'vitest'
import type { Access } from '../../src/access/access.ts'
import type { Identity } from '../../src/access/identity.ts'
import { turn } from '../support/fake-turn.ts'
import { OPTIONS, SLOT_MS, Stage } from './stage.ts'

/** Answers when the test says so. */
function slowAuthenticator() {
  let [accept, refuse, fail]: [() => void, () => void, (error: Error) => void] = [() => {}, () => {}, () => {}]
  const answer = new Promise<Identity | undefined>((resolve, reject) => {
    accept = () => resolve({ user: 'ann' })
    refuse = () => resolve(undefined)
    fail = reject
  })
  const access: Partial<Access> = { authenticate: () => answer }
  return { access, accept: () => accept(), refuse: () => refuse(), fail: (error: Error) => fail(error) }
}

describe('session before CONNECTED', () => {
  it('ends with connect-timeout when no CONNECT comes, not before', () => {
    const stage = new Stage()
    const client = stage.open()
    stage.clock.advance(OPTIONS.connectTimeoutMs - 1)
    expect(client.socket.closes).toEqual([])
    stage.clock.advance(SLOT_MS + 1)
    expect(client.takeWords()).toEqual(['ERROR connect-timeout'])
    expect(client.socket.closes).toEqual([{ code: 1002, reason: 'No CONNECT frame came in time' }])
  })

  it('ends with connect-timeout when heart-beats and half a frame are all that comes', () => {
    const stage = new Stage()
    const client = stage.open()
    client.send('CONNECT\naccept')
    for (let ms = 0; ms < OPTIONS.connectTimeoutMs; ms += 1000) {
      stage.clock.advance(1000)
      client.send('x')
    }
    stage.clock.advance(SLOT_MS)
    expect(client.takeWords()).toEqual(['ERROR connect-timeout'])
  })

  it('is dropped when the client does not answer the close after connect-timeout', () => {
    const stage = new Stage()
    const client = stage.open()
    stage.clock.advance(OPTIONS.connectTimeoutMs + OPTIONS.lingerMs - 1)
    expect(client.socket.terminations).toBe(0)
    stage.clock.advance(SLOT_MS + 1)
    expect(client.socket.terminations).toBe(1)
  })

  it('has no time limit left once it is connected', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    stage.clock.advance(10 * OPTIONS.connectTimeoutMs)
    expect(client.take()).toEqual([])
    expect(client.socket.closes).toEqual([])
  })

  it('#29 #32 answers another first frame with ERROR', async () => {
    const stage = new Stage()
    const client = stage.open()
    client.frame('SEND', { destination: '/topic/a', receipt: 'r1' })
    const [error] = client.take()
    expect(error!.headers.get('code')).toBe('connect-required')
    expect(error!.headers.get('receipt-id')).toBe('r1')
    expect(client.socket.closes[0]!.code).toBe(1002)
    expect(stage.bus.published).toEqual([])
  })

  it('#22 takes smaller frames than afterwards', async () => {
    const stage = new Stage()
    const client = stage.open()
    client.connect({ a: 'x'.repeat(190), b: 'x'.repeat(190), c: 'x'.repeat(190) })
    expect(client.takeWords()).toEqual(['ERROR frame-too-large'])
    const other = await stage.connect()
    other.frame('SEND', { destination: '/app/a', receipt: 'r1' }, 'x'.repeat(800))
    await turn()
    expect(other.takeWords()).toEqual(['RECEIPT r1'])
  })

  it('is answered inside the call when the authenticator knows at once', () => {
    const client = new Stage().open()
    client.connect()
    expect(client.takeWords()).toEqual(['CONNECTED'])
  })

  it('waits also for what is only like a promise', async () => {
    const identity = Promise.resolve({ user: 'ann' })
    const authenticate = () => ({ then: identity.then.bind(identity) }) as Promise<Identity>
    const client = new Stage({ access: { authenticate } }).open()
    client.connect()
    expect(client.take()).toEqual([])
    await turn()
    expect(client.take()[0]!.headers.get('user-name')).toBe('ann')
  })

  it('tells the authenticator what the client said, and where it is', async () => {
    const seen: unknown[] = []
    const authenticate: Access['authenticate'] = (credentials) => {
      const { login, passcode, remoteAddress } = credentials
      seen.push({ login, passcode, remoteAddress, token: credentials.header('token'), none: credentials.header('x') })
      return { user: login }
    }
    await new Stage({ access: { authenticate } }).connect({ login: 'ann', passcode: 'p', token: 't' })
    expect(seen).toEqual([{ login: 'ann', passcode: 'p', remoteAddress: '192.0.2.7', token: 't', none: undefined }])
  })

  it.each<[string, Access['authenticate']]>([
    ['at once', () => undefined],
    ['later', () => Promise.resolve(undefined)],
  ])('names the receipt of a CONNECT that is refused %s', async (_when, authenticate) => {
    const client = new Stage({ access: { authenticate } }).open()
    client.connect({ receipt: 'r1' })
    await turn()
    const [error] = client.take()
    expect([error!.headers.get('code'), error!.headers.get('receipt-id')]).toEqual(['not-authenticated', 'r1'])
    expect(client.socket.closes).toHaveLength(1)
  })

  it('keeps what follows CONNECT until the authenticator has answered', async () => {
    const slow = slowAuthenticator()
    const stage = new Stage({ access: slow.access })
    const client = stage.open()
    client.connect()
    client.frame('SEND', { destination: '/app/a', receipt: 'r1' }, 'x')
    await turn()
    expect(client.take()).toEqual([])
    expect(stage.bus.published).toEqual([])
    slow.accept()
    await turn()
    const [connected, receipt] = client.take()
    expect(connected!.headers.get('user-name')).toBe('ann')
    expect(receipt!.headers.get('receipt-id')).toBe('r1')
    expect(stage.bus.published).toEqual(['app:a x'])
  })

  it.each(['accept', 'refuse', 'fail'] as const)(
    'ends with connect-timeout when the authenticator is too slow, and then takes no notice of its %s',
    async (end) => {
      const slow = slowAuthenticator()
      const stage = new Stage({ access: slow.access })
      const client = stage.open()
      client.connect()
      client.frame('SEND', { destination: '/app/a' }, 'x')
      await turn()
      stage.clock.advance(OPTIONS.connectTimeoutMs + SLOT_MS)
      expect(client.takeWords()).toEqual(['ERROR connect-timeout'])
      slow[end](new Error('secret'))
      await turn()
      expect(client.take()).toEqual([])
      expect(client.socket.closes).toHaveLength(1)
      expect(stage.bus.published).toEqual([])
      expect(stage.metrics.count.sessionsOpened).toBe(0)
      client.close()
      expect(stage.released).toHaveLength(1)
    },
  )

  it.each(['before', 'after'])(
    'is released when the socket closes %s connect-timeout, although the authenticator never answers',
    async (when) => {
      const stage = new Stage({ access: slowAuthenticator().access })
      const client = stage.open()
      client.connect()
      await turn()
      if (when === 'after') stage.clock.advance(OPTIONS.connectTimeoutMs + SLOT_MS)
      client.close()
      await turn()
      expect(stage.released).toEqual(stage.sessions)
      expect(stage.clock.pending).toBe(0)
    },
  )

  it('is released once when the authenticator answers after the socket has closed', async () => {
    const slow = slowAuthenticator()
    const stage = new Stage({ access: slow.access })
    const client = stage.open()
    client.connect()
    client.frame('SEND', { destination: '/app/a' }, 'x')
    client.close()
    slow.accept()
    await turn()
    expect(stage.released).toHaveLength(1)
    expect(client.socket.sent).toEqual([])
    expect(stage.bus.published).toEqual([])
    expect(stage.metrics.count.sessionsOpened).toBe(0)
  })

  it('#40 ends with not-authenticated and 1008 when the authenticator refuses', async () => {
    const stage = new Stage({ access: { authenticate: () => undefined } })
    const client = stage.open()
    client.connect({ receipt: 'r1', passcode: 'hunter2' })
    client.frame('SEND', { destination: '/app/a' }, 'x')
    await turn()
    const [error, ...others] = client.take()
    expect(error!.headers.get('code')).toBe('not-authenticated')
    expect(others).toEqual([])
    expect(client.socket.closes[0]!.code).toBe(1008)
    expect(stage.bus.published).toEqual([])
    expect(JSON.stringify(stage.log.entries)).not.toContain('hunter2')
  })

  it.each<[string, Access['authenticate']]>([
    ['rejects', () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:5432'))],
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an authenticator in JavaScript may
    ['rejects with nothing', () => Promise.reject()],
    [
      'throws',
      () => {
        throw new Error('connect ECONNREFUSED 10.0.0.7:5432')
      },
    ],
  ])('#110 tells nothing of what went wrong when the authenticator %s', async (_how, authenticate) => {
    const stage = new Stage({ access: { authenticate } })
    const client = stage.open()
    client.connect({ receipt: 'r1' })
    await turn()
    expect(client.socket.sent.join('')).not.toContain('10.0.0.7')
    const [error] = client.take()
    expect(error!.headers.get('code')).toBe('internal')
    expect(error!.headers.get('message')).toBe('Internal error')
    expect(client.socket.closes).toEqual([{ code: 1011, reason: 'Internal error' }])
    expect(stage.log.messages('error')).toEqual(['Internal error in a session'])
  })

  it('#110 tells nothing of what went wrong when a permission cannot be looked up', async () => {
    const maySend = () => {
      throw new Error('secret')
    }
    const stage = new Stage({ access: { maySend } })
    const client = await stage.connect()
    client.frame('SEND', { destination: '/app/a', receipt: 'r1' }, 'x')
    await turn()
    expect(client.socket.sent.join('')).not.toContain('secret')
    const [error] = client.take()
    expect([error!.headers.get('code'), error!.headers.get('receipt-id')]).toEqual(['internal', 'r1'])
  })

  it('#42 answers a second CONNECT with ERROR', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.connect()
    expect(client.takeWords()).toEqual(['ERROR already-connected'])
    expect(client.socket.closes[0]!.code).toBe(1002)
  })
})
