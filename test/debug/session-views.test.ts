import { describe, expect, it } from 'vitest'
import { viewSessions } from '../../src/debug/session-views.ts'
import { turn } from '../support/fake-turn.ts'
import { Stage, type StageOptions } from '../stomp/stage.ts'

function setUp(options?: StageOptions) {
  const stage = new Stage(options)
  const { clients } = stage
  const open = () => stage.open()
  const connect = async (headers: Record<string, string> = {}) => {
    const client = open()
    client.connect(headers)
    await turn()
    client.take()
    return client
  }
  const view = (search = '', limit = 100) => viewSessions(clients, { search, limit })
  const found = async (search: string) => (await view(search)).sessions.map(({ id }) => id)
  return { clients, open, connect, view, found }
}

describe('the view of sessions', () => {
  it('shows each with what it has subscribed and what waits for it', async () => {
    const { connect, view } = setUp({ access: { authenticate: () => ({ user: 'ann' }) } })
    const before = Date.now()
    const client = await connect()
    client.frame('SUBSCRIBE', { id: 'sub-0', destination: '/topic/a' })
    client.frame('SUBSCRIBE', { id: 'sub-1', destination: '/topic/**', ack: 'client-individual' })
    await turn()
    client.socket.bufferedBytes = 17
    const { total, sessions } = await view()
    expect([total, sessions]).toEqual([
      1,
      [
        {
          id: 'node-1',
          user: 'ann',
          remoteAddress: '192.0.2.7',
          protocol: 'stomp',
          transport: 'websocket',
          version: '1.2',
          openedAt: expect.any(Number),
          unsentBytes: 17,
          framesReceived: 3,
          subscriptions: [
            { id: 'sub-0', destination: '/topic/a', ack: 'auto' },
            { id: 'sub-1', destination: '/topic/**', ack: 'client-individual' },
          ],
          subscriptionCount: 2,
        },
      ],
    ])
    expect(sessions[0]!.openedAt).toBeGreaterThanOrEqual(before)
    expect(sessions[0]!.openedAt).toBeLessThanOrEqual(Date.now())
  })

  it('shows who has not connected yet, and a subscription without an id', async () => {
    const { open, connect, view } = setUp()
    const client = await connect({ 'accept-version': '1.0' })
    client.frame('SUBSCRIBE', { destination: '/topic/a' })
    open()
    expect((await view()).sessions).toMatchObject([
      { id: 'node-2', user: null, version: null, framesReceived: 0, subscriptions: [] },
      { id: 'node-1', version: '1.0', subscriptions: [{ id: null, destination: '/topic/a' }] },
    ])
  })

  it('has the newest first, and no more than are wanted', async () => {
    const { connect, view } = setUp()
    for (let i = 0; i < 5; i++) await connect()
    const { total, sessions } = await view('', 2)
    expect([total, sessions.map(({ id }) => id)]).toEqual([5, ['node-5', 'node-4']])
  })

  it('lists twenty subscriptions and counts all', async () => {
    const { connect, view } = setUp({ limits: { maxSubscriptions: 30 } })
    const client = await connect()
    for (let i = 0; i < 25; i++) client.frame('SUBSCRIBE', { id: `${i}`, destination: `/topic/${i}` })
    await turn()
    const [session] = (await view()).sessions
    expect([session!.subscriptions.length, session!.subscriptionCount]).toEqual([20, 25])
    expect(session!.subscriptions.at(-1)).toMatchObject({ id: '19' })
  })

  it('finds by id, user, address and destination', async () => {
    const users = ['ann', 'bob', undefined]
    const { connect, found } = setUp({ access: { authenticate: () => ({ user: users.shift() }) } })
    const [one] = [await connect(), await connect(), await connect()]
    one.frame('SUBSCRIBE', { id: '1', destination: '/topic/prices' })
    await turn()
    expect(await found('node-2')).toEqual(['node-2'])
    expect(await found('bo')).toEqual(['node-2'])
    expect(await found('prices')).toEqual(['node-1'])
    expect(await found('192.0.2')).toEqual(['node-3', 'node-2', 'node-1'])
    expect(await found('nothing')).toEqual([])
  })

  /** How often everybody else has their turn meanwhile. */
  const turnsDuring = async (viewing: () => Promise<unknown>): Promise<number> => {
    let turns = 0
    const count = (): void => {
      turns++
      timer = setTimeout(count, 0)
    }
    // A timer as those of the view: of two that are due, the one that was set first comes first.
    let timer = setTimeout(count, 0)
    await viewing()
    clearTimeout(timer)
    return turns
  }

  it('lets everybody else have their turn between parts of many', async () => {
    const { open, clients, view } = setUp()
    for (let i = 0; i < 5000; i++) open()
    const turns = await turnsDuring(async () => expect((await view('node-4999')).total).toBe(1))
    expect([turns > 0, clients.size]).toEqual([true, 5000])
  })

  it('lets them have it too when few have subscribed a lot', async () => {
    const { connect, view } = setUp({ limits: { maxSubscriptions: 1000 } })
    for (let i = 0; i < 3; i++) {
      const client = await connect()
      for (let id = 0; id < 1000; id++) {
        client.frame('SUBSCRIBE', { id: `${id}`, destination: `/topic/${id}` })
        if (id % 100 === 99) await turn()
      }
    }
    expect(await turnsDuring(async () => expect((await view('/topic/999')).total).toBe(3))).toBeGreaterThan(0)
  })
})

describe('a session that an operator closes', () => {
  it('reads an ERROR that says so, then a close; others stay', async () => {
    const { connect, clients } = setUp()
    const [client, other] = [await connect(), await connect()]
    client.frame('SEND', { destination: '/topic/x', receipt: 'r' }, 'x')
    expect(clients.close('node-1')).toBe(true)
    await turn()
    const frames = client.take()
    expect(frames.map(({ command }) => command)).toEqual(['RECEIPT', 'ERROR'])
    expect(Object.fromEntries(frames[1]!.headers)).toMatchObject({
      code: 'closed-by-operator',
      message: 'The session was closed by an operator',
    })
    expect(client.socket.closes).toEqual([{ code: 1008, reason: 'The session was closed by an operator' }])
    expect(other.take()).toEqual([])
  })

  it('may not have connected yet, and is told once', async () => {
    const { open, clients } = setUp()
    const client = open()
    expect([clients.close('node-1'), clients.close('node-1')]).toEqual([true, false])
    await turn()
    expect(client.takeWords()).toEqual(['ERROR closed-by-operator'])
    client.close()
    expect(clients.close('node-1')).toBe(false)
  })

  it('has to be there', () => {
    expect(setUp().clients.close('node-1')).toBe(false)
  })
})
