/** What every log promises of messages that are added to work queues: one suite, run on each implementation. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BusUnavailableError, QueueFullError, type Bus } from '../../src/bus/bus.ts'
import type { HistoryLog, LoggedMessage } from '../../src/history/log.ts'
import type { Recorder } from '../bus/recorder.ts'

export interface EnqueueUnderTest {
  readonly bus: Bus
  readonly log: HistoryLog
  readonly recorder: Recorder
  /** What a stream holds: the fields of each entry, as text. */
  entries(stream: string): Promise<readonly Readonly<Record<string, string>>[]>
  /** The oldest is done. */
  removeOldest(stream: string): Promise<unknown>
  stop(): Promise<unknown>
}

let names = 0

export function enqueueContract(name: string, create: () => Promise<EnqueueUnderTest>): void {
  describe(`${name}: a log that adds to queues`, () => {
    let subject: EnqueueUnderTest
    let log: HistoryLog
    let stream: string
    beforeEach(async () => {
      subject = await create()
      log = subject.log
      stream = `queue:enqueued${++names}`
      await subject.bus.subscribe('topic')
    })
    afterEach(() => subject.stop())

    const message = (body: string | Uint8Array, maxLength = 3, channel = stream): LoggedMessage => ({
      channel,
      payload: body,
      entry: { maxLength, isQueue: true, groups: [], fields: [['body', undefined]] },
    })
    const bodies = async (of = stream): Promise<(string | undefined)[]> =>
      (await subject.entries(of)).map(({ body }) => body)
    const published = async (): Promise<string[]> => {
      await log.publish([{ channel: 'topic', payload: 'end' }])
      await subject.recorder.until(() => subject.recorder.texts('topic').includes('end'))
      return subject.recorder.texts('topic').slice(0, -1)
    }

    it('adds in order, with all fields', async () => {
      const { entry } = message('')
      const fields = [['body', undefined] as const, ['content-type', 'text/x'] as const]
      await log.publish([{ channel: stream, payload: 'one', entry: { ...entry!, fields } }])
      await Promise.all(['two', 'three'].map((body) => log.publish([message(body)])))
      expect(await subject.entries(stream)).toEqual([
        { body: 'one', 'content-type': 'text/x' },
        { body: 'two' },
        { body: 'three' },
      ])
    })

    it('refuses what does not fit in, and takes it when there is room', async () => {
      for (const body of ['1', '2', '3']) await log.publish([message(body)])
      await expect(log.publish([message('4')])).rejects.toBeInstanceOf(QueueFullError)
      await expect(log.publish([message('4')])).rejects.toBeInstanceOf(QueueFullError)
      expect(await bodies()).toEqual(['1', '2', '3'])
      await subject.removeOldest(stream)
      await log.publish([message('4')])
      expect(await bodies()).toEqual(['2', '3', '4'])
    })

    it('does all of what goes together, or nothing', async () => {
      const other = `${stream}:other`
      const value = { channel: 'topic', payload: 'set', valueTtlSeconds: 10 }
      await log.publish([message('1'), { channel: 'topic', payload: 'a' }, message('x', 3, other), message('2')])
      await expect(
        log.publish([{ channel: 'topic', payload: 'b' }, value, message('y', 3, other), message('3'), message('4')]),
      ).rejects.toBeInstanceOf(QueueFullError)
      expect([await bodies(), await bodies(other), await published()]).toEqual([['1', '2'], ['x'], ['a']])
      expect(await log.value('topic')).toBeUndefined()
    })

    it('holds no more than it may, whatever comes at once', async () => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, (_, i) =>
          log.publish(i % 2 ? [message(String(i))] : [{ channel: 'topic', payload: String(i) }, message(String(i))]),
        ),
      )
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
      expect(await bodies()).toHaveLength(3)
    })

    it('adds once what has a name, and remembers no name of what was refused', async () => {
      const once = { ...message('1'), once: `${stream}-a` }
      for (let i = 0; i < 3; i++) await log.publish([once])
      await log.publish([message('2'), { ...message('again'), once: once.once }])
      expect(await bodies()).toEqual(['1', '2'])
      await log.publish([message('3')])
      const late = { ...message('4'), once: `${stream}-b` }
      await expect(log.publish([late])).rejects.toBeInstanceOf(QueueFullError)
      // It is there already, and needs no room.
      await log.publish([once])
      await subject.removeOldest(stream)
      await log.publish([late])
      await log.publish([late])
      expect(await bodies()).toEqual(['2', '3', '4'])
    })

    it('has what comes next in its own copy', async () => {
      const octets = new TextEncoder().encode('mine')
      const done = log.publish([message(octets)])
      await done
      octets.fill(0)
      expect(await bodies()).toEqual(['mine'])
    })

    it('refuses when it is closed', async () => {
      await subject.bus.close()
      await expect(log.publish([message('1')])).rejects.toBeInstanceOf(BusUnavailableError)
    })
  })
}
