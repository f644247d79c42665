/** One node and its subscriptions on a simulated queue. */
import { describe, expect, it } from 'vitest'
import { BusRefusedError, BusUnavailableError, NotStoredError } from '../../src/bus/bus.ts'
import { ProtocolError } from '../../src/errors.ts'
import { messageStamps } from './given.ts'
import { FakeWorker, messageId, QueueStage, VISIBLE_SECONDS } from './stage.ts'
import { turn } from '../support/fake-turn.ts'

const VISIBLE_MS = VISIBLE_SECONDS * 1000
const away = (): Error => new BusUnavailableError('no answer came')

describe('handing out', () => {
  it('gives each in turn, in the order of the queue', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const workers = [node.subscribe(), node.subscribe(), node.subscribe()]
    await stage.settle()
    stage.add('1', '2', '3', '4', '5', '6', '7')
    await stage.settle()
    expect(workers.map(({ bodies }) => bodies)).toEqual([
      ['1', '4', '7'],
      ['2', '5'],
      ['3', '6'],
    ])
  })

  it('leaves out who has as much as it may have, and gives it more for each that it settles', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const [slow, fast] = [node.subscribe(1), node.subscribe(3)]
    stage.add('1', '2', '3', '4', '5', '6')
    await stage.settle()
    expect([slow.bodies, fast.bodies]).toEqual([['1'], ['2', '3', '4']])
    expect(stage.simulated.heldBy('n1')).toHaveLength(4)
    void fast.ack(messageId(3))
    await stage.settle()
    void slow.ack()
    await stage.settle()
    expect([slow.bodies, fast.bodies]).toEqual([
      ['1', '6'],
      ['2', '3', '4', '5'],
    ])
  })

  it('asks for no more than there is room for, and more at once when it knows that they are short', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const { names } = node.store
    stage.add(...Array.from({ length: 400 }, (_, i) => String(i)))
    const worker = node.subscribe(300)
    await stage.settle()
    expect(names.filter((name) => name.startsWith('work'))).toEqual(
      [16, 32, 64, 128, 60].map((wanted) => `work 0 ${wanted}`),
    )
    expect(worker.bodies).toEqual(Array.from({ length: 300 }, (_, i) => String(i)))
  })

  it('asks for fewer at once when they are long', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    stage.add(...Array.from({ length: 30 }, () => 'x'.repeat(1024 * 1024)))
    node.subscribe(300)
    await stage.settle()
    const wanted = node.store.names.filter((name) => name.startsWith('work')).map((name) => Number(name.split(' ')[2]))
    expect(wanted.slice(0, 3)).toEqual([16, 4, 8])
    expect(Math.max(...wanted)).toBe(16)
  })

  it('waits when there is nothing, and asks no more', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe()
    await stage.settle()
    expect(node.store.names).toEqual(['renew', 'work 0 16', 'wait'])
    stage.add('1')
    await stage.settle()
    expect(worker.bodies).toEqual(['1'])
    expect(node.store.names.slice(3)).toEqual(['work 0 15', 'wait'])
    void worker.ack()
    await stage.settle()
    expect(node.store.names.slice(5)).toEqual(['work 1 0'])
  })

  it('looks again when a client that did not read can take more', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe(5, new FakeWorker(false, 0))
    stage.add('1', '2')
    await stage.pass(500)
    expect(worker.given).toEqual([])
    expect(stage.simulated.heldBy('n1')).toEqual([])
    worker.room = 1
    worker.onMessage = () => (worker.room = 0)
    await stage.pass(500)
    expect(worker.bodies).toEqual(['1'])
    expect(stage.simulated.heldBy('n1')).toEqual(['1000-1'])
  })

  it('leaves alone what is settled together with something else, and gives it to somebody when it was not', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe()
    stage.add('1', '2')
    await stage.settle()
    const [first, second] = [...worker.has]
    const settling = [first!, second!].map((id) => worker.subscription.consumer.beginSettling([id]))
    expect(settling.map(({ entries }) => entries)).toEqual([
      { stream: 'queue:q', ids: ['1000-1'] },
      { stream: 'queue:q', ids: ['1000-2'] },
    ])
    // Nothing that it holds by the account of the store is unknown to it.
    node.setAvailable(false)
    node.setAvailable(true)
    await stage.settle()
    expect(worker.bodies).toEqual(['1', '2'])
    settling[0]!.failed()
    settling[1]!.done()
    await stage.settle()
    expect(worker.bodies).toEqual(['1', '2', '1'])
    expect(node.metrics.count.queueSettled).toBe(1)
  })

  it('gives back what came for who cannot take it any more', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe()
    await stage.settle()
    worker.room = 0
    stage.add('1')
    await stage.settle()
    expect(stage.simulated.heldBy('n1')).toEqual([])
    worker.room = Infinity
    await stage.pass(100)
    expect(worker.bodies).toEqual(['1'])
    // Nobody has seen it before, but others may have been given later ones: what is said to come first comes in order.
    expect(messageStamps(worker)).toEqual([{ count: '2', redelivered: 'true' }])
  })

  it('gives all to two subscriptions that share their room', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    let room = 2
    const workers = [0, 1].map(() => {
      const worker = new FakeWorker(false)
      Object.defineProperty(worker, 'room', { get: () => room })
      worker.onMessage = () => room--
      return node.subscribe(16, worker)
    })
    stage.add('1', '2', '3', '4', '5', '6')
    await stage.settle()
    for (let i = 0; i < 20 && stage.simulated.ids.length > 0; i++) {
      for (const worker of workers) {
        room += worker.has.size
        if (worker.has.size > 0) void worker.ack()
      }
      await stage.settle()
    }
    expect(workers.flatMap(({ bodies }) => bodies).sort()).toEqual(['1', '2', '3', '4', '5', '6'])
  })

  it('gives to others what a subscription cannot take that ends while it is given something', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    stage.add('1', '2', '3')
    const [dying, other] = [node.subscribe(), node.subscribe()]
    dying.onMessage = () => node.unsubscribe(dying)
    await stage.settle()
    expect(dying.bodies).toEqual(['1'])
    expect(other.bodies).toEqual(['2', '3', '1'])
    void other.ack()
    await stage.settle()
    expect(stage.simulated.ids).toEqual([])
  })

  it('gives the same message id each time, and says how often it was given', async () => {
    const stage = new QueueStage({ maxDeliveries: 10 })
    const worker = stage.node().subscribe()
    stage.add('1')
    await stage.settle()
    for (let i = 0; i < 2; i++) {
      void worker.nack()
      await stage.settle()
    }
    expect(new Set(worker.given.map(({ id }) => id))).toEqual(new Set([messageId(1)]))
    expect(messageStamps(worker)).toEqual([
      { count: '1', redelivered: undefined },
      { count: '2', redelivered: 'true' },
      { count: '3', redelivered: 'true' },
    ])
  })

  it('buries what nobody can read, and goes on', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe(1)
    stage.add(undefined, '2')
    await stage.settle()
    expect(worker.bodies).toEqual(['2'])
    expect([...stage.simulated.dead.values()]).toEqual(['unreadable'])
    expect(node.metrics.count.queueDead).toBe(1)
  })
})

