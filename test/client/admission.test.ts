/** Who is let in beside whom: connects in a second, sessions of an address and of a user. */
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { doorsApp, outcomeOf } from '../http/doors-support.ts'
import { Stage, type StageOptions } from '../stomp/stage.ts'
import { turn } from '../support/fake-turn.ts'

const alice: StageOptions['access'] = { authenticate: ({ login }) => ({ user: login }) }

async function refusals({ metrics }: Stage) {
  const lines = (await metrics.render()).matchAll(/connects_refused_total\{reason="([a-z-]+)"\} ([1-9]\d*)/g)
  return Object.fromEntries([...lines].map(([, reason, times]) => [reason, Number(times)]))
}

describe('sessions of an address', () => {
  it('are refused beyond the limit, and each gives its place back once', async () => {
    const stage = new Stage({ admission: { maxSessionsPerAddress: 2 } })
    const from = { remoteAddress: '192.0.2.1' }
    const [first, second] = [await stage.connect({}, from), await stage.connect({}, from)]
    expect(stage.clients.admit(from)).toBe('address-sessions')
    expect(stage.clients.admit({ remoteAddress: '192.0.2.2' })).toBeUndefined()
    first.frame('DISCONNECT', { receipt: 'bye' })
    await turn()
    expect(first.takeWords()).toEqual(['RECEIPT bye'])
    // It need not have closed yet.
    const third = await stage.connect({}, from)
    expect(stage.clients.admit(from)).toBe('address-sessions')
    first.close()
    expect(stage.clients.admit(from)).toBe('address-sessions')
    second.close()
    third.close()
    for (let i = 0; i < 2; i++) await stage.connect({}, from)
    expect(stage.clients.admit(from)).toBe('address-sessions')
    expect(await refusals(stage)).toEqual({ 'address-sessions': 4 })
  })

  it('that were let in together and are too many by then are closed with 1013', async () => {
    const stage = new Stage({ admission: { maxSessionsPerAddress: 1 } })
    const from = { remoteAddress: '2001:db8::1' }
    expect([stage.clients.admit(from), stage.clients.admit(from)]).toEqual([undefined, undefined])
    await stage.connect({}, from)
    const late = stage.open({ remoteAddress: '2001:db8::2' })
    await turn()
    expect(late.socket.closes).toMatchObject([{ code: 1013 }])
    late.close()
    expect(stage.clients.size).toBe(1)
    expect(stage.clients.admit(from)).toBe('address-sessions')
  })

  it('that never send a CONNECT give their place back when their time is over', async () => {
    const stage = new Stage({ admission: { maxSessionsPerAddress: 1 } })
    const from = { remoteAddress: '192.0.2.1' }
    stage.open(from)
    expect(stage.clients.admit(from)).toBe('address-sessions')
    stage.clock.advance(10_100)
    await turn()
    expect(stage.clients.admit(from)).toBeUndefined()
  })
})

