import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { FakeClient, FakeSocketOptions } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'
import { OPTIONS, SLOT_MS, Stage, type StageOptions } from '../stomp/stage.ts'

const DEADLINE_MS = 8000

function setUp(maxClients = 100, options?: StageOptions) {
  const stage = new Stage({ ...options, maxClients })
  const { clients: all } = stage
  const open = (socket?: FakeSocketOptions): FakeClient => stage.open(socket)
  const connect = async (socket?: FakeSocketOptions): Promise<FakeClient> => {
    const client = open(socket)
    client.connect()
    await turn()
    return client
  }
  const count = async () => Number(/^stomp_bridge_sessions (\d+)$/m.exec(await stage.metrics.render())![1])
  /** Begins to drain; tells whether that is over. */
  const drain = () => {
    let isOver = false
    void all.drain(DEADLINE_MS).then(() => (isOver = true))
    return () => isOver
  }
  return { stage, all, open, connect, count, drain }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

describe('clients', () => {
  it('#38 count what is open and name each session', async () => {
    const { connect, count } = setUp()
    const clients = [await connect(), await connect()]
    expect(await count()).toBe(2)
    expect(clients.map((client) => client.take()[0]!.headers.get('session'))).toEqual(['node-1', 'node-2'])
    clients[0]!.close()
    expect(await count()).toBe(1)
  })

  it('say that they are full at the limit, and no more when one has gone', async () => {
    const { all, connect } = setUp(2)
    expect(all.refusal).toBeUndefined()
    const clients = [await connect(), await connect()]
    expect(all.refusal).toBe('full')
    clients[0]!.close()
    expect(all.refusal).toBeUndefined()
  })

  describe.each([
    ['full', 1013],
    ['draining', 1001],
  ])('that are %s', (why, code) => {
    function refusing() {
      const stage = setUp(1)
      if (why === 'full') stage.open()
      else void stage.all.drain(DEADLINE_MS)
      return { ...stage, before: why === 'full' ? 1 : 0 }
    }

    it(`#123 close who comes all the same with ${code}`, async () => {
      const { all, open, count, before } = refusing()
      expect(all.refusal).toBe(why)
      const client = open()
      await turn()
      expect(client.socket.closes.map((close) => close.code)).toEqual([code])
      client.close()
      expect(await count()).toBe(before)
    })

    it('forget who was refused where closing is reported at once', async () => {
      const { open, count, before } = refusing()
      open({ closesAtOnce: true })
      await turn()
      expect(await count()).toBe(before)
    })

    it('process nothing of who was refused, and drop it when it does not close', async () => {
      const { stage, open } = refusing()
      const client = open({ transport: 'tcp' })
      client.connect()
      client.frame('SEND', { destination: '/app/a' }, 'x')
      await turn()
      client.frame('SEND', { destination: '/app/a' }, 'x')
      await turn()
      expect(client.take()).toEqual([])
      expect(stage.bus.published).toEqual([])
      stage.clock.advance(OPTIONS.lingerMs + SLOT_MS)
      expect(client.socket.terminations).toBe(1)
      expect(client.socket.closes).toHaveLength(1)
    })
  })

  it('drain at once when there are none', async () => {
    const { all, drain } = setUp()
    const isOver = drain()
    await turn()
    expect(isOver()).toBe(true)
    expect(all.refusal).toBe('draining')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('drain by closing each with 1001, and are over when the last has gone', async () => {
    const { connect, drain } = setUp()
    const clients = [await connect(), await connect()]
    const isOver = drain()
    await turn()
    expect(clients.map(({ socket }) => socket.closes[0]!.code)).toEqual([1001, 1001])
    clients[0]!.close()
    await turn()
    expect(isOver()).toBe(false)
    clients[1]!.close()
    await turn()
    expect(isOver()).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('drain where closing is reported at once', async () => {
    const { connect, drain } = setUp()
    await connect({ closesAtOnce: true })
    const isOver = drain()
    await turn()
    expect(isOver()).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('#114 wait while draining until what is pending has been handed over', async () => {
    const { stage, connect, drain } = setUp(100, { bus: { accepts: false } })
    const client = await connect({ closesAtOnce: true })
    client.frame('SEND', { destination: '/app/a', receipt: 'r1' }, 'x')
    const isOver = drain()
    await turn()
    expect(isOver()).toBe(false)
    stage.bus.handedOver[0]!.accept()
    await turn()
    expect(client.takeWords()).toEqual(['CONNECTED', 'RECEIPT r1'])
    expect(isOver()).toBe(true)
  })

  it('drop what is left at the deadline, and are over then in any case', async () => {
    const { stage, connect, drain } = setUp(100, { bus: { accepts: false } })
    const [silent, pending, gone] = [await connect(), await connect(), await connect()]
    pending.frame('SEND', { destination: '/app/a' }, 'x')
    const isOver = drain()
    gone.close()
    await vi.advanceTimersByTimeAsync(DEADLINE_MS - 1)
    expect([silent, pending, gone].map(({ socket }) => socket.terminations)).toEqual([0, 0, 0])
    expect(isOver()).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect([silent, pending, gone].map(({ socket }) => socket.terminations)).toEqual([1, 1, 0])
    expect(isOver()).toBe(true)
    expect(stage.bus.handedOver).toHaveLength(1)
  })

  it('tell many in several turns, so that others get theirs', async () => {
    const { open, drain } = setUp(1000)
    const clients = Array.from({ length: 450 }, () => open())
    const told = () => clients.filter(({ socket }) => socket.closes.length > 0).length
    const isOver = drain()
    const steps = [told()]
    for (let i = 0; i < 2; i++) {
      vi.advanceTimersToNextTimer()
      await turn()
      steps.push(told())
    }
    expect(steps).toEqual([200, 400, 450])
    for (const client of clients) client.close()
    await turn()
    expect(isOver()).toBe(true)
  })
})
