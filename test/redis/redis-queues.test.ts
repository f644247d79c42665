import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { QueueAdmin } from '../../src/queue/queue-admin.ts'
import { QueueRules } from '../../src/queue/queue-rules.ts'
import { QUEUE_GROUP, RETURNED_CHANNEL, type Queue, type QueueStore } from '../../src/queue/queue.ts'
import { bodiesOf, idsOf, newQueue, queueContract } from '../queue/contract.ts'
import { QueueRecorder } from '../queue/queue-recorder.ts'
import { Recorder } from '../bus/recorder.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { eventually, waitFor } from '../support/wait.ts'
import { busForTest, IMPATIENT, redisForTest, startBus } from './support.ts'

let redis: RedisServer
let outside: Redis
beforeAll(async () => {
  redis = await startRedis()
  outside = await redis.client()
})
afterAll(() => redis.stop())

for (const keyPrefix of ['', 'p{x}[*]:']) {
  queueContract(keyPrefix === '' ? 'RedisQueues' : 'RedisQueues with a key prefix', async (recorder) => {
    const told = new Recorder()
    const { bus } = startBus(redis.url, { keyPrefix }, { recorder: told })
    await told.untilAvailable()
    bus.queues.listen(recorder)
    bus.queues.start()
    return {
      store: bus.queues,
      recorder,
      add: async ({ stream }, ...bodies) => {
        const pipeline = outside.pipeline()
        for (const body of bodies) pipeline.xadd(keyPrefix + stream, '*', 'body', body)
        await pipeline.exec()
      },
      close: () => bus.close(),
      stop: () => bus.close(),
    }
  })
}