describe('settling', () => {
  it('resolves when the store has it', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe()
    stage.add('1')
    await stage.settle()
    node.store.isPrompt = false
    let isDone = false
    const done = worker.ack().then(() => (isDone = true))
    await turn()
    node.store.carryOut()
    await turn()
    expect([isDone, stage.simulated.ids]).toEqual([false, []])
    node.store.answer()
    await done
    expect(node.metrics.count.queueSettled).toBe(1)
  })

  it('gathers what comes while a command is on its way', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe(100)
    stage.add(...Array.from({ length: 50 }, (_, i) => String(i)))
    await stage.settle()
    node.store.names.length = 0
    node.store.isPrompt = false
    const done = Array.from({ length: 50 }, (_, i) => worker.ack(messageId(i + 1)))
    await turn()
    node.store.isPrompt = true
    node.store.answer()
    await stage.settle()
    await Promise.all(done)
    expect(node.store.names.filter((name) => name.startsWith('work'))).toEqual(['work 1 0', 'work 49 0'])
  })

  it('settles at once what is written with ack:auto, and room is what the prefetch says', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe(4, new FakeWorker(true))
    stage.add(...Array.from({ length: 20 }, (_, i) => String(i)))
    await stage.settle()
    expect(worker.bodies).toHaveLength(20)
    expect(stage.simulated.settled.size).toBe(20)
    expect(node.store.names.every((name) => !name.startsWith('work') || Number(name.split(' ')[2]) <= 4)).toBe(true)
  })

  it('resolves for what it does not know, and tells the store nothing', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe()
    await stage.settle()
    node.store.names.length = 0
    await worker.ack('queue:q-1-1', 'x', '')
    await worker.nack(messageId(7))
    expect(node.store.names).toEqual([])
  })

  it('settles nothing of another subscription', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const [a, b] = [node.subscribe(), node.subscribe()]
    stage.add('1', '2')
    await stage.settle()
    await a.ack(messageId(2))
    await b.nack(messageId(1))
    await stage.settle()
    expect([a.bodies, b.bodies]).toEqual([['1'], ['2']])
    expect(stage.simulated.ids).toHaveLength(2)
  })

  it.each([true, false])('is done once where no answer comes, carried out: %s', async (isCarriedOut) => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe()
    stage.add('1')
    await stage.settle()
    node.store.isPrompt = false
    const done = worker.ack()
    await turn()
    if (isCarriedOut) node.store.carryOut()
    node.store.fail(away())
    node.store.isPrompt = true
    await stage.pass(1000)
    await done
    expect([...stage.simulated.settled]).toEqual(['1000-1'])
    expect(worker.bodies).toEqual(['1'])
  })

  it('gives back what was taken by a command whose answer did not come', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    node.store.isPrompt = false
    const worker = node.subscribe()
    node.store.answer()
    await turn()
    stage.add('1', '2')
    node.store.carryOut()
    expect(stage.simulated.heldBy('n1')).toHaveLength(2)
    node.store.fail(away())
    node.store.isPrompt = true
    await stage.pass(1000)
    expect(worker.bodies).toEqual(['1', '2'])
    expect(messageStamps(worker).map(({ count }) => count)).toEqual(['2', '2'])
  })

  it('tells who waits that Redis refuses, says it once in the log, and goes on when it does not any more', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe()
    stage.add('1', '2')
    await stage.settle()
    node.store.failure = new BusRefusedError('NOPERM')
    await expect(worker.ack(messageId(1))).rejects.toMatchObject({ code: 'bus-refused' })
    await stage.pass(1000)
    await expect(worker.nack(messageId(2))).rejects.toBeInstanceOf(ProtocolError)
    await stage.pass(3000)
    expect(node.log.messages('warn')).toEqual(['Redis refuses the stream of a work queue'])
    node.store.failure = undefined
    // What was refused is with nobody: it comes again once it is clear that nobody has it.
    await stage.pass(VISIBLE_MS + 10_000)
    expect(worker.bodies).toEqual(['1', '2', '1', '2'])
  })
})

