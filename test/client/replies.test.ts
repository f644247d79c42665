/** Answers to requests, with a bus that does what the test says. */
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ChannelWatcher } from '../../src/broker/channel-watches.ts'
import { Replies, requireReplyChannel, type Asker } from '../../src/client/replies.ts'
import { Metrics } from '../../src/metrics.ts'
import { codeOf } from '../support/failure.ts'
import { FakeLog } from '../support/fake-log.ts'

class FakeWatches {
  readonly open = new Map<string, ChannelWatcher>()

  add(channel: string, watcher: ChannelWatcher): () => void {
    this.open.set(channel, watcher)
    return () => this.open.delete(channel)
  }
}

function stage() {
  const metrics = new Metrics()
  onTestFinished(() => metrics.close())
  const watches = new FakeWatches()
  const log = new FakeLog()
  const told: unknown[][] = []
  const asker: Asker = { id: 's-1', sendOwn: (...message) => told.push(message) > 0 }
  return { watches, log, told, asker, metrics, replies: new Replies({ watches, maxQueues: 2, metrics, log }) }
}

const QUEUE = '/user/queue/r'
const CHANNEL = 'session:s-1:reply:/user/queue/r'

describe('answers', () => {
  it('are waited for until their channel is live, once for all who ask', async () => {
    const { replies, watches, asker, told } = stage()
    const waits = [replies.listen(asker, QUEUE), replies.listen(asker, QUEUE)]
    expect([...watches.open.keys()]).toEqual([CHANNEL])
    const watcher = watches.open.get(CHANNEL)!
    watcher.live()
    for (const wait of waits) await wait
    expect(replies.listen(asker, QUEUE)).toBeUndefined()
    watcher.message(new TextEncoder().encode('{"body":"x","headers":{"correlation-id":"7","ack":"forged"}}'))
    const headers = [
      ['content-type', 'text/plain;charset=UTF-8'],
      ['correlation-id', '7'],
    ]
    expect(told).toEqual([[QUEUE, headers, 'x']])
  })

  it('are refused while they cannot come, and come again', async () => {
    const { replies, watches, asker } = stage()
    const first = replies.listen(asker, QUEUE)
    const watcher = watches.open.get(CHANNEL)!
    watcher.unavailable('away')
    await expect(first).rejects.toMatchObject({ code: 'bus-unavailable' })
    await expect(replies.listen(asker, QUEUE)).rejects.toMatchObject({ code: 'bus-unavailable' })
    watcher.live()
    expect(replies.listen(asker, QUEUE)).toBeUndefined()
    watcher.ended()
    await expect(replies.listen(asker, QUEUE)).rejects.toMatchObject({ code: 'bus-unavailable' })
  })

  it('end with the session', () => {
    const { replies, watches, asker } = stage()
    void replies.listen(asker, QUEUE)
    void replies.listen(asker, '/user/queue/s')
    expect(codeOf(() => replies.listen(asker, '/user/queue/t'))).toBe('too-many-subscriptions')
    replies.end(asker)
    replies.end(asker)
    expect(watches.open.size).toBe(0)
  })

  it('that are malformed are counted, and logged so often', () => {
    const { replies, watches, asker, told, log, metrics } = stage()
    void replies.listen(asker, QUEUE)
    for (let i = 0; i < 30; i++) watches.open.get(CHANNEL)!.message(new TextEncoder().encode('{'))
    expect(told).toEqual([])
    expect(metrics.count.payloadsMalformed).toBe(30)
    expect(log.entries.filter(({ message }) => message === 'A malformed answer was skipped')).toHaveLength(20)
  })

  it('have a channel only for queues of the session itself', () => {
    expect(requireReplyChannel('s-1', QUEUE)).toBe(CHANNEL)
    for (const wanted of ['/user/a/queue/b', '/user/queue/**', '/topic/x', '', `/user/queue/${'x'.repeat(1025)}`]) {
      expect(codeOf(() => requireReplyChannel('s-1', wanted))).toBe('bad-header')
    }
  })
})