describe('sessions of a user', () => {
  it('are refused beyond the limit with an error that says so, and one that ends makes room', async () => {
    const stage = new Stage({ admission: { maxSessionsPerUser: 1 }, access: alice })
    const login = { login: 'alice', passcode: 'x' }
    const first = await stage.connect(login)
    await stage.connect({ login: 'bob', passcode: 'x' })
    const second = stage.open()
    second.connect(login)
    await turn()
    const [error] = second.take()
    expect([error!.command, error!.headers.get('code')]).toEqual(['ERROR', 'too-many-sessions-of-user'])
    expect(error!.headers.get('retry-after')).toMatch(/^([5-9]|10)$/)
    expect(second.socket.closes).toMatchObject([{ code: 1013 }])
    second.close()
    expect(stage.clients.admitUser('alice')).toBe('user-sessions')
    first.close()
    await stage.connect(login)
    expect(stage.clients.admitUser('alice')).toBe('user-sessions')
    expect(stage.clients.admitUser('carol')).toBeUndefined()
    expect(stage.metrics.count.sessionsOpened).toBe(3)
  })

  it('are refused as well where it takes a while to know who it is; and without a name there may be any number', async () => {
    const access = { authenticate: ({ login }: { login: string | undefined }) => turn().then(() => ({ user: login })) }
    const stage = new Stage({ admission: { maxSessionsPerUser: 1 }, access })
    const login = { login: 'alice', passcode: 'x' }
    const all = [stage.open(), stage.open(), stage.open(), stage.open()]
    for (const client of all.slice(0, 2)) client.connect(login)
    for (const client of all.slice(2)) client.connect()
    for (let i = 0; i < 4; i++) await turn()
    expect(all.map((client) => client.takeWords().join())).toEqual([
      'CONNECTED',
      'ERROR too-many-sessions-of-user',
      'CONNECTED',
      'CONNECTED',
    ])
  })

  it('keep their place when they renew, and who was refused has none', async () => {
    const stage = new Stage({ admission: { maxSessionsPerUser: 1 }, access: alice })
    await stage.connect({ login: 'alice', passcode: 'x' })
    const [client] = [...stage.clients]
    client!.identify({ user: 'alice' })
    expect(() => client!.identify({ user: 'alice', groups: ['staff'] })).not.toThrow()
    const other = await stage.connect({ login: 'bob', passcode: 'x' })
    expect(() => [...stage.clients][1]!.identify({ user: 'alice' })).toThrow(ProtocolError)
    other.close()
    expect(stage.clients.admitUser('bob')).toBeUndefined()
    expect(stage.clients.admitUser('alice')).toBe('user-sessions')
  })
})

describe.each([
  ['/raw/topic/a', (app: ReturnType<typeof doorsApp>) => app.handshake('/raw/topic/a'), '101'],
  ['/sse/topic/a', (app: ReturnType<typeof doorsApp>) => app.request('/sse/topic/a'), '200'],
])('%s', (_path, open, success) => {
  it('answers 429 to one more of a user, of an address, and to who comes too often', async () => {
    const access = { authenticate: () => ({ user: 'alice' }) }
    const ofUser = doorsApp({ usesRoom: true, access, admission: { maxSessionsPerUser: 1 } })
    expect(await outcomeOf(await open(ofUser))).toBe(success)
    expect(await outcomeOf(await open(ofUser))).toBe('429 too-many-sessions-of-user')
    ofUser.opened[0]!.client.close()
    expect(await outcomeOf(await open(ofUser))).toBe(success)

    const ofAddress = doorsApp({ usesRoom: true, admission: { maxSessionsPerAddress: 1 } })
    expect(await outcomeOf(await open(ofAddress))).toBe(success)
    const refused = await open(ofAddress)
    expect(refused.headers.get('retry-after')).toMatch(/^([5-9]|10)$/)
    expect(await outcomeOf(refused)).toBe('429 too-many-sessions-of-address')

    const often = doorsApp({ usesRoom: true, admission: { connectsPerSecondPerAddress: 1 } })
    expect(await outcomeOf(await open(often))).toBe(success)
    expect(await outcomeOf(await open(often))).toBe('429 too-many-connects')
    expect((await often.request('/health')).status).toBe(200)

    const busy = doorsApp({ usesRoom: true, admission: { connectsPerSecond: 1 } })
    expect(await outcomeOf(await open(busy))).toBe(success)
    expect(await outcomeOf(await open(busy))).toBe('503 node-busy')
  })

  it('closes with 1013 where two of a user were let in at the same time', async () => {
    const found = turn().then(() => ({ user: 'alice' }))
    const access = { authenticate: () => found }
    const app = doorsApp({ usesRoom: true, access, admission: { maxSessionsPerUser: 1 } })
    await Promise.all([open(app), open(app)])
    await turn()
    const closes = app.opened.map(({ client }) => client.socket.closes.map(({ code }) => code))
    expect(closes).toEqual([[], [1013]])
  })
})