describe('giving back', () => {
  it('counts a NACK, and buries after so many', async () => {
    const stage = new QueueStage({ maxDeliveries: 2 })
    const node = stage.node()
    const worker = node.subscribe()
    stage.add('1')
    await stage.settle()
    await worker.nack()
    await stage.settle()
    await worker.nack()
    await stage.settle()
    expect([...stage.simulated.dead.values()]).toEqual(['nack'])
    expect(worker.bodies).toEqual(['1', '1'])
    expect(node.metrics.count).toMatchObject({ queueReturned: 1, queueDead: 1, queueRedelivered: 1 })
  })

  it.each([true, false])('counts a NACK once where no answer comes, carried out: %s', async (isCarriedOut) => {
    const stage = new QueueStage({ maxDeliveries: 2 })
    const node = stage.node()
    const worker = node.subscribe()
    stage.add('1')
    await stage.settle()
    node.store.isPrompt = false
    const done = worker.nack()
    await turn()
    if (isCarriedOut) node.store.carryOut()
    node.store.fail(away())
    node.store.isPrompt = true
    await stage.pass(1000)
    await done
    expect(worker.bodies).toEqual(['1', '1'])
  })

  it('gives what a subscription had that ends to the others, in order and in front', async () => {
    const stage = new QueueStage({ maxDeliveries: 1 })
    const node = stage.node()
    const first = node.subscribe(3)
    stage.add('1', '2', '3')
    await stage.settle()
    await first.ack(messageId(2))
    node.unsubscribe(first)
    await stage.settle()
    stage.add('4', '5')
    const second = node.subscribe(2)
    await stage.settle()
    expect(second.bodies).toEqual(['1', '3'])
    expect(stage.simulated.dead.size).toBe(0)
    expect([...stage.simulated.settled]).toEqual(['1000-2'])
  })

  it('tells other nodes', async () => {
    const stage = new QueueStage()
    const [a, b] = [stage.node(), stage.node()]
    const first = a.subscribe()
    stage.add('1')
    await stage.settle()
    const second = b.subscribe()
    await stage.settle()
    expect(b.store.isWaiting).toBe(true)
    a.unsubscribe(first)
    await stage.settle()
    expect(second.bodies).toEqual(['1'])
  })

  it('finds what was given back also where nobody has told it', async () => {
    const stage = new QueueStage()
    const [a, b] = [stage.node(), stage.node()]
    const first = a.subscribe()
    stage.add('1')
    await stage.settle()
    const second = b.subscribe()
    await stage.settle()
    a.unsubscribe(first)
    await turn()
    b.store.returned = 0
    await stage.pass(2500)
    expect(second.bodies).toEqual(['1'])
  })
})

