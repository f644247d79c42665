import { describe, expect, it } from 'vitest'
import { DoorStage, LINGER_MS, OUTPUT_LIMITS, SLOT_MS } from '../support/door-stage.ts'
import { turn } from '../support/fake-turn.ts'

describe('a plain WebSocket ends', () => {
  it('with 4500 when it does not read', async () => {
    const stage = new DoorStage()
    const client = stage.openRaw()
    client.socket.isRead = false
    stage.notify('/topic/a', 'x'.repeat(OUTPUT_LIMITS.maxUnsentBytes + 1))
    await turn()
    expect(client.socket.closes).toMatchObject([{ code: 4500, reason: expect.stringContaining('were not read') }])
    expect(stage.core.metrics.count.slowConsumersClosed).toBe(1)
    expect(stage.core.broker.size).toBe(0)
  })

  it('with 4500 when it reads nothing of its own echo', async () => {
    const stage = new DoorStage()
    const client = stage.openRaw({ destinations: [], isEcho: true })
    client.socket.isRead = false
    for (let i = 0; i < 30; i++) client.send('x'.repeat(500))
    await turn()
    expect(client.socket.closes).toMatchObject([{ code: 4500 }])
  })

  it('with 1001 at shutdown, at once where nothing waits', async () => {
    const stage = new DoorStage()
    const client = stage.openRaw()
    const drained = stage.clients.drain(60_000)
    expect(client.socket.closes).toEqual([{ code: 1001, reason: 'The server is shutting down' }])
    client.close(1001)
    await drained
  })

  it('with 1001 at shutdown when the bus has what it sent, and nothing more is taken meanwhile', async () => {
    const stage = new DoorStage({ bus: { accepts: false } })
    const client = stage.openRaw({ sendTo: '/app/greet' })
    client.send('before')
    const drained = stage.clients.drain(60_000)
    client.send('after')
    await turn()
    expect(client.socket.closes).toEqual([])
    stage.core.bus.handedOver[0]!.accept()
    await turn()
    expect(client.socket.closes).toMatchObject([{ code: 1001 }])
    expect(stage.core.bus.published).toEqual(['app:greet before'])
    client.close(1001)
    await drained
  })

  it('with 1008 when an operator closes it', async () => {
    const stage = new DoorStage()
    const client = stage.openRaw()
    expect(stage.clients.close('node-1')).toBe(true)
    expect(client.socket.closes).toEqual([{ code: 1008, reason: 'The session was closed by an operator' }])
    stage.notify('/topic/a', 'late')
    await turn()
    expect(client.socket.sent).toEqual([])
  })

  it('by force when it does not answer the close in time', () => {
    const stage = new DoorStage()
    const { socket } = stage.openRaw()
    stage.clients.close('node-1')
    stage.clock.advance(LINGER_MS - SLOT_MS)
    expect(socket.terminations).toBe(0)
    stage.clock.advance(SLOT_MS * 2)
    expect(socket.terminations).toBe(1)
  })

  it('with 1013 at once when there are too many', async () => {
    const stage = new DoorStage({ maxClients: 1 })
    stage.openRaw()
    const late = stage.openRaw({}, { closesAtOnce: true })
    await turn()
    expect(late.socket.closes).toEqual([{ code: 1013, reason: 'This node is full: try again later' }])
    expect([stage.clients.size, stage.core.broker.size]).toEqual([1, 1])
    expect(stage.core.metrics.count.sessionsOpened).toBe(1)
  })

  it('with 1001 at once when it comes while the bridge stops', async () => {
    const stage = new DoorStage()
    await stage.clients.drain(0)
    const late = stage.openRaw({}, { closesAtOnce: true })
    await turn()
    expect(late.socket.closes).toMatchObject([{ code: 1001 }])
    expect(stage.clients.size).toBe(0)
  })

  it.each([
    ['it may not have its destination', ['/topic/a', '/topic/secret'], 1008],
    ['its destination is none', ['/nowhere'], 1002],
    ['it has too many patterns', ['/topic/*', '/topic/x*', '/topic/y*'], 1002],
  ])('when %s, although it was let in', async (_case, destinations, code) => {
    const access = { isOpen: false, maySubscribe: (_identity: unknown, to: string) => to !== '/topic/secret' }
    const stage = new DoorStage({ access })
    // A runtime has no handler to report the close to before `open` has returned.
    const client = stage.openRaw({ destinations }, { closesAtOnce: true })
    await turn()
    expect(client.socket.closes).toMatchObject([{ code }])
    expect([stage.clients.size, stage.core.broker.size]).toEqual([0, 0])
  })

  it('when the bus refuses its channel later', async () => {
    const stage = new DoorStage({ bus: { goesLive: false } })
    const client = stage.openRaw()
    stage.core.bus.refuseSubscription('topic:a')
    await turn()
    expect(client.socket.closes).toMatchObject([{ code: 1002, reason: expect.stringContaining('refuses') }])
  })
})

describe('a plain WebSocket in the list of sessions', () => {
  it('is one with its protocol, and without a version', async () => {
    const stage = new DoorStage()
    const client = stage.openRaw({ identity: { user: 'alice' } })
    client.send('ignored')
    const [open] = [...stage.clients]
    expect(open).toMatchObject({ id: 'node-1', transport: 'websocket', received: 1, identity: { user: 'alice' } })
    expect(open!.door).toMatchObject({ protocol: 'raw', version: undefined, isOpen: true })
  })
})
