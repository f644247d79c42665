/** What every store of queues promises: one suite, run on each implementation. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  PEEK_BYTES,
  streamOf,
  type Queue,
  type QueueEntry,
  type QueueRule,
  type QueueStore,
} from '../../src/queue/queue.ts'
import { QueueRecorder } from './queue-recorder.ts'

/** A started store, which tells `recorder`. */
export interface QueuesUnderTest {
  readonly store: QueueStore
  readonly recorder: QueueRecorder
  /** Adds messages, in order, as whoever sends does. */
  add(queue: Queue, ...bodies: readonly string[]): Promise<void>
  /** What uses it cannot any more. */
  close(): Promise<unknown>
  stop(): Promise<unknown>
}

let names = 0

/** A queue that no other test has. */
export function newQueue(rule: Partial<QueueRule> = {}): Queue {
  const destination = `/queue/n${++names}`
  return {
    destination,
    stream: streamOf(destination),
    rule: { destination: '/queue/**', maxDeliveries: 3, visibilitySeconds: 30, maxLength: 1000, ...rule },
  }
}

export function textOf({ fields }: QueueEntry, name = 'body'): string | undefined {
  const octets = fields.get(name)
  return octets && new TextDecoder().decode(octets)
}

export function bodiesOf(entries: readonly QueueEntry[]): (string | undefined)[] {
  return entries.map((entry) => textOf(entry))
}

export function idsOf(entries: readonly QueueEntry[]): string[] {
  return entries.map(({ id }) => id)
}