describe('keeping too long', () => {
  it('goes to somebody else, and a late ACK or NACK means nothing', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const first = node.subscribe(1)
    stage.add('1')
    await stage.settle()
    const second = node.subscribe(1)
    await stage.pass(VISIBLE_MS - 500)
    expect(second.bodies).toEqual([])
    await stage.pass(1000)
    expect([first.bodies, second.bodies]).toEqual([['1'], ['1']])
    expect(first.has.size).toBe(0)
    await first.ack(messageId(1))
    await first.nack(messageId(1))
    await stage.settle()
    expect(stage.simulated.ids).toEqual(['1000-1'])
    await second.ack()
    expect([...stage.simulated.settled]).toEqual(['1000-1'])
  })

  it('is found with one timer for all, each at its own time', async () => {
    const stage = new QueueStage({ maxDeliveries: 1 })
    const node = stage.node()
    node.subscribe(100)
    await stage.settle()
    const before = stage.clock.pending
    for (let i = 0; i < 5; i++) {
      stage.add(String(i))
      await stage.settle()
      await stage.pass(1000)
    }
    expect(stage.clock.pending).toBe(before + 1)
    for (let i = 0; i < 5; i++) {
      await stage.pass(i === 0 ? VISIBLE_MS - 5000 : 1000)
      expect(stage.simulated.dead.size).toBe(i + 1)
    }
    expect(stage.clock.pending).toBe(before)
    expect([...stage.simulated.dead.values()]).toEqual(Array(5).fill('timeout'))
  })

  it('is not what was settled before', async () => {
    const stage = new QueueStage({ maxDeliveries: 1 })
    const worker = stage.node().subscribe()
    stage.add('1', '2')
    await stage.settle()
    await stage.pass(VISIBLE_MS / 2)
    await worker.ack(messageId(1))
    await stage.pass(VISIBLE_MS)
    expect([...stage.simulated.settled]).toEqual(['1000-1'])
    expect([...stage.simulated.dead]).toEqual([['1000-2', 'timeout']])
  })
})

