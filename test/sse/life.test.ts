import { describe, expect, it } from 'vitest'
import { asksOf } from '../../src/recovery/positions.ts'
import { COMMENT_EVERY_MS, DoorStage, LINGER_MS, OUTPUT_LIMITS, SLOT_MS } from '../support/door-stage.ts'
import { turn } from '../support/fake-turn.ts'
import { StreamReader } from './reader.ts'

describe('a stream begins', () => {
  it('with a comment, so that everybody on the way sees a first byte, and when to come back', () => {
    const stage = new DoorStage()
    const client = stage.openStream()
    const reader = new StreamReader(client)
    expect(reader.take()).toEqual([])
    expect(client.socket.sent).toHaveLength(1)
    expect(reader.comments).toBe(1)
    expect(reader.retries).toHaveLength(1)
  })

  it('so that not all come back at once', () => {
    const stage = new DoorStage({ maxClients: 1000 })
    const retries = Array.from({ length: 200 }, () => {
      const reader = new StreamReader(stage.openStream())
      reader.take()
      return reader.retries[0]!
    })
    expect(Math.min(...retries)).toBeGreaterThanOrEqual(1000)
    expect(Math.max(...retries)).toBeLessThanOrEqual(4000)
    expect(Math.max(...retries) - Math.min(...retries)).toBeGreaterThan(1500)
    expect(new Set(retries).size).toBeGreaterThan(50)
  })

  it('for a reader that wants to go on from where it was with a position per destination, then live', async () => {
    const stage = new DoorStage()
    const reader = new StreamReader(
      stage.openStream({ destinations: ['/topic/a', '/topic/b'], asks: asksOf('what it was', 2) }),
    )
    stage.notify('/topic/b', 'live')
    await turn()
    const [first, second, live] = reader.take()
    const position = { event: 'position', count: 0, recovered: false }
    expect([first, second].map((each) => [each!.event, JSON.parse(each!.data) as unknown])).toEqual([
      ['position', { ...position, destination: '/topic/a' }],
      ['position', { ...position, destination: '/topic/b' }],
    ])
    expect(JSON.parse(live!.data)).toMatchObject({ destination: '/topic/b', body: 'live' })
  })

  it('in the list of sessions, with its protocol', () => {
    const stage = new DoorStage()
    stage.openStream({ identity: { user: 'alice' } })
    const [open] = [...stage.clients]
    expect(open).toMatchObject({ id: 'node-1', transport: 'http', received: 0, identity: { user: 'alice' } })
    expect(open!.door).toMatchObject({ protocol: 'sse', version: undefined })
    expect(stage.core.metrics.count.sessionsOpened).toBe(1)
  })
})

describe('a stream that goes on', () => {
  it('has a comment every 15 s, whatever else comes', async () => {
    const stage = new DoorStage()
    const reader = new StreamReader(stage.openStream())
    for (let passed = 1; passed <= 4; passed++) {
      stage.clock.advance(COMMENT_EVERY_MS / 2)
      stage.notify('/topic/a', `${passed}`)
      await turn()
      expect(reader.take()).toMatchObject([{ data: `${passed}` }])
      expect(reader.comments).toBe(passed)
      stage.clock.advance(COMMENT_EVERY_MS / 2 + SLOT_MS)
      expect(reader.take()).toEqual([])
      expect(reader.comments).toBe(passed + 1)
    }
  })

  it('costs nothing more once its reader has left', () => {
    const stage = new DoorStage()
    const client = stage.openStream()
    client.close()
    expect([stage.clients.size, stage.core.broker.size]).toEqual([0, 0])
    expect(stage.clock.pending).toBe(0)
  })
})

describe('a stream ends', () => {
  it('with an event that says so at shutdown', async () => {
    const stage = new DoorStage()
    const client = stage.openStream()
    const reader = new StreamReader(client)
    stage.notify('/topic/a', 'before')
    const drained = stage.clients.drain(60_000)
    const [message, error] = reader.take()
    expect(message).toEqual({ event: 'message', data: 'before' })
    expect(client.socket.sent.join('')).toMatch(/\nretry: [1-4]\d{3}\nevent: error\n/)
    expect(error!.event).toBe('error')
    expect(JSON.parse(error!.data)).toEqual({ code: 'shutting-down', message: 'The server is shutting down' })
    expect(client.socket.closes).toMatchObject([{ code: 1001 }])
    stage.notify('/topic/a', 'after')
    client.close()
    await drained
    expect(reader.take()).toEqual([])
    expect(stage.core.metrics.count.errorsSent).toBe(0)
  })

  it('with an event that says so when an operator closes it', () => {
    const stage = new DoorStage()
    const reader = new StreamReader(stage.openStream())
    stage.clients.close('node-1')
    expect(reader.take().map(({ event, data }) => [event, JSON.parse(data) as unknown])).toEqual([
      ['error', { code: 'closed-by-operator', message: 'The session was closed by an operator' }],
    ])
    expect(stage.core.metrics.count.errorsSent).toBe(1)
  })

  it('with an event that says so when the bus refuses its channel later', async () => {
    const stage = new DoorStage({ bus: { goesLive: false } })
    const reader = new StreamReader(stage.openStream())
    stage.core.bus.refuseSubscription('topic:a')
    await turn()
    expect(reader.take()).toMatchObject([{ event: 'error', data: expect.stringContaining('"bus-refused"') }])
  })

  it.each([
    ['it may not have its destination', ['/topic/secret'], 'not-authorized'],
    ['its destination is none', ['/nowhere'], 'bad-destination'],
    ['it has too many patterns', ['/topic/*', '/topic/x*', '/topic/y*'], 'too-many-subscriptions'],
  ])('with an event when %s, although it was let in', async (_case, destinations, code) => {
    const access = { isOpen: false, maySubscribe: (_identity: unknown, to: string) => to !== '/topic/secret' }
    const stage = new DoorStage({ access })
    // A runtime has no handler to report the close to before `open` has returned.
    const client = stage.openStream({ destinations }, { closesAtOnce: true })
    await turn()
    const reader = new StreamReader(client)
    expect(reader.take()).toMatchObject([{ event: 'error', data: expect.stringContaining(`"${code}"`) }])
    expect([stage.clients.size, stage.core.broker.size]).toEqual([0, 0])
  })

  it('without one when it does not read: that would stand behind all the rest', async () => {
    const stage = new DoorStage()
    const client = stage.openStream()
    const reader = new StreamReader(client)
    client.socket.isRead = false
    stage.notify('/topic/a', 'x'.repeat(OUTPUT_LIMITS.maxUnsentBytes + 1))
    await turn()
    expect(client.socket.closes).toMatchObject([{ code: 4500 }])
    expect(reader.take()).toMatchObject([{ event: 'message' }])
    expect(stage.core.metrics.count.slowConsumersClosed).toBe(1)
    stage.clock.advance(LINGER_MS + 2 * SLOT_MS)
    expect(client.socket.terminations).toBe(1)
  })

  it('without one event when there are too many', async () => {
    const stage = new DoorStage({ maxClients: 1 })
    stage.openStream()
    const late = stage.openStream({}, { closesAtOnce: true })
    await turn()
    expect(late.socket.closes).toMatchObject([{ code: 1013 }])
    expect(late.socket.sent.join('')).toMatch(/^retry: \d+\nevent: error\ndata: \{"code":"too-many-sessions",/)
    expect([stage.clients.size, stage.core.broker.size]).toEqual([1, 1])
  })
})
