/** What every log promises: one suite, run on each implementation. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Bus } from '../../src/bus/bus.ts'
import {
  numberOf,
  timeOf,
  type HistoryLog,
  type LogPage,
  type LogTarget,
  type ReadFrom,
} from '../../src/history/log.ts'
import { compareOffsets } from '../../src/position.ts'
import type { Recorder } from '../bus/recorder.ts'

/** A started bus with its log. */
export interface LogUnderTest {
  readonly bus: Bus
  readonly log: HistoryLog
  readonly recorder: Recorder
  /** What is kept of this destination expires. */
  expire(destination: string): Promise<unknown> | void
  stop(): Promise<unknown>
}

const CHANNEL = 'BROADCAST'

interface Kept {
  readonly message: string
  readonly offset: string
  readonly epoch: string
  readonly previous: string
}

/** Where implementations may differ. */
export interface LogDifferences {
  /** Comes what is published together in the order in which it was given, also what belongs to different destinations? */
  readonly isOrderedOverAll: boolean
}

export function logContract(
  name: string,
  create: () => Promise<LogUnderTest>,
  { isOrderedOverAll }: LogDifferences = { isOrderedOverAll: true },
): void {
  describe(`${name}: a log`, () => {
    let subject: LogUnderTest
    let log: HistoryLog
    const target: LogTarget = { destination: '/topic/a', size: 5, ttlSeconds: 100 }

    beforeEach(async () => {
      subject = await create()
      log = subject.log
      await subject.bus.subscribe(CHANNEL)
    })
    afterEach(() => subject.stop())

    const publish = (message: string, to: LogTarget = target): Promise<void> =>
      log.publish([{ channel: CHANNEL, payload: JSON.stringify({ message }), target: to }])

    async function publishAll(count: number, to: LogTarget = target): Promise<void> {
      for (let i = 1; i <= count; i++) await publish(`m${i}`, to)
    }

    const read = (from: ReadFrom, more: object = {}): Promise<LogPage | undefined> =>
      log.read(target.destination, { from, maxEntries: 1000, maxLength: 1_000_000, ...more })

    /** Of what is held. */
    async function all(): Promise<LogPage> {
      return (await read({ kind: 'oldest' }))!
    }

    const bodies = (page: LogPage | undefined): string[] =>
      (page?.entries ?? []).map(({ payload }) => (JSON.parse(payload) as Kept).message)

    async function arrived(count: number): Promise<Kept[]> {
      return (await payloads(count)).map((payload) => JSON.parse(payload) as Kept)
    }

    async function payloads(count: number): Promise<string[]> {
      await subject.recorder.untilReceived(count)
      return subject.recorder.texts()
    }

    it('puts into each payload where it is kept, and hands it to the bus', async () => {
      await publishAll(3)
      const kept = await arrived(3)
      expect(kept.map(({ message }) => message)).toEqual(['m1', 'm2', 'm3'])
      expect(kept.map(({ offset }) => numberOf(offset))).toEqual([1, 2, 3])
      expect(new Set(kept.map(({ epoch }) => epoch)).size).toBe(1)
      expect(kept.slice(1).map(({ previous }) => previous)).toEqual(kept.slice(0, 2).map(({ offset }) => offset))
      const page = await all()
      expect(page.entries.map(({ offset, previous }) => [offset, previous])).toEqual(
        kept.map(({ offset, previous }) => [offset, previous]),
      )
      expect(page).toMatchObject({ epoch: kept[0]!.epoch, newest: kept[2]!.offset, before: kept[0]!.previous })
      expect(numberOf(page.before!)).toBe(0)
    })

    it('gives offsets that rise, with the time in them', async () => {
      const before = Date.now() - 5000
      await publishAll(4)
      const { entries } = await all()
      for (const [i, { offset }] of entries.entries()) {
        if (i > 0) expect(compareOffsets(offset, entries[i - 1]!.offset)).toBeGreaterThan(0)
        expect(timeOf(offset)).toBeGreaterThan(before)
        expect(timeOf(offset)).toBeLessThan(Date.now() + 5000)
      }
    })

    it('holds at least as many as it should, and not many more', async () => {
      await publishAll(400)
      const { entries, before } = await all()
      expect(entries.length).toBeGreaterThanOrEqual(5)
      expect(entries.length).toBeLessThanOrEqual(5 + 100)
      expect(bodies(await all()).at(-1)).toBe('m400')
      expect(before).toBe(entries[0]!.previous)
      expect(numberOf(entries[0]!.previous)).toBe(400 - entries.length)
    })

    it('reads what is behind an offset, later than a time, the newest, and what is before', async () => {
      const wide = { ...target, size: 1000 }
      await publishAll(20, wide)
      const { entries } = await all()
      const at = (number: number): string => entries[number - 1]!.offset
      expect(bodies(await read({ kind: 'after', offset: at(17) }))).toEqual(['m18', 'm19', 'm20'])
      expect(bodies(await read({ kind: 'after', offset: at(20) }))).toEqual([])
      expect(bodies(await read({ kind: 'newest', count: 2 }))).toEqual(['m19', 'm20'])
      expect(bodies(await read({ kind: 'newest', count: 500 }))).toHaveLength(20)
      expect(bodies(await read({ kind: 'before', offset: at(3) }))).toEqual(['m1', 'm2'])
      expect(bodies(await read({ kind: 'before', offset: at(20) }, { maxEntries: 3 }))).toEqual(['m17', 'm18', 'm19'])
      expect(bodies(await read({ kind: 'oldest' }, { maxEntries: 3 }))).toEqual(['m1', 'm2', 'm3'])
      expect(bodies(await read({ kind: 'none' }))).toEqual([])
      const [oldest] = (await read({ kind: 'oldest' }))!.entries
      expect((await read({ kind: 'first' }))!.entries).toEqual([{ ...oldest, payload: '' }])
      const ms = timeOf(at(10))
      const later = entries
        .filter(({ offset }) => timeOf(offset) > ms)
        .map(({ payload }) => (JSON.parse(payload) as Kept).message)
      expect(bodies(await read({ kind: 'later', thanMs: ms }))).toEqual(later)
      expect(bodies(await read({ kind: 'later', thanMs: 0 }))).toHaveLength(20)
      expect(bodies(await read({ kind: 'later', thanMs: Date.now() + 60_000 }))).toEqual([])
    })

    it('finds the newest among many of many moments', async () => {
      const wide = { ...target, size: 1000 }
      for (let i = 1; i <= 60; i++) {
        await publish(`m${i}`, wide)
        if (i % 7 === 0) nextMillisecond()
      }
      for (let count = 1; count <= 60; count++) {
        expect(bodies(await read({ kind: 'newest', count }))[0]).toBe(`m${61 - count}`)
      }
    })

    it('ends a page when it is long enough, but never before its first entry', async () => {
      const long = 'x'.repeat(1000)
      for (let i = 0; i < 5; i++) await publish(long)
      expect(bodies(await read({ kind: 'oldest' }, { maxLength: 10 }))).toHaveLength(1)
      expect(bodies(await read({ kind: 'oldest' }, { maxLength: 2500 }))).toHaveLength(3)
    })

    it('forgets its entries a while after the last one, but not where it was', async () => {
      await publishAll(2)
      const { epoch, newest, expiresInMs } = await all()
      expect(expiresInMs).toBeGreaterThan(target.ttlSeconds * 1000 - 5000)
      expect(expiresInMs).toBeLessThanOrEqual(target.ttlSeconds * 1000)
      await subject.expire(target.destination)
      const page = (await read({ kind: 'oldest' }))!
      expect(page).toMatchObject({ epoch, newest, before: undefined, entries: [] })
      await publish('next')
      const next = await all()
      expect(next.epoch).toBe(epoch)
      expect(numberOf(next.newest)).toBe(3)
      expect(next.entries[0]!.previous).toBe(newest)
    })

    it('is not there before the first message, unless it is begun', async () => {
      expect(await read({ kind: 'none' })).toBeUndefined()
      const begun = (await read({ kind: 'none' }, { beginForSeconds: 100 }))!
      expect(begun).toMatchObject({ before: undefined, entries: [] })
      expect(numberOf(begun.newest)).toBe(0)
      await publish('first')
      const page = await all()
      expect(page.epoch).toBe(begun.epoch)
      expect(page.before).toBe(begun.newest)
    })

    it('has another epoch when it was cleared, and goes on', async () => {
      await publishAll(3)
      const before = await all()
      const position = await log.clear(target.destination, 100)
      const after = (await read({ kind: 'oldest' }))!
      expect(after).toMatchObject({ epoch: position.epoch, newest: before.newest, before: undefined, entries: [] })
      expect(after.epoch).not.toBe(before.epoch)
      await publish('next')
      expect(numberOf((await all()).newest)).toBe(4)
    })

    it('publishes some that are kept and some that are not, in order', async () => {
      await subject.bus.subscribe('plain')
      await log.publish([
        { channel: CHANNEL, payload: '{"message":"a"}', target },
        { channel: 'plain', payload: 'b' },
        { channel: CHANNEL, payload: '{"message":"c"}', target: { ...target, destination: '/topic/other' } },
        { channel: CHANNEL, payload: '{"message":"d"}', target },
      ])
      const came = (await payloads(4)).map((each) => (each === 'b' ? 'b' : (JSON.parse(each) as Kept).message))
      expect(isOrderedOverAll ? came : came.toSorted()).toEqual(['a', 'b', 'c', 'd'])
      expect(came.filter((each) => each === 'a' || each === 'd')).toEqual(['a', 'd'])
      expect(bodies(await all())).toEqual(['a', 'd'])
      const other = await log.read('/topic/other', { from: { kind: 'oldest' }, maxEntries: 10, maxLength: 1000 })
      expect(bodies(other)).toEqual(['c'])
      expect(other!.epoch).not.toBe((await all()).epoch)
    })

    it('publishes once what has a name, whether it is kept or not', async () => {
      const kept = { channel: CHANNEL, payload: '{"message":"kept"}', target, once: 'k' }
      const plain = { channel: CHANNEL, payload: 'plain', once: 'p' }
      await log.publish([kept])
      await log.publish([kept, plain])
      await log.publish([plain])
      await publish('end')
      const came = (await payloads(3)).map((each) => (each === 'plain' ? each : (JSON.parse(each) as Kept).message))
      expect(isOrderedOverAll ? came : came.toSorted()).toEqual(
        isOrderedOverAll ? ['kept', 'plain', 'end'] : ['end', 'kept', 'plain'],
      )
      expect(came.filter((each) => each !== 'plain')).toEqual(['kept', 'end'])
      expect(bodies(await all())).toEqual(['kept', 'end'])
    })

    it('sets the key of a channel together with the publish, for a while', async () => {
      const message = { channel: CHANNEL, payload: 'newest', valueTtlSeconds: 100 }
      expect(await log.value(CHANNEL)).toBeUndefined()
      await log.publish([message, { ...message, payload: Uint8Array.of(0, 255), once: 'v' }])
      await log.publish([{ ...message, payload: 'again', once: 'v' }])
      expect([...(await log.value(CHANNEL))!]).toEqual([0, 255])
      await subject.recorder.untilReceived(2)
      expect(subject.recorder.received.map(({ payload }) => [...payload])).toEqual([
        [...Buffer.from('newest')],
        [0, 255],
      ])
    })

    it('records what came without it, with its source', async () => {
      const unrecorded = ['a', 'b'].map((message) => ({
        payload: JSON.stringify({ message }),
        source: `of-${message}`,
      }))
      expect(await log.record(CHANNEL, target, unrecorded, 0)).toEqual({ kind: 'recorded', recorded: 2 })
      const recorded = (await arrived(2)) as (Kept & { source: string })[]
      expect(recorded.map(({ message, source }) => [message, source])).toEqual([
        ['a', 'of-a'],
        ['b', 'of-b'],
      ])
      expect(bodies(await all())).toEqual(['a', 'b'])
      expect((await all()).entries.map(({ offset }) => offset)).toEqual(recorded.map(({ offset }) => offset))
    })
  })
}

/** Returns when the clock shows another one. */
function nextMillisecond(): void {
  const now = Date.now()
  while (Date.now() === now);
}