describe('while the store is away', () => {
  it('keeps what was settled and given back, and tells it later', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe(3)
    stage.add('1', '2', '3')
    await stage.settle()
    node.store.failure = away()
    node.store.loseWait()
    node.setAvailable(false)
    const done = [worker.ack(messageId(1)), worker.nack(messageId(2))]
    await stage.pass(3000)
    node.store.failure = undefined
    node.setAvailable(true)
    await stage.settle()
    await Promise.all(done)
    expect([...stage.simulated.settled]).toEqual(['1000-1'])
    expect(worker.bodies).toEqual(['1', '2', '3', '2'])
  })

  it('asks what it holds when the store is there again, and gives back what nobody has', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe(3)
    stage.add('1')
    await stage.settle()
    expect(node.store.isWaiting).toBe(true)
    // Redis gives it to a connection that is gone.
    stage.add('2')
    node.store.loseWait()
    node.setAvailable(false)
    await stage.settle()
    node.setAvailable(true)
    await stage.settle()
    expect(worker.bodies).toEqual(['1', '2'])
    expect(worker.has.size).toBe(2)
  })

  it('takes nothing from nodes that could not say that they live because Redis took nothing', async () => {
    const stage = new QueueStage({ visibilitySeconds: 1000 })
    const [a, b] = [stage.node(), stage.node()]
    const first = a.subscribe(1)
    await stage.settle()
    stage.add('1')
    await stage.settle()
    b.subscribe()
    await stage.pass(10_000)
    const full = new BusUnavailableError('OOM command not allowed')
    for (const { store } of [a, b]) store.failure = full
    await stage.pass(20_000)
    b.store.failure = undefined
    await stage.pass(3000)
    a.store.failure = undefined
    await stage.pass(20_000)
    expect(stage.simulated.stolen.size).toBe(0)
    await first.ack()
    expect(stage.simulated.ids).toEqual([])
  })

  it('gives back what Redis does not know any more to be settled', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe(2)
    stage.add('1', '2')
    await stage.settle()
    await worker.ack(messageId(1))
    node.setAvailable(false)
    node.store.loseWait()
    await stage.settle()
    stage.simulated.unsettle('1000-1')
    node.setAvailable(true)
    await stage.settle()
    expect(worker.bodies).toEqual(['1', '2', '1'])
    expect(messageStamps(worker).map(({ count }) => count)).toEqual(['1', '1', '2'])
  })

  it('takes nothing from nodes that could not say that they live, until they had the time to', async () => {
    const stage = new QueueStage({ visibilitySeconds: 1000 })
    const [a, b] = [stage.node(), stage.node()]
    a.subscribe()
    await stage.settle()
    stage.add('1')
    await stage.settle()
    stage.kill(a)
    b.setAvailable(false)
    const second = b.subscribe()
    await stage.pass(20_000)
    b.setAvailable(true)
    await stage.pass(4000)
    expect(second.bodies).toEqual([])
    await stage.pass(6000)
    expect(second.bodies).toEqual(['1'])
  })
})

