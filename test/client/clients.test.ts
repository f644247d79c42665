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
    expect(all.roomRefusal()).toBeUndefined()
    const clients = [await connect(), await connect()]
    expect(all.roomRefusal()).toBe('full')
    clients[0]!.close()
    expect(all.roomRefusal()).toBeUndefined()
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
      expect(all.roomRefusal()).toBe(why)
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
      // A WebSocket is told by the close.
      const told = client.take().map(({ command, headers }) => [command, headers.get('code')])
      expect(told).toEqual([['ERROR', why === 'full' ? 'too-many-sessions' : 'shutting-down']])
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
    expect(all.roomRefusal()).toBe('draining')
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

  it('drain over a while: a part at a time, in random order, and the others go on meanwhile', async () => {
    const spreadMs = 1000
    const { stage, all, open, count } = setUp(1000)
    const clients = Array.from({ length: 300 }, () => open({ closesAtOnce: true }))
    clients.at(-1)!.connect()
    const told = () => clients.flatMap(({ socket }, i) => (socket.closes.length > 0 ? [i] : []))
    let isOver = false
    void all.drain(DEADLINE_MS, spreadMs).then(() => (isOver = true))
    await turn()
    expect([told(), all.roomRefusal()]).toEqual([[], 'draining'])
    const parts: number[] = []
    let firstHalf: number[] = []
    for (let passed = 0; !isOver && passed <= spreadMs + 100; passed += 10) {
      stage.clock.advance(10)
      await vi.advanceTimersByTimeAsync(10)
      const now = told()
      if (now.length > (parts.at(-1) ?? 0)) {
        // Never ahead of its time, and at most a pause behind.
        expect(now.length).toBeLessThanOrEqual((300 * (passed + 10)) / spreadMs + 1)
        parts.push(now.length)
        if (now.length <= 150) firstHalf = now
      }
    }
    expect(parts.length).toBeGreaterThan(10)
    expect(told()).toHaveLength(300)
    // Not the oldest first: that all of them were of the older half is as good as impossible.
    expect(firstHalf.some((i) => i >= 150)).toBe(true)
    expect([isOver, await count(), vi.getTimerCount()]).toEqual([true, 0, 0])
  })

  it('stop telling when all have gone by themselves, or the deadline has passed', async () => {
    const first = setUp()
    const gone = [first.open(), first.open()]
    const drained = first.all.drain(DEADLINE_MS, 1000)
    for (const client of gone) client.close()
    await vi.advanceTimersByTimeAsync(100)
    await drained
    const second = setUp()
    const left = [second.open(), second.open()]
    const late = second.all.drain(200, 1000)
    // The clock of the sessions stands still: none of them is due.
    await vi.advanceTimersByTimeAsync(300)
    await late
    expect(left.map(({ socket }) => socket.terminations)).toEqual([1, 1])
    expect(vi.getTimerCount()).toBe(0)
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
