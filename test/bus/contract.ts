/** What every bus promises: one suite, run on each implementation. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BusUnavailableError, type Bus } from '../../src/bus/bus.ts'
import { Recorder } from './recorder.ts'

/** A started bus, and a way to publish past it, as another program does. */
export interface BusUnderTest {
  readonly bus: Bus
  publishFromOutside(channel: string, payload: string): Promise<unknown>
  stop(): Promise<unknown>
}

/** Where implementations may differ. */
export interface BusDifferences {
  readonly name: string
  /** Whether what was published before `unsubscribe` in the same turn still arrives: on a network it may. */
  readonly deliversPastUnsubscribe: boolean
  /** What `?` in a pattern stands for. */
  readonly oneOfAPattern: 'character' | 'byte'
  /** The bus is available when `start` returns. */
  readonly isAvailableAtOnce: boolean
}

export function busContract(differences: BusDifferences, create: (recorder: Recorder) => Promise<BusUnderTest>): void {
  describe(`${differences.name}: a bus`, () => {
    let recorder: Recorder
    let bus: Bus
    let subject: BusUnderTest

    beforeEach(async () => {
      recorder = new Recorder()
      subject = await create(recorder)
      bus = subject.bus
    })
    afterEach(() => subject.stop())

    /** When this has come, everything published before has. */
    async function untilEverythingCame(): Promise<void> {
      const channel = 'the-end'
      await bus.subscribe(channel)
      await bus.publish(channel, '')
      await recorder.until(() => recorder.received.some((received) => received.channel === channel))
      recorder.received.splice(recorder.received.findIndex((received) => received.channel === channel))
    }

    it('tells when it is available, and has a description', async () => {
      if (differences.isAvailableAtOnce) expect(recorder.reasons).toEqual([undefined])
      await recorder.untilAvailable()
      expect(bus.unavailableReason).toBeUndefined()
      expect(bus.description).not.toBe('')
    })

    it('delivers what is published on a subscribed channel, and nothing else', async () => {
      await bus.subscribe('a')
      await Promise.all([
        bus.publish('a', 'one'),
        bus.publish('b', 'two'),
        bus.publish('A', 'three'),
        bus.publish('', 'four'),
      ])
      await untilEverythingCame()
      expect(recorder.lines()).toEqual(['a: one'])
    })

    it('delivers in a later turn than publish, never within the call', async () => {
      await bus.subscribe('a')
      const published = bus.publish('a', 'x')
      expect(recorder.received).toEqual([])
      await published
      await recorder.untilReceived(1)
    })

    it('keeps the order of publish, over channels and patterns', async () => {
      await Promise.all([bus.subscribe('a'), bus.psubscribe('b*')])
      const expected = Array.from({ length: 1000 }, (_, i) => `${i}`)
      await Promise.all(expected.map((payload, i) => bus.publish(i % 2 ? 'a' : 'bb', payload)))
      await recorder.untilReceived(1000)
      expect(recorder.texts()).toEqual(expected)
    })

    it('keeps the order of publish over several turns', async () => {
      await bus.subscribe('a')
      const expected = Array.from({ length: 300 }, (_, i) => `${i}`)
      const published: Promise<unknown>[] = []
      for (const payload of expected) {
        published.push(bus.publish('a', payload))
        if (Number(payload) % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      await Promise.all(published)
      await recorder.untilReceived(300)
      expect(recorder.texts()).toEqual(expected)
    })

    it('delivers once per way of subscription, the exact copy first', async () => {
      await Promise.all([bus.psubscribe('a*'), bus.subscribe('ab'), bus.psubscribe('*b')])
      await bus.publish('ab', '1')
      await bus.publish('ab', '2')
      await recorder.untilReceived(6)
      const copies = recorder.lines()
      for (const [payload, three] of [
        ['1', copies.slice(0, 3)],
        ['2', copies.slice(3)],
      ] as const) {
        expect(three[0]).toBe(`ab: ${payload}`)
        expect(three.slice(1).sort()).toEqual([`ab: ${payload} (*b)`, `ab: ${payload} (a*)`])
      }
    })

    it('delivers one copy to a channel or pattern that was subscribed twice', async () => {
      await Promise.all([bus.subscribe('a'), bus.subscribe('a'), bus.psubscribe('b*'), bus.psubscribe('b*')])
      await Promise.all([bus.publish('a', '1'), bus.publish('b', '2')])
      await untilEverythingCame()
      expect(recorder.lines()).toEqual(['a: 1', 'b: 2 (b*)'])
    })

    it('is live when subscribe resolves: what others publish right after arrives', async () => {
      for (let i = 0; i < 50; i++) {
        await (i % 2 ? bus.subscribe(`c:${i}:`) : bus.psubscribe(`c:${i}:*`))
        void subject.publishFromOutside(`c:${i}:`, `${i}`)
      }
      await recorder.untilReceived(50)
      expect(recorder.texts()).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`))
    })

    it('delivers nothing more after unsubscribe', async () => {
      await Promise.all([bus.subscribe('a'), bus.psubscribe('b*')])
      bus.unsubscribe('a')
      bus.punsubscribe('b*')
      await bus.subscribe('c') // behind them
      await Promise.all([bus.publish('a', '1'), bus.publish('b', '2'), bus.publish('c', '3')])
      await untilEverythingCame()
      expect(recorder.lines()).toEqual(['c: 3'])
    })

    it('leaves the other way of subscription alone', async () => {
      await Promise.all([bus.subscribe('a'), bus.psubscribe('a'), bus.psubscribe('a*')])
      bus.unsubscribe('a')
      bus.punsubscribe('a*')
      await bus.subscribe('c')
      await bus.publish('a', '1')
      await untilEverythingCame()
      expect(recorder.lines()).toEqual(['a: 1 (a)'])
    })

    it('is live again after a quick unsubscribe and subscribe', async () => {
      for (let i = 0; i < 20; i++) {
        const first = bus.subscribe('a')
        if (i % 2) await first
        bus.unsubscribe('a')
        await bus.subscribe('a')
        await subject.publishFromOutside('a', `${i}`)
        await recorder.until(() => recorder.texts('a').includes(`${i}`))
        bus.unsubscribe('a')
      }
      expect(recorder.texts('a')).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`))
    })

    it('takes unsubscribe of what was never subscribed', async () => {
      bus.unsubscribe('never')
      bus.punsubscribe('never*')
      await bus.subscribe('a')
      await bus.publish('a', '1')
      await recorder.untilReceived(1)
    })

    it('publishes all of a list in order, and after what was published before in the same turn', async () => {
      await bus.psubscribe('*')
      const calls = [
        bus.publish('a', '1'),
        bus.publish('b', '2'),
        bus.publishAll([
          { channel: 'b', payload: '3' },
          { channel: 'a', payload: '4' },
          { channel: 'b', payload: Uint8Array.of(0x35) },
        ]),
      ]
      await Promise.all(calls)
      await bus.publish('a', '6')
      await recorder.untilReceived(6)
      expect(recorder.lines()).toEqual(['a: 1 (*)', 'b: 2 (*)', 'b: 3 (*)', 'a: 4 (*)', 'b: 5 (*)', 'a: 6 (*)'])
    })

    it('keeps the order of all that is published in one turn, whatever it is and however', async () => {
      await bus.psubscribe('*')
      const calls: Promise<unknown>[] = []
      const expected: string[] = []
      for (let i = 0; i < 40; i++) {
        const texts = [`${i} text`, `${i} é😀`, `${i} octets`, `${i} in a list`, `${i} ${'x'.repeat(9_000)}`]
        const [text, wide, octets, listed, long] = texts as [string, string, string, string, string]
        calls.push(
          bus.publish('a', text),
          bus.publish('é', wide),
          bus.publish('b', new TextEncoder().encode(octets)),
          bus.publishAll([{ channel: 'c', payload: listed }]),
          bus.publish('a', long),
        )
        expected.push(...texts)
      }
      await Promise.all(calls)
      await recorder.untilReceived(expected.length)
      expect(recorder.texts()).toEqual(expected)
    })

    it('publishes an empty list', async () => {
      await expect(bus.publishAll([]).then(() => 'done')).resolves.toBe('done')
      await bus.subscribe('a')
      await bus.publish('a', '1')
      await recorder.untilReceived(1)
    })

    it.each([
      ['empty text', ''],
      ['no octets', new Uint8Array(0)],
      ['every octet', Uint8Array.from({ length: 256 }, (_, i) => i)],
      ['text beyond ASCII', 'é😀\0\r\n$1'],
      ['a part of a larger buffer', Uint8Array.of(1, 2, 3, 4, 5).subarray(1, 4)],
      ['a mebibyte', new Uint8Array(1_048_576).fill(7)],
    ])('delivers a payload of %s as it is', async (_name, payload) => {
      await bus.subscribe('a')
      await bus.publish('a', payload)
      await bus.publishAll([{ channel: 'a', payload }])
      await recorder.untilReceived(2)
      const expected = Buffer.from(payload).toString('hex')
      expect(recorder.received.map(({ payload }) => Buffer.from(payload).toString('hex'))).toEqual([expected, expected])
    })

    it.each(['a*b', 'a?b', '[ab]', '\\', 'a\\*', 'é😀', ' ', '{x}', '%s', '__proto__', 'a\nb', '$', '^a', '.'])(
      'takes %j for a channel and not for a pattern',
      async (channel) => {
        await bus.subscribe(channel)
        await Promise.all([bus.publish('aXb', '1'), bus.publish('a', '2'), bus.publish(channel, '3')])
        await untilEverythingCame()
        expect(recorder.lines()).toEqual([`${channel}: 3`])
      },
    )

    it.each([
      ['a*', ['a', 'ab', 'a*', 'a/b:c', 'a\n'], ['b', 'ba', 'A', '']],
      ['*', ['a', ' ', '*'], []],
      ['a\\*b*', ['a*b', 'a*bc'], ['aXb', 'a\\*b']],
      ['\\[x\\]:*', ['[x]:1', '[x]:'], ['x:1', '\\[x\\]:1']],
      ['a?c', ['abc', 'a?c'], ['ac', 'abbc']],
      ['é*', ['é', 'é😀'], ['e']],
      ['a.c', ['a.c'], ['abc']],
      ['(a|b)+', ['(a|b)+'], ['a', 'b']],
    ])('takes %j for a pattern of %j and not of %j', async (pattern, channels, others) => {
      await bus.psubscribe(pattern)
      await Promise.all([...others, ...channels].map((channel) => bus.publish(channel, 'x')))
      await untilEverythingCame()
      expect(recorder.received.map(({ channel, pattern }) => [channel, pattern])).toEqual(
        channels.map((channel) => [channel, pattern]),
      )
    })

    it(`counts one ${differences.oneOfAPattern} for ? in a pattern`, async () => {
      await Promise.all([bus.psubscribe('?'), bus.psubscribe('??')])
      await bus.publish('é', 'x')
      await untilEverythingCame()
      expect(recorder.lines()).toEqual([`é: x (${differences.oneOfAPattern === 'byte' ? '??' : '?'})`])
    })

    it('takes thousands of channels', async () => {
      const channels = Array.from({ length: 3000 }, (_, i) => `many:${i}`)
      await Promise.all(channels.map((channel) => bus.subscribe(channel)))
      await Promise.all(channels.map((channel) => bus.publish(channel, channel)))
      await recorder.untilReceived(3000)
      await untilEverythingCame()
      expect(recorder.texts()).toEqual(channels)
      for (const channel of channels) bus.unsubscribe(channel)
      recorder.received.length = 0
      await bus.subscribe('last')
      await Promise.all([...channels, 'last'].map((channel) => bus.publish(channel, 'x')))
      await untilEverythingCame()
      expect(recorder.lines()).toEqual(['last: x'])
    })

    it('may be called from its own messages, and keeps the order', async () => {
      await Promise.all([bus.subscribe('ping'), bus.subscribe('pong')])
      recorder.onReceived = ({ channel, payload }) => {
        if (channel === 'ping') void bus.publish('pong', payload)
      }
      const expected = Array.from({ length: 100 }, (_, i) => `${i}`)
      await Promise.all(expected.map((payload) => bus.publish('ping', payload)))
      await recorder.untilReceived(200)
      expect(recorder.texts('ping')).toEqual(expected)
      expect(recorder.texts('pong')).toEqual(expected)
    })

    it(`${differences.deliversPastUnsubscribe ? 'may still deliver' : 'does not deliver'} what was on its way at unsubscribe`, async () => {
      await bus.subscribe('a')
      const published = bus.publish('a', '1')
      bus.unsubscribe('a')
      await published
      await untilEverythingCame()
      if (!differences.deliversPastUnsubscribe) expect(recorder.lines()).toEqual([])
      expect(recorder.received.length).toBeLessThanOrEqual(1)
    })

    it('refuses everything after close, which may be called twice, and delivers nothing more', async () => {
      await bus.subscribe('a')
      const late = bus.publish('a', 'late').catch(() => {})
      const closed = bus.close()
      const count = recorder.received.length
      await Promise.all([closed, bus.close(), late])
      await expect(bus.publish('a', 'x')).rejects.toThrow(BusUnavailableError)
      await expect(bus.publishAll([{ channel: 'a', payload: 'x' }])).rejects.toThrow(BusUnavailableError)
      await expect(bus.subscribe('b')).rejects.toThrow(BusUnavailableError)
      await expect(bus.psubscribe('b*')).rejects.toThrow(BusUnavailableError)
      bus.unsubscribe('a')
      bus.punsubscribe('b*')
      await new Promise((resolve) => setImmediate(resolve))
      expect(recorder.received).toHaveLength(count)
      expect(bus.unavailableReason).toBeDefined()
    })
  })
}