describe('subscribing', () => {
  it('is live when the store knows, and is told how many there are', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const workers = [node.subscribe(), node.subscribe()]
    await Promise.all(workers.map(({ subscription }) => subscription.live))
    await stage.settle()
    expect(stage.simulated.consumers).toBe(2)
    node.unsubscribe(workers[0]!)
    await stage.settle()
    expect(stage.simulated.consumers).toBe(1)
    node.unsubscribe(workers[1]!)
    await stage.settle()
    expect(stage.simulated.consumers).toBe(0)
    expect(node.queues.subscribed).toEqual([])
    expect(node.store.isWaiting).toBe(false)
  })

  it('waits for the store, but says at once that it is away', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    node.setAvailable(false)
    const { subscription } = node.subscribe()
    let isLive = false
    void subscription.live.then(() => (isLive = true))
    await subscription.liveOrLost
    await stage.settle()
    expect(isLive).toBe(false)
    node.setAvailable(true)
    await subscription.live
  })

  it('is not left hanging when the store goes meanwhile', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    node.store.isPrompt = false
    const { subscription } = node.subscribe()
    await turn()
    node.store.fail(away())
    await turn()
    node.setAvailable(false)
    await subscription.liveOrLost
    node.store.isPrompt = true
    node.setAvailable(true)
    await subscription.live
  })

  it('is refused where Redis refuses its stream', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    node.store.failure = new BusRefusedError('WRONGTYPE')
    const worker = node.subscribe()
    await expect(worker.subscription.live).rejects.toMatchObject({ code: 'bus-refused' })
    await worker.subscription.liveOrLost
    node.unsubscribe(worker)
    await stage.pass(3000)
    expect(node.queues.subscribed).toEqual([])
  })

  it('is refused while Redis stores nothing, which is said once, and those who are there go on', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const early = node.subscribe()
    await stage.settle()
    node.store.failure = new NotStoredError('OOM')
    for (let i = 0; i < 3; i++) {
      const late = node.subscribe()
      await expect(late.subscription.live).rejects.toMatchObject({ code: 'bus-unavailable' })
      await late.subscription.liveOrLost
      node.unsubscribe(late)
      await stage.pass(3000)
    }
    expect(node.log.messages('warn')).toEqual(['Redis stores nothing now: nobody can subscribe to work queues'])
    node.store.failure = undefined
    stage.add('1')
    await stage.pass(3000)
    expect(early.bodies).toEqual(['1'])
    const late = node.subscribe()
    await late.subscription.live
  })

  it('can end twice, and before it is live', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe()
    node.unsubscribe(worker)
    node.queues.unsubscribe(worker.subscription.consumer)
    await worker.subscription.live
    await stage.pass(3000)
    expect(node.queues.subscribed).toEqual([])
    stage.add('1')
    const next = node.subscribe()
    await stage.settle()
    expect(next.bodies).toEqual(['1'])
  })

  it('leaves later what could not be left because the store was away', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe()
    await stage.settle()
    node.store.failure = new BusUnavailableError('away')
    node.unsubscribe(worker)
    await stage.pass(4000)
    node.store.failure = undefined
    node.store.names.length = 0
    await stage.pass(10_000)
    expect(node.store.names.filter((name) => name === 'leave')).toEqual(['leave'])
  })

  it('says every two seconds that the node lives', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    node.subscribe()
    await stage.settle()
    node.store.names.length = 0
    await stage.pass(10_000)
    expect(node.store.names).toEqual(Array(5).fill('renew'))
  })
})

describe('closing', () => {
  it('waits until what is settled and given back is with the store, and leaves', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe()
    stage.add('1', '2')
    await stage.settle()
    node.store.isPrompt = false
    void worker.ack(messageId(1))
    node.unsubscribe(worker)
    let isClosed = false
    const closed = node.queues.close(1000).then(() => (isClosed = true))
    await stage.pass(500)
    expect(isClosed).toBe(false)
    node.store.isPrompt = true
    while (node.store.calls.length > 0) node.store.answer()
    await stage.settle()
    await stage.pass(100)
    await closed
    expect([...stage.simulated.settled]).toEqual(['1000-1'])
    expect(stage.simulated.heldBy('n1')).toEqual([])
    expect(stage.simulated.consumers).toBe(0)
  })

  it('ends at its time, and lets no timer go on', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe()
    stage.add('1')
    await stage.settle()
    node.store.isPrompt = false
    void worker.ack()
    let isClosed = false
    void node.queues.close(1000).then(() => (isClosed = true))
    await stage.pass(1500)
    while (node.store.calls.length > 0) {
      node.store.fail(away())
      await turn()
    }
    expect(isClosed).toBe(true)
    await stage.pass(1000)
    expect(stage.clock.pending).toBe(0)
  })

  it('gives back what comes when it is closed already', async () => {
    const stage = new QueueStage()
    const node = stage.node()
    const worker = node.subscribe()
    await turn()
    await stage.settle()
    node.store.isPrompt = false
    stage.add('1')
    node.unsubscribe(worker)
    void node.queues.close(0)
    await turn()
    node.store.isPrompt = true
    while (node.store.calls.length > 0) node.store.answer()
    await stage.settle()
    const other = stage.node().subscribe()
    await stage.pass(10_000)
    expect(other.bodies).toEqual(['1'])
  })
})