export function queueContract(name: string, create: (recorder: QueueRecorder) => Promise<QueuesUnderTest>): void {
  describe(`${name}: a store of queues`, () => {
    let subject: QueuesUnderTest
    let store: QueueStore
    let recorder: QueueRecorder
    let queue: Queue

    beforeEach(async () => {
      recorder = new QueueRecorder()
      subject = await create(recorder)
      store = subject.store
      queue = newQueue()
    })
    afterEach(() => subject.stop())

    const add = (...bodies: readonly string[]): Promise<void> => subject.add(queue, ...bodies)
    const take = (wanted: number) => store.work(queue, [], wanted)
    const takeBodies = async (wanted: number) => bodiesOf(await take(wanted))

    describe('taking', () => {
      it('gives as many as are wanted, oldest first, each once', async () => {
        await add('a', 'b', 'c', 'd')
        expect(await takeBodies(0)).toEqual([])
        expect(await takeBodies(3)).toEqual(['a', 'b', 'c'])
        expect(await takeBodies(3)).toEqual(['d'])
        expect(await takeBodies(3)).toEqual([])
      })

      it('gives what was added before anybody knew the queue, with all its fields as octets', async () => {
        await add('ü')
        const [entry] = await take(1)
        expect([...entry!.fields.keys()]).toEqual(['body'])
        expect([...entry!.fields.get('body')!]).toEqual([0xc3, 0xbc])
        expect(entry).toMatchObject({ id: expect.stringMatching(/^\d+-\d+$/) as string, deliveries: 1 })
      })

      it('gives ids that rise', async () => {
        await add('a', 'b', 'c')
        const keys = idsOf(await take(3)).map((id) => id.split('-').map(Number) as [number, number])
        const sorted = [...keys].sort((x, y) => x[0] - y[0] || x[1] - y[1])
        expect(keys).toEqual(sorted)
        expect(new Set(keys.map(String)).size).toBe(3)
      })

      it('gives many at once', async () => {
        const bodies = Array.from({ length: 300 }, (_, i) => String(i))
        await add(...bodies)
        expect(await takeBodies(300)).toEqual(bodies)
      })

      it('keeps queues apart', async () => {
        const other = newQueue()
        await add('a')
        await subject.add(other, 'b')
        expect(bodiesOf(await store.work(other, [], 9))).toEqual(['b'])
        expect(await takeBodies(9)).toEqual(['a'])
      })

      it('gives nothing of a queue that is not there', async () => {
        expect(await take(5)).toEqual([])
        await add('a')
        expect(await takeBodies(5)).toEqual(['a'])
      })
    })

    describe('settling', () => {
      it('deletes what was taken, and nothing else', async () => {
        await add('a', 'b', 'c')
        const [a, b] = await take(2)
        await store.work(queue, [a!.id], 0)
        expect(await store.held(queue)).toEqual([b!.id])
        expect(await store.counts(queue)).toMatchObject({ ready: 1, pending: 1 })
      })

      it('takes in the same step', async () => {
        await add('a', 'b', 'c')
        const taken = await take(1)
        expect(bodiesOf(await store.work(queue, idsOf(taken), 5))).toEqual(['b', 'c'])
        expect(await store.held(queue)).toHaveLength(2)
      })

      it('ignores what was settled before, was never taken, was given back, or is no id', async () => {
        await add('a', 'b', 'c')
        const [a, b] = await take(2)
        await store.work(queue, [a!.id, a!.id], 0)
        await store.giveBack(queue, [b!.id], undefined)
        const [c] = (await store.peek(queue, false, 9)).entries.slice(1)
        await store.work(queue, [a!.id, b!.id, c!.id, '0-1', 'no id', ''], 0)
        expect(await takeBodies(9)).toEqual(['b', 'c'])
      })
    })

    describe('giving back', () => {
      it('puts it in front of what is new, in its old order', async () => {
        await add('a', 'b', 'c', 'd')
        const taken = await take(3)
        await store.giveBack(queue, [taken[2]!.id], undefined)
        await store.giveBack(queue, [taken[0]!.id], 'nack')
        expect(await takeBodies(1)).toEqual(['a'])
        expect(await takeBodies(5)).toEqual(['c', 'd'])
      })

      it('counts how often it was given to somebody', async () => {
        await add('a', 'b')
        for (const deliveries of [1, 2, 3]) {
          const [a] = await take(1)
          expect(a).toMatchObject({ deliveries })
          await store.giveBack(queue, [a!.id], undefined)
        }
        expect((await take(2)).map(({ deliveries }) => deliveries)).toEqual([4, 1])
      })

      it('ignores what is not held', async () => {
        await add('a', 'b')
        const [a] = await take(1)
        await store.work(queue, [a!.id], 0)
        const [b] = (await store.peek(queue, false, 1)).entries
        for (let i = 0; i < 5; i++) expect(await store.giveBack(queue, [a!.id, b!.id, '0-1', 'x'], 'nack')).toBe(0)
        expect(await take(5)).toMatchObject([{ id: b!.id, deliveries: 1 }])
      })

      it('counts twice nothing that is given back twice', async () => {
        await add('a')
        const [a] = await take(1)
        for (let i = 0; i < 5; i++) expect(await store.giveBack(queue, [a!.id], 'nack')).toBe(0)
        expect(await take(1)).toHaveLength(1)
      })

      it('buries what has failed too often, and not what only came back', async () => {
        await add('a')
        for (const [failure, dead] of [
          ['nack', 0],
          [undefined, 0],
          [undefined, 0],
          ['timeout', 0],
          [undefined, 0],
          ['nack', 1],
        ] as const) {
          const [a] = await take(1)
          expect(await store.giveBack(queue, [a!.id], failure)).toBe(dead)
        }
        expect(await take(1)).toEqual([])
        expect(await store.counts(queue)).toMatchObject({ ready: 0, pending: 0, dead: 1 })
        const [dead] = (await store.peek(queue, true, 5)).entries
        expect([textOf(dead!), textOf(dead!, 'reason')]).toEqual(['a', 'nack'])
      })

      it.each(['nack', 'timeout', 'unreadable'] as const)('says why it is dead: %s', async (failure) => {
        const once = newQueue({ maxDeliveries: 1 })
        await subject.add(once, 'a')
        const [a] = await store.work(once, [], 1)
        expect(await store.giveBack(once, [a!.id], failure)).toBe(1)
        expect((await store.peek(once, true, 5)).entries.map((entry) => textOf(entry, 'reason'))).toEqual([failure])
      })

      it('buries at once what is unreadable', async () => {
        await add('a', 'b')
        const [a, b] = await take(2)
        expect(await store.giveBack(queue, [a!.id], 'unreadable')).toBe(1)
        expect(await store.held(queue)).toEqual([b!.id])
      })

      it('holds so many dead ones and no more, and loses the oldest', async () => {
        const small = newQueue({ maxDeliveries: 1, maxLength: 3 })
        for (let i = 0; i < 20; i += 2) {
          await subject.add(small, String(i), String(i + 1))
          await store.giveBack(small, idsOf(await store.work(small, [], 2)), 'nack')
          expect((await store.counts(small)).dead).toBe(i === 0 ? 2 : 3)
        }
        expect(bodiesOf((await store.peek(small, true, 9)).entries)).toEqual(['17', '18', '19'])
      })

      it('takes a thousand at once', async () => {
        await add(...Array.from({ length: 1000 }, (_, i) => String(i)))
        expect(await store.giveBack(queue, idsOf(await take(1000)), undefined)).toBe(0)
        expect(await takeBodies(2)).toEqual(['0', '1'])
        expect(await store.counts(queue)).toMatchObject({ ready: 998, pending: 2 })
      })
    })

    describe('renewing', () => {
      it('tells whether something is there that was given back', async () => {
        await add('a')
        expect(await store.renew(queue, 1, true)).toBe(false)
        const [a] = await take(1)
        expect(await store.renew(queue, 1, true)).toBe(false)
        await store.giveBack(queue, [a!.id], undefined)
        expect(await store.renew(queue, 1, true)).toBe(true)
      })

      it('takes nothing away from a node that lives', async () => {
        await add('a')
        const [a] = await take(1)
        for (let i = 0; i < 3; i++) await store.renew(queue, 1, true)
        expect(await store.held(queue)).toEqual([a!.id])
      })

      it('says how many consumers there are, until it leaves', async () => {
        for (const consumers of [3, 0, 2]) {
          await store.renew(queue, consumers, true)
          expect(await store.counts(queue)).toMatchObject({ consumers })
        }
        await store.leave(queue)
        expect(await store.counts(queue)).toMatchObject({ consumers: 0 })
      })

      it('leaves a queue alone that holds something', async () => {
        await add('a')
        await store.renew(queue, 1, true)
        await store.leave(queue)
        await store.leave(newQueue())
        expect(await takeBodies(1)).toEqual(['a'])
      })

      it('keeps what it holds when it leaves', async () => {
        await add('a')
        const [a] = await take(1)
        await store.leave(queue)
        expect(await store.held(queue)).toEqual([a!.id])
        await store.work(queue, [a!.id], 0)
        expect(await store.counts(queue)).toMatchObject({ ready: 0, pending: 0 })
      })
    })

    describe('waiting', () => {
      /** Takes whatever there is, as a node does when a wait is over. */
      const arrivedOrTaken = async (): Promise<(string | undefined)[]> => {
        const arrived = recorder.arrivals.flatMap(({ entries }) => bodiesOf(entries))
        return [...arrived, ...(await takeBodies(10))]
      }

      it('ends when something is added', async () => {
        await take(1)
        store.wait(queue)
        await add('a')
        await recorder.untilOver()
        expect(await arrivedOrTaken()).toEqual(['a'])
        expect(await store.held(queue)).toHaveLength(1)
        for (const { entries } of recorder.arrivals) expect(entries[0]).toMatchObject({ deliveries: 1 })
      })

      it('ends when something was there already', async () => {
        await take(1)
        await add('a')
        store.wait(queue)
        await recorder.untilOver()
        expect(await arrivedOrTaken()).toEqual(['a'])
      })

      it('ends when it is told to, once, and then nothing is taken', async () => {
        await take(1)
        store.wait(queue)
        store.endWait(queue)
        store.endWait(queue)
        await recorder.untilOver()
        expect(recorder.ends).toEqual([{ stream: queue.stream, isUnsure: false }])
        await add('a')
        expect(await takeBodies(1)).toEqual(['a'])
        expect(recorder.count).toBe(1)
      })

      it('tells nobody that nobody waits', async () => {
        await take(1)
        store.endWait(queue)
        await add('a')
        store.wait(queue)
        await recorder.untilOver()
        expect(recorder.count).toBe(1)
      })

      it('tells each queue of its own, in a later turn', async () => {
        const queues = [newQueue(), newQueue(), newQueue()]
        for (const each of queues) {
          await store.work(each, [], 1)
          store.wait(each)
        }
        expect(recorder.count).toBe(0)
        await subject.add(queues[1]!, 'a')
        await recorder.untilOver()
        expect([...recorder.arrivals, ...recorder.ends].map(({ stream }) => stream)).toEqual([queues[1]!.stream])
        store.endWait(queues[0]!)
        store.endWait(queues[2]!)
        await recorder.untilOver(3)
        expect(new Set(recorder.ends.map(({ stream }) => stream))).toContain(queues[0]!.stream)
      })

      it('can begin again and again', async () => {
        await take(1)
        const came: (string | undefined)[] = []
        for (let i = 0; i < 20; i++) {
          store.wait(queue)
          if (i % 3 === 0) store.endWait(queue)
          await add(String(i))
          await recorder.untilOver()
          came.push(...(await arrivedOrTaken()))
          recorder.clear()
        }
        expect(came).toEqual(Array.from({ length: 20 }, (_, i) => String(i)))
      })
    })

    describe('for operators', () => {
      it('counts', async () => {
        expect(await store.counts(queue)).toEqual({ ready: 0, pending: 0, consumers: 0, dead: 0 })
        await add('a', 'b', 'c', 'd', 'e')
        expect(await store.counts(queue)).toMatchObject({ ready: 5, pending: 0 })
        const taken = await take(4)
        await store.giveBack(queue, [taken[0]!.id], undefined)
        await store.giveBack(queue, [taken[1]!.id], 'unreadable')
        await store.renew(queue, 7, true)
        expect(await store.counts(queue)).toEqual({ ready: 2, pending: 2, consumers: 7, dead: 1 })
      })

      it('counts nothing into being', async () => {
        await store.counts(queue)
        await store.peek(queue, false, 5)
        await store.peek(queue, true, 5)
        expect(await store.redrive(queue)).toBe(0)
        expect(await store.purge(queue, false)).toBe(0)
        expect(await store.purge(queue, true)).toBe(0)
        expect(await store.streams()).not.toContain(queue.stream)
      })

      it('looks into a queue: what came back, then what is new; nothing that somebody works on', async () => {
        await add('a', 'b', 'c', 'd')
        const taken = await take(3)
        await store.giveBack(queue, [taken[1]!.id], undefined)
        expect(bodiesOf((await store.peek(queue, false, 10)).entries)).toEqual(['b', 'd'])
        expect(bodiesOf((await store.peek(queue, false, 1)).entries)).toEqual(['b'])
        expect(await takeBodies(10)).toEqual(['b', 'd'])
      })

      it('says whether there is more than it shows', async () => {
        expect((await store.peek(queue, false, 1)).hasMore).toBe(false)
        await add('a', 'b', 'c')
        await store.giveBack(queue, idsOf(await take(1)), undefined)
        const shown = [1, 2, 3, 4].map(async (count) => (await store.peek(queue, false, count)).hasMore)
        expect(await Promise.all(shown)).toEqual([true, true, false, false])
        await store.giveBack(queue, idsOf(await take(2)), 'unreadable')
        const dead = [1, 2, 3].map(async (count) => (await store.peek(queue, true, count)).hasMore)
        expect(await Promise.all(dead)).toEqual([true, false, false])
      })

      it('shows a megabyte at most, but one message however long it is', async () => {
        const half = 'x'.repeat(PEEK_BYTES / 2 - 100)
        await add(half, half, half, 'y'.repeat(PEEK_BYTES * 2), half)
        const lengths = async (isDead: boolean): Promise<unknown> => {
          const { entries, hasMore } = await store.peek(queue, isDead, 1000)
          return [entries.map((entry) => textOf(entry)!.length), hasMore]
        }
        expect(await lengths(false)).toEqual([[half.length, half.length], true])
        const taken = await take(4)
        await store.giveBack(queue, [taken[3]!.id], undefined)
        expect(await lengths(false)).toEqual([[PEEK_BYTES * 2], true])
        await store.giveBack(queue, idsOf(taken), 'unreadable')
        expect(await lengths(true)).toEqual([[half.length, half.length], true])
      })

      it('puts back and purges all, however long they are', async () => {
        const bodies = Array.from({ length: 11 }, (_, i) => String(i).padEnd(1_000_000))
        await add(...bodies)
        await store.giveBack(queue, idsOf(await take(11)), 'unreadable')
        expect(await store.redrive(queue)).toBe(11)
        expect(await store.counts(queue)).toMatchObject({ ready: 11, dead: 0 })
        expect((await takeBodies(1))[0]).toBe(bodies[0])
        expect(await store.purge(queue, false)).toBe(10)
      })

      it('puts dead ones back at the end, oldest first, as if they were new', async () => {
        await add('a', 'b')
        const once = { ...queue, rule: { ...queue.rule, maxDeliveries: 1 } }
        await store.giveBack(once, idsOf(await take(2)), 'nack')
        await add('c')
        expect(await store.redrive(queue)).toBe(2)
        expect(await store.counts(queue)).toMatchObject({ ready: 3, dead: 0 })
        const taken = await take(5)
        expect(bodiesOf(taken)).toEqual(['c', 'a', 'b'])
        expect(taken.map(({ deliveries, fields }) => [deliveries, [...fields.keys()]])).toEqual(
          taken.map(() => [1, ['body']]),
        )
        // They are counted from the beginning.
        expect(await store.giveBack(queue, idsOf(taken), 'nack')).toBe(0)
      })

      it('puts back no more dead ones than there is room for', async () => {
        const small = newQueue({ maxDeliveries: 1, maxLength: 3 })
        await subject.add(small, 'a', 'b', 'c')
        await store.giveBack(small, idsOf(await store.work(small, [], 3)), 'nack')
        await subject.add(small, 'd')
        const held = await store.work(small, [], 1)
        expect(await store.redrive(small)).toBe(2)
        expect(await store.counts(small)).toMatchObject({ ready: 2, pending: 1, dead: 1 })
        expect(await store.redrive(small)).toBe(0)
        await store.work(small, idsOf(held), 0)
        expect(await store.redrive(small)).toBe(1)
        expect(bodiesOf(await store.work(small, [], 5))).toEqual(['a', 'b', 'c'])
      })

      it('wakes who waits when dead ones come back', async () => {
        const once = { ...queue, rule: { ...queue.rule, maxDeliveries: 1 } }
        await add('a')
        await store.giveBack(once, idsOf(await take(1)), 'nack')
        store.wait(queue)
        await store.redrive(queue)
        await recorder.untilOver()
        expect(await store.counts(queue)).toMatchObject({ dead: 0 })
      })

      it('purges what nobody works on', async () => {
        await add('a', 'b', 'c', 'd')
        const taken = await take(3)
        await store.giveBack(queue, [taken[1]!.id], undefined)
        expect(await store.purge(queue, false)).toBe(2)
        expect(await store.counts(queue)).toMatchObject({ ready: 0, pending: 2, dead: 0 })
        expect(await takeBodies(5)).toEqual([])
        await add('e')
        expect(await takeBodies(5)).toEqual(['e'])
        expect(await store.held(queue)).toEqual([taken[0]!.id, taken[2]!.id, expect.any(String)])
      })

      it('purges the dead', async () => {
        await add('a', 'b')
        const [a] = await take(1)
        await store.giveBack(queue, [a!.id], 'unreadable')
        expect(await store.purge(queue, true)).toBe(1)
        expect(await store.counts(queue)).toMatchObject({ ready: 1, dead: 0 })
      })

      it('purges all, also where more is held than may be', async () => {
        const small = newQueue({ maxLength: 10 })
        await subject.add(small, ...Array.from({ length: 1300 }, (_, i) => String(i)))
        expect(await store.purge(small, false)).toBe(1300)
        expect(await store.counts(small)).toMatchObject({ ready: 0 })
      })

      it('finds the streams', async () => {
        await add('a')
        const other = newQueue()
        await subject.add(other, 'b')
        await store.giveBack(other, idsOf(await store.work(other, [], 1)), 'unreadable')
        const streams = await store.streams()
        expect(streams).toEqual(expect.arrayContaining([queue.stream, `${other.stream}:dead`]))
        expect(new Set(streams).size).toBe(streams.length)
      })
    })

    it('refuses everything once what it is on is closed', async () => {
      await add('a')
      await subject.close()
      for (const attempt of [
        () => store.renew(queue, 1, true),
        () => store.leave(queue),
        () => take(1),
        () => store.giveBack(queue, ['1-1'], 'nack'),
        () => store.held(queue),
        () => store.counts(queue),
        () => store.streams(),
        () => store.peek(queue, false, 1),
        () => store.redrive(queue),
        () => store.purge(queue, false),
      ])
        await expect(attempt()).rejects.toMatchObject({ name: 'BusUnavailableError' })
    })
  })
}
