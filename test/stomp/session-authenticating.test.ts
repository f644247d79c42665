import { describe, expect, it } from 'vitest'
import type { Access } from '../../src/access/access.ts'
import type { Credentials } from '../../src/access/authenticator.ts'
import type { Identity } from '../../src/access/identity.ts'
import { turn } from '../support/fake-turn.ts'
import { OPTIONS, SLOT_MS, Stage, type StageOptions } from './stage.ts'

/** Notes what it is asked, and never answers. */
function silentAuthenticator() {
  const asked: Credentials[] = []
  const authenticate: Access['authenticate'] = (credentials) => {
    asked.push(credentials)
    return new Promise<Identity>(() => {})
  }
  return { asked, access: { authenticate } }
}

function setUp(options: StageOptions = {}) {
  const { asked, access } = silentAuthenticator()
  const stage = new Stage({ access, ...options })
  return { asked, stage, client: stage.open() }
}

describe('session that finds out who its client is', () => {
  it('shows the authenticator what came with the connection', () => {
    const handshake = { path: '/stomp', query: new URLSearchParams('token=t'), headers: new Headers({ cookie: 'a=b' }) }
    const { asked, client } = setUp({ handshake })
    client.connect()
    expect(asked).toHaveLength(1)
    expect(asked[0]!.handshake).toMatchObject({ path: '/stomp', remoteAddress: '192.0.2.7', identity: undefined })
    expect(asked[0]!.handshake.query.get('token')).toBe('t')
    expect(asked[0]!.handshake.headers.get('cookie')).toBe('a=b')
  })

  it.each([
    [{}, 'Login was refused; CONNECT has no token and no login'],
    [{ passcode: 'wrong' }, 'Login was refused'],
  ])('tells who brings %j why it may not come in', (headers, text) => {
    const client = new Stage({ access: { authenticate: () => undefined } }).open()
    client.connect(headers)
    expect(client.take()[0]!.headers.get('message')).toBe(text)
  })

  it('takes an identity that was found before, and does not ask what CONNECT says', () => {
    const { asked, stage, client } = setUp({ handshake: { identity: { user: 'ann' } } })
    client.connect({ login: 'bob', passcode: 'p' })
    expect(asked).toEqual([])
    expect(client.take()[0]!.headers.get('user-name')).toBe('ann')
    expect(stage.sessions[0]!.client.identity).toEqual({ user: 'ann' })
  })

  it.each<[string, (all: ReturnType<typeof setUp>) => void]>([
    ['the client has left', ({ client }) => client.close()],
    ['its time is over', ({ stage }) => void stage.clock.advance(OPTIONS.connectTimeoutMs + SLOT_MS)],
    ['the bridge shuts down', ({ stage }) => stage.sessions[0]!.shutDown()],
    ['the client sends too much', ({ client }) => client.send('x'.repeat(17_000))],
  ])('tells the authenticator that nobody waits any more when %s', async (_why, end) => {
    const all = setUp()
    all.client.connect()
    await turn()
    const { signal } = all.asked[0]!
    expect(signal.aborted).toBe(false)
    end(all)
    expect(signal.aborted).toBe(true)
  })

  it('tells who asks for the signal too late as well', () => {
    const { asked, client } = setUp()
    client.connect()
    client.close()
    expect(asked[0]!.signal.aborted).toBe(true)
  })

  it('says in the ERROR of a time-out that it was the authenticator who was awaited', () => {
    const { stage, client } = setUp()
    client.connect()
    stage.clock.advance(OPTIONS.connectTimeoutMs + SLOT_MS)
    const [error] = client.take()
    expect(error!.headers.get('code')).toBe('connect-timeout')
    expect(error!.headers.get('message')).toContain('the authenticator has not answered')
  })

  it('keeps no more than 16 KiB of what follows CONNECT: beyond it the client is flooding', () => {
    const { stage, client } = setUp()
    client.connect()
    client.send('x'.repeat(16 * 1024))
    expect([client.socket.isPaused, stage.metrics.count.floodsPaused]).toEqual([false, 0])
    client.send('x')
    expect(client.takeWords()).toEqual(['ERROR flooding'])
    expect(client.socket.closes).toMatchObject([{ code: 1008 }])
  })

  it('has the version of nothing before it is agreed', async () => {
    const { stage, client } = setUp({ access: {} })
    expect(stage.sessions[0]!.version).toBeUndefined()
    client.connect()
    expect(stage.sessions[0]!.version).toBe('1.2')
  })
})