describe('queues in Redis', () => {
  /** A node of its own, ready; it goes with the test. */
  async function node(nodeId: string, url = redis.url, options: Parameters<typeof busForTest>[1] = {}) {
    const told = new Recorder()
    const recorder = new QueueRecorder()
    const { bus } = busForTest(url, options, { recorder: told, nodeId })
    await told.untilAvailable()
    bus.queues.listen(recorder)
    bus.queues.start()
    return { bus, store: bus.queues, recorder, told }
  }

  const add = async ({ stream }: Queue, ...bodies: readonly string[]): Promise<void> => {
    for (const body of bodies) await outside.xadd(stream, '*', 'body', body)
  }
  const takeBodies = async (store: QueueStore, queue: Queue, wanted = 10) =>
    bodiesOf(await store.work(queue, [], wanted))
  const nodesKey = ({ stream }: Queue): string => `stomp-bridge:queue:{${stream}}:nodes`
  /** What a node holds that does not renew any more. */
  const expire = (queue: Queue, nodeId: string) => outside.hset(nodesKey(queue), nodeId, '1 1000')
  /** As if it had been given this long ago. */
  const age = ({ stream }: Queue, nodeId: string, id: string, ms: number) =>
    outside.xclaim(stream, QUEUE_GROUP, nodeId, 0, id, 'IDLE', ms, 'JUSTID')
  const consumersOf = async ({ stream }: Queue): Promise<string[]> => {
    const list = (await outside.xinfo('CONSUMERS', stream, QUEUE_GROUP)) as [string, string][]
    return list.map(([, name]) => name).sort()
  }

  describe('of two nodes', () => {
    it('are given each message once', async () => {
      const [a, b] = [await node('a'), await node('b')]
      const queue = newQueue()
      const bodies = Array.from({ length: 200 }, (_, i) => String(i))
      await add(queue, ...bodies)
      const taken = await Promise.all(Array.from({ length: 50 }, (_, i) => takeBodies((i % 2 ? a : b).store, queue, 7)))
      expect(
        taken
          .flat()
          .map(Number)
          .sort((x, y) => x - y),
      ).toEqual(bodies.map(Number))
    })

    it('can neither settle nor give back what the other has', async () => {
      const [a, b] = [await node('a'), await node('b')]
      const queue = newQueue()
      await add(queue, 'x')
      const [x] = await a.store.work(queue, [], 1)
      await b.store.work(queue, [x!.id], 0)
      for (let i = 0; i < 5; i++) expect(await b.store.giveBack(queue, [x!.id], 'nack')).toBe(0)
      expect(await b.store.held(queue)).toEqual([])
      expect(await a.store.held(queue)).toEqual([x!.id])
    })

    it('take what the other has given back, and hear of it', async () => {
      const [a, b] = [await node('a'), await node('b')]
      await b.bus.subscribe(RETURNED_CHANNEL)
      const queue = newQueue()
      await add(queue, 'x', 'y')
      const [x] = await a.store.work(queue, [], 1)
      await a.store.giveBack(queue, [x!.id], undefined)
      await b.told.untilReceived(1)
      expect(b.told.texts()).toEqual([queue.stream])
      expect(await b.store.work(queue, [], 1)).toMatchObject([{ id: x!.id, deliveries: 2 }])
      // A late acknowledgement.
      await a.store.work(queue, [x!.id], 0)
      expect(await b.store.held(queue)).toEqual([x!.id])
    })

    it('count failures and consumers together', async () => {
      const nodes = [await node('a'), await node('b')]
      const queue = newQueue({ maxDeliveries: 4 })
      await add(queue, 'x')
      for (const [i, { store }] of [...nodes, ...nodes].entries()) {
        await store.renew(queue, i, true)
        const ids = idsOf(await store.work(queue, [], 1))
        expect(await store.giveBack(queue, ids, i % 2 ? 'nack' : 'timeout')).toBe(i === 3 ? 1 : 0)
      }
      expect(await nodes[0]!.store.counts(queue)).toEqual({ ready: 0, pending: 0, consumers: 5, dead: 1 })
    })

    it('each get some of what comes while both wait', async () => {
      const nodes = [await node('a'), await node('b')]
      const queue = newQueue()
      const came: (string | undefined)[][] = [[], []]
      for (let n = 0; n < 10; n++) {
        for (const { store, recorder } of nodes) {
          if (recorder.count > 0 || n === 0) {
            recorder.clear()
            came[nodes.findIndex((each) => each.store === store)]!.push(...(await takeBodies(store, queue, 1)))
            store.wait(queue)
          }
        }
        await add(queue, String(n))
        await waitFor(() => nodes.some(({ recorder }) => recorder.arrivals.length > 0))
        for (const [i, { recorder }] of nodes.entries()) {
          for (const { entries } of recorder.arrivals) came[i]!.push(...bodiesOf(entries))
        }
      }
      expect(
        came
          .flat()
          .map(Number)
          .sort((x, y) => x - y),
      ).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      for (const own of came) expect(own.length).toBeGreaterThan(0)
    })
  })

  describe('of a node that is gone', () => {
    it('come back, in front and in order, uncounted as failures, and others hear of it', async () => {
      const [a, b] = [await node('a'), await node('b')]
      await b.bus.subscribe(RETURNED_CHANNEL)
      const queue = newQueue({ maxDeliveries: 1 })
      await add(queue, 'x', 'y', 'z')
      await a.store.renew(queue, 2, true)
      await a.store.work(queue, [], 2)
      expect(await b.store.renew(queue, 1, true)).toBe(false)
      await expire(queue, 'a')
      expect(await b.store.renew(queue, 1, false)).toBe(false)
      expect(await b.store.renew(queue, 1, true)).toBe(true)
      await b.told.untilReceived(1)
      expect(await b.store.work(queue, [], 9)).toMatchObject([{ deliveries: 2 }, { deliveries: 2 }, { deliveries: 1 }])
      expect(await b.store.counts(queue)).toEqual({ ready: 0, pending: 3, consumers: 1, dead: 0 })
      expect(await a.store.held(queue)).toEqual([])
    })

    it('come back where it had never said that it lives', async () => {
      const [a, b] = [await node('a'), await node('b')]
      const queue = newQueue()
      await add(queue, 'x')
      await a.store.work(queue, [], 1)
      expect(await b.store.renew(queue, 1, true)).toBe(true)
      expect(await takeBodies(b.store, queue)).toEqual(['x'])
    })

    it('come back by the hundred, and no consumer stays', async () => {
      const [a, b] = [await node('a'), await node('b')]
      const queue = newQueue()
      await add(queue, ...Array.from({ length: 350 }, (_, i) => String(i)))
      await a.store.work(queue, [], 350)
      await outside.xdel(queue.stream, ...idsOf((await b.store.peek(queue, false, 1)).entries), '1-1')
      expect(await b.store.renew(queue, 1, true)).toBe(true)
      expect(await b.store.work(queue, [], 400)).toHaveLength(350)
      expect(await consumersOf(queue)).toEqual(['b', '~given-back'])
    })

    it('are deleted for good where somebody has deleted them meanwhile', async () => {
      const [a, b] = [await node('a'), await node('b')]
      const queue = newQueue()
      await add(queue, 'x', 'y', 'z')
      const [x, y] = await a.store.work(queue, [], 2)
      await outside.xdel(queue.stream, x!.id)
      await b.store.renew(queue, 1, true)
      expect(idsOf(await b.store.work(queue, [], 1))).toEqual([y!.id])
      expect(await outside.xpending(queue.stream, QUEUE_GROUP)).toMatchObject([1, y!.id, y!.id, [['b', '1']]])
    })

    it('come back where it lives but has kept them far too long, also its own', async () => {
      const [a, b] = [await node('a'), await node('b')]
      const queue = newQueue({ visibilitySeconds: 10 })
      await add(queue, 'x', 'y')
      for (const [{ store }, nodeId] of [
        [a, 'a'],
        [b, 'b'],
      ] as const) {
        await a.store.renew(queue, 1, true)
        const [entry] = await store.work(queue, [], 1)
        await age(queue, nodeId, entry!.id, 14_000)
        expect(await b.store.renew(queue, 1, true)).toBe(false)
        await age(queue, nodeId, entry!.id, 16_000)
        expect(await b.store.renew(queue, 1, true)).toBe(true)
        expect(await store.held(queue)).toEqual([])
        const again = await store.work(queue, [], 1)
        expect(idsOf(again)).toEqual([entry!.id])
        await store.work(queue, idsOf(again), 0)
      }
    })

    it('leave no consumer behind when it leaves, unless it holds something', async () => {
      const [a, b] = [await node('a'), await node('b')]
      const queue = newQueue()
      await add(queue, 'x')
      await b.store.renew(queue, 1, true)
      const ids = idsOf(await a.store.work(queue, [], 1))
      await a.store.leave(queue)
      expect(await consumersOf(queue)).toContain('a')
      await a.store.work(queue, ids, 0)
      await a.store.leave(queue)
      expect(await consumersOf(queue)).not.toContain('a')
    })
  })

  describe('where somebody else had their hands in it', () => {
    const settled = async (store: QueueStore, queue: Queue): Promise<void> => {
      await add(queue, 'again')
      expect(await takeBodies(store, queue, 1)).toEqual(['again'])
    }

    it('go on without their group', async () => {
      const { store } = await node('a')
      const queue = newQueue()
      await add(queue, 'x', 'y')
      const [x] = await store.work(queue, [], 1)
      await outside.xgroup('DESTROY', queue.stream, QUEUE_GROUP)
      expect(await store.held(queue)).toEqual([])
      expect(await store.giveBack(queue, [x!.id], 'nack')).toBe(0)
      expect(await store.counts(queue)).toMatchObject({ ready: 2, pending: 0 })
      expect(bodiesOf((await store.peek(queue, false, 5)).entries)).toEqual(['x', 'y'])
      await outside.xgroup('DESTROY', queue.stream, QUEUE_GROUP)
      expect(await store.renew(queue, 1, true)).toBe(false)
      expect(await takeBodies(store, queue)).toEqual(['x', 'y'])
    })

    it('settle what they were given before their group was destroyed, and give out the rest anew', async () => {
      const { store } = await node('a')
      const queue = newQueue()
      await add(queue, 'x', 'y', 'z')
      const [x] = await store.work(queue, [], 2)
      await outside.xgroup('DESTROY', queue.stream, QUEUE_GROUP)
      expect(bodiesOf(await store.work(queue, [x!.id], 9))).toEqual(['y', 'z'])
      expect(await outside.xlen(queue.stream)).toBe(2)
    })

    it('settle nothing that somebody else was given since', async () => {
      const [{ store: a }, { store: b }] = [await node('a'), await node('b')]
      const queue = newQueue()
      await add(queue, 'x')
      const ids = idsOf(await a.work(queue, [], 1))
      await outside.xgroup('DESTROY', queue.stream, QUEUE_GROUP)
      expect(await takeBodies(b, queue)).toEqual(['x'])
      await a.work(queue, ids, 0)
      expect(await b.held(queue)).toEqual(ids)
      expect(await outside.xlen(queue.stream)).toBe(1)
    })

    it.each([
      ['their stream is deleted', ({ stream }: Queue) => outside.del(stream)],
      ['Redis is emptied', () => outside.flushall()],
      ['Redis forgets the scripts', () => outside.script('FLUSH')],
    ])('go on when %s', async (_what, harm) => {
      const { store } = await node('a')
      const queue = newQueue()
      await add(queue, 'x')
      const ids = idsOf(await store.work(queue, [], 1))
      await harm(queue)
      await store.work(queue, ids, 0)
      await harm(queue)
      await store.giveBack(queue, ids, 'nack')
      for (const ask of [
        () => store.held(queue),
        () => store.counts(queue),
        () => store.peek(queue, false, 1),
        () => store.peek(queue, true, 1),
        () => store.redrive(queue),
        () => store.purge(queue, false),
        () => store.purge(queue, true),
        () => store.leave(queue),
        () => store.renew(queue, 1, true),
      ]) {
        await harm(queue)
        await ask()
      }
      await harm(queue)
      await settled(store, queue)
    })

    it.each([
      ['their group is destroyed', ({ stream }: Queue) => outside.xgroup('DESTROY', stream, QUEUE_GROUP)],
      ['their stream is deleted', ({ stream }: Queue) => outside.del(stream)],
      ['their consumer is deleted', ({ stream }: Queue) => outside.xgroup('DELCONSUMER', stream, QUEUE_GROUP, 'a')],
      ['something else takes their place', ({ stream }: Queue) => outside.set(stream, 'text')],
    ])('come although %s while a node waits', async (_what, harm) => {
      const { store, recorder } = await node('a')
      const [queue, other] = [newQueue(), newQueue()]
      for (const each of [queue, other]) {
        await store.renew(each, 1, true)
        await store.work(each, [], 1)
        store.wait(each)
      }
      await harm(queue)
      await outside.del(queue.stream + ':x')
      if ((await outside.type(queue.stream)) === 'string') await outside.del(queue.stream)
      await add(queue, 'x')
      await add(other, 'y')
      const come = async (each: Queue): Promise<(string | undefined)[]> => {
        await waitFor(() => [...recorder.arrivals, ...recorder.ends].some(({ stream }) => stream === each.stream))
        const arrived = recorder.arrivals.filter(({ stream }) => stream === each.stream)
        return [...arrived.flatMap(({ entries }) => bodiesOf(entries)), ...(await takeBodies(store, each))]
      }
      expect(await come(queue)).toEqual(['x'])
      expect(await come(other)).toEqual(['y'])
    })

    it('forget what was deleted while somebody had it', async () => {
      const { store } = await node('a')
      const queue = newQueue({ maxDeliveries: 1 })
      await add(queue, 'x', 'y', 'z')
      const [x, y, z] = await store.work(queue, [], 3)
      await outside.xdel(queue.stream, x!.id, y!.id, z!.id)
      await store.work(queue, [x!.id], 0)
      await store.giveBack(queue, [y!.id], 'nack')
      await store.giveBack(queue, [z!.id], undefined)
      expect(await store.renew(queue, 1, true).then(() => store.work(queue, [], 5))).toEqual([])
      expect(await store.held(queue)).toEqual([])
      expect(await store.renew(queue, 1, true)).toBe(false)
      expect(await store.counts(queue)).toEqual({ ready: 0, pending: 0, consumers: 1, dead: 0 })
    })

    it('are refused where something else has their name', async () => {
      const { store } = await node('a')
      const queue = newQueue()
      await outside.set(queue.stream, 'text')
      for (const attempt of [
        () => store.renew(queue, 1, true),
        () => store.work(queue, [], 1),
        () => store.counts(queue),
        () => store.peek(queue, false, 1),
        () => store.redrive(queue),
        () => store.purge(queue, false),
      ])
        await expect(attempt()).rejects.toMatchObject({ name: 'BusRefusedError' })
      expect(await outside.get(queue.stream)).toBe('text')
    })

    it('keep what they cannot bury', async () => {
      const { store } = await node('a')
      const queue = newQueue({ maxDeliveries: 1 })
      await add(queue, 'x')
      await outside.set(`${queue.stream}:dead`, 'text')
      const ids = idsOf(await store.work(queue, [], 1))
      await expect(store.giveBack(queue, ids, 'nack')).rejects.toMatchObject({ name: 'BusRefusedError' })
      expect(await store.held(queue)).toEqual(ids)
      await outside.del(`${queue.stream}:dead`)
      expect(await store.giveBack(queue, ids, 'nack')).toBe(1)
      expect(bodiesOf((await store.peek(queue, true, 1)).entries)).toEqual(['x'])
    })
  })

  it('leave nothing behind that nodes have left which were killed, once somebody lists the queues', async () => {
    const { store: killed } = await node('a')
    const { store } = await node('b')
    const [empty, full] = [newQueue(), newQueue()]
    await add(full, 'x')
    for (const queue of [empty, full]) {
      await killed.renew(queue, 1, false)
      await outside.hset(`stomp-bridge:queue:{${queue.stream}}:nodes`, 'a', '1 1')
    }
    const rules = new QueueRules([{ ...empty.rule, destination: '/queue/**' }])
    const admin = new QueueAdmin(rules, store, () => [])
    const names = (await admin.list()).map(({ queue }) => queue)
    expect([names.includes(full.destination), names.includes(empty.destination)]).toEqual([true, false])
    expect(await outside.keys(`*${empty.stream}*`)).toEqual([])
    expect(bodiesOf(await store.work(full, [], 9))).toEqual(['x'])
  })

  it('bury and bring back what has thousands of fields: those that mean something', async () => {
    const { store } = await node('a')
    const queue = newQueue({ maxDeliveries: 1 })
    const many = Array.from({ length: 9000 }, (_, i) => `f${i}`)
    await outside.xadd(queue.stream, '*', ...many, 'body', 'x', 'content-type', 'text/x')
    await outside.xadd(queue.stream, '*', ...many)
    await outside.xadd(queue.stream, '*', ...Array.from({ length: 9000 }, () => 'body'))
    await outside.xadd(queue.stream, '*', ...many.slice(0, 5000))
    const [x, y, z, few] = idsOf(await store.work(queue, [], 4))
    expect(await store.giveBack(queue, [x!], 'nack')).toBe(1)
    expect(await store.giveBack(queue, [y!, z!, few!], 'unreadable')).toBe(3)
    const [entry] = await outside.xrange(`${queue.stream}:dead`, '-', '+', 'COUNT', 1)
    expect(entry![1]).toEqual(['body', 'x', 'content-type', 'text/x', 'reason', 'nack'])
    expect(await store.redrive(queue)).toBe(4)
    const back = await outside.xrange(queue.stream, '-', '+')
    expect(back[0]![1]).toEqual(['body', 'x', 'content-type', 'text/x'])
    expect(back[3]![1]).toEqual(many.slice(0, 5000))
  })

  it('keep a field "reason" that a backend has given, and what a stream holds besides', async () => {
    const { store } = await node('a')
    const queue = newQueue()
    await outside.xadd(queue.stream, '*', 'body', 'x', 'reason', 'mine')
    await outside.xadd(queue.stream, '*', 'reason', '')
    await store.giveBack(queue, idsOf(await store.work(queue, [], 2)), 'unreadable')
    expect(await store.redrive(queue)).toBe(2)
    const entries = await outside.xrange(queue.stream, '-', '+')
    expect(entries.map(([, fields]) => fields)).toEqual([
      ['body', 'x', 'reason', 'mine'],
      ['reason', ''],
    ])
  })

  it('let what they keep beside the stream expire or go', async () => {
    const { store } = await node('a')
    const queue = newQueue()
    await add(queue, 'x')
    await store.renew(queue, 1, true)
    const first = idsOf(await store.work(queue, [], 1))
    await store.giveBack(queue, first, 'nack')
    const failures = `stomp-bridge:queue:{${queue.stream}}:failures`
    expect(await outside.pttl(failures)).toBeGreaterThan(0)
    await store.work(queue, idsOf(await store.work(queue, [], 1)), 0)
    await store.leave(queue)
    const keys = await outside.keys(`*${queue.stream}*`)
    expect(keys).toEqual([])
  })

  it('go on where Redis has no memory left: then nothing is counted or buried', async () => {
    const own = await redisForTest()
    const admin = await own.client()
    const { store } = await node('a', own.url)
    const queue = newQueue({ maxDeliveries: 2 })
    for (const body of ['x', 'y', 'z', 'u']) await admin.xadd(queue.stream, '*', 'body', body)
    await store.renew(queue, 1, true)
    await admin.config('SET', 'maxmemory', '1')
    const [x, y, z, u] = await store.work(queue, [], 4)
    await store.work(queue, [x!.id], 0)
    for (let i = 0; i < 3; i++) {
      expect(await store.giveBack(queue, [y!.id], 'nack')).toBe(0)
      expect(idsOf(await store.work(queue, [], 1))).toEqual([y!.id])
    }
    expect(await store.giveBack(queue, [u!.id], 'unreadable')).toBe(0)
    await store.giveBack(queue, [z!.id], undefined)
    expect(idsOf(await store.work(queue, [], 3))).toEqual([z!.id])
    expect(await store.held(queue)).toEqual([y!.id, z!.id, u!.id])
    await admin.config('SET', 'maxmemory', '0')
    expect(await store.giveBack(queue, [u!.id], 'unreadable')).toBe(1)
    expect(await store.giveBack(queue, [y!.id], 'nack')).toBe(0)
    expect(idsOf(await store.work(queue, [], 1))).toEqual([y!.id])
    expect(await store.giveBack(queue, [y!.id], 'nack')).toBe(1)
    expect(await store.counts(queue)).toMatchObject({ ready: 0, pending: 1, dead: 2 })
  })

  it('say that a wait is unsure when the connection goes, and wait again', async () => {
    const own = await redisForTest()
    const { store, recorder, told } = await node('a', own.url, IMPATIENT)
    const queue = newQueue()
    await store.work(queue, [], 1)
    store.wait(queue)
    const admin = await own.client()
    await waitFor(async () => /name=\S*queues\S* .*cmd=xreadgroup/.test(String(await admin.client('LIST'))))
    await own.restart()
    await recorder.untilOver()
    expect(recorder.ends).toEqual([{ stream: queue.stream, isUnsure: true }])
    await eventually(() => expect(told.reasons.at(-1)).toBeUndefined(), { timeoutMs: 10_000 })
    recorder.clear()
    expect(await store.work(queue, [], 1)).toEqual([])
    store.wait(queue)
    await admin.xadd(queue.stream, '*', 'body', 'x')
    await recorder.untilOver()
    const arrived = recorder.arrivals.flatMap(({ entries }) => bodiesOf(entries))
    expect([...arrived, ...(await takeBodies(store, queue))]).toEqual(['x'])
  })

  it.each([
    ['and nothing more', false],
    ['and those that need not be', true],
  ])('work with the rights that docs/operations.md says, %s', async (_what, isMore) => {
    const own = await redisForTest()
    const admin = await own.client()
    const docs = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
    const rights = /need `(~queue:\S* [^`]+)`, and\s+`([^`]+)`/.exec(docs)!.slice(1).join(' ').split(/\s+/)
    const more = isMore ? ['+client|id', '+client|unblock', '+scan'] : []
    const plain = ['on', '>pw', '-@all', 'resetchannels', '&stomp-bridge:*', '+subscribe', '+publish', '+ping', '+role']
    await admin.call('ACL', 'SETUSER', 'small', ...plain, ...rights, ...more)
    const { store, recorder } = await node('a', own.url.replace('redis://', 'redis://small:pw@'))
    const queue = newQueue({ maxDeliveries: 1 })
    for (const body of ['x', 'y', 'z']) await admin.xadd(queue.stream, '*', 'body', body)
    await store.renew(queue, 1, true)
    const [x, y, z] = await store.work(queue, [], 3)
    await store.work(queue, [x!.id], 0)
    expect(await store.giveBack(queue, [y!.id], 'nack')).toBe(1)
    await store.giveBack(queue, [z!.id], undefined)
    expect(await store.counts(queue)).toEqual({ ready: 1, pending: 0, consumers: 1, dead: 1 })
    expect(bodiesOf((await store.peek(queue, true, 1)).entries)).toEqual(['y'])
    expect(await store.redrive(queue)).toBe(1)
    expect(await store.purge(queue, false)).toBe(2)
    expect(await store.held(queue)).toEqual([])
    if (isMore) expect(await store.streams()).toContain(queue.stream)
    else await expect(store.streams()).rejects.toMatchObject({ name: 'BusRefusedError' })
    store.wait(queue)
    store.endWait(queue)
    await recorder.untilOver()
    expect(recorder.ends).toEqual([{ stream: queue.stream, isUnsure: false }])
    await store.leave(queue)
  })

  it('wait also where no command may be ended', async () => {
    const own = await redisForTest({ args: ['--rename-command', 'CLIENT', ''] })
    const { store, recorder } = await node('a', own.url)
    const [queue, other] = [newQueue(), newQueue()]
    await store.work(queue, [], 1)
    await store.work(other, [], 1)
    store.wait(queue)
    const admin = await own.client()
    await admin.xadd(other.stream, '*', 'body', 'x')
    store.wait(other)
    await recorder.untilOver()
    store.endWait(queue)
    await recorder.untilOver(2)
    expect(recorder.arrivals.map(({ stream }) => stream)).toEqual([other.stream])
    expect(recorder.ends).toEqual([{ stream: queue.stream, isUnsure: false }])
  })
})
