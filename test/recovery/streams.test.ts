import { describe, expect, it } from 'vitest'
import { newQueue } from '../queue/contract.ts'
import { turns } from './stage.ts'
import { DESTINATION, STREAM, StreamStage } from './stream-stage.ts'

const since = (offset: string) => ({ kind: 'since', position: { offset, epoch: STREAM } }) as const

/** Redis answers until nothing more is asked. Returns how often it was. */
async function answerAll({ stream, clock }: StreamStage): Promise<number> {
  let reads = 0
  while (stream.calls.length > 0) {
    stream.carryOut()
    stream.answer()
    reads++
    await turns()
    clock.advance(1)
    await turns()
  }
  return reads
}

describe('an entry of a stream', () => {
  it.each([
    ['/queue/jobs', 'its destination: is a work queue: SEND, POST or XADD to its stream'],
    ['/queue/jobs:dead', expect.stringContaining('what ends with ":dead" is for the dead messages')],
    ['/app/jobs', expect.stringContaining('must start with "/topic/"')],
  ])('for %s is skipped, counted and logged', async (destination, reason) => {
    const { rule } = newQueue()
    const stage = new StreamStage({ queues: [rule] })
    const { receiver } = stage.subscribe()
    stage.stream.add(destination, 'nowhere')
    stage.stream.add(DESTINATION, 'here')
    await stage.settle()
    expect(receiver.bodies).toEqual(['here'])
    const { count } = stage.core.metrics
    expect([count.streamEntriesRead, count.streamEntriesSkipped]).toEqual([2, 1])
    expect(stage.core.log.entries).toMatchObject([
      { level: 'warn', message: 'An entry was skipped', fields: { id: '1-0', reason } },
    ])
  })
})

describe('who asks a stream', () => {
  it('costs little where many do at once', async () => {
    const stage = new StreamStage()
    const ids = Array.from({ length: 30 }, (_, i) => stage.stream.add(DESTINATION, String(i)))
    await stage.settle()
    const subscribed = Array.from({ length: 300 }, (_, i) => stage.subscribe(since(ids[i % 30]!)))
    expect(await answerAll(stage)).toBeLessThan(10)
    for (const [i, { receiver, isStarted }] of subscribed.entries()) {
      expect(isStarted).toBe(true)
      expect(receiver.bodies).toHaveLength(1 + 29 - (i % 30))
    }
  })

  it('is told where it stands and that it is subscribed before anything else comes', async () => {
    const stage = new StreamStage()
    const first = stage.stream.add(DESTINATION, '1')
    stage.stream.add(DESTINATION, '2')
    await stage.settle()
    const subscribed = stage.subscribe(since(first))
    while (!subscribed.isStarted) {
      stage.stream.carryOut()
      stage.stream.answer()
      await turns()
    }
    expect(subscribed.receiver.bodies).toEqual([''])
    stage.clock.advance(1)
    await turns()
    expect(subscribed.receiver.bodies).toEqual(['', '2'])
  })

  it('is paced by what its client reads, and nothing is read ahead', async () => {
    const stage = new StreamStage()
    for (let i = 0; i < 400; i++) stage.stream.add(DESTINATION, 'x'.repeat(10_000))
    await stage.settle()
    const { receiver } = stage.subscribe(since('0-0'))
    receiver.socket.isRead = false
    await answerAll(stage)
    const first = receiver.frames.length
    expect(first).toBeGreaterThan(1)
    expect(first).toBeLessThan(1 + 64 + 1)
    for (let i = 0; i < 100; i++) {
      stage.clock.advance(50)
      expect(await answerAll(stage)).toBe(0)
    }
    expect(receiver.frames).toHaveLength(first)
    receiver.socket.isRead = true
    for (let i = 0; i < 400; i++) {
      receiver.socket.bufferedBytes = 0
      stage.clock.advance(50)
      await answerAll(stage)
    }
    expect(receiver.frames).toHaveLength(401)
  })

  it('that Redis refuses is told so', async () => {
    const stage = new StreamStage()
    stage.stream.follower!.refused('WRONGTYPE')
    const { StreamRefusedError } = await import('../../src/history/stream.ts')
    const entry = stage.core.broker.subscribe({ ...stage.subscribe().receiver.feedOptions, isRecovering: true })
    const started = stage.history.opened(entry.feed, since('0-0'), undefined)
    stage.stream.calls[0]!.reject(new StreamRefusedError('WRONGTYPE'))
    await expect(started).rejects.toMatchObject({ code: 'bus-refused' })
  })
})
