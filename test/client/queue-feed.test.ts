/** The subscription of a work queue: what it may ask for, and how much room it has. */
import { describe, expect, it } from 'vitest'
import { QueueFeed, requireOfQueue } from '../../src/client/queue-feed.ts'
import { AckMode } from '../../src/client/subscription.ts'
import { codeOf } from '../support/failure.ts'
import { ClientStage, OUTPUT_LIMITS, subscribeOptions } from './stage.ts'

function setUp(ackMode: AckMode) {
  const stage = new ClientStage()
  const door = stage.open()
  door.subscribe('/topic/a', 'a', ackMode)
  const subscription = door.client.subscriptions.get('a')!
  const told = { isOpen: true, room: 5, forgotten: [] as string[], unsentBytes: 0 }
  const fed = {
    door: Object.assign(door, {
      forget: (_of: unknown, messageId: string) => void told.forgotten.push(messageId),
    }),
    output: door.client.output,
  }
  Object.defineProperty(fed.door, 'room', { get: () => told.room })
  Object.defineProperty(fed.output, 'unsentBytes', { get: () => told.unsentBytes })
  return { told, door, feed: new QueueFeed(fed, subscription, stage.core.delivery, stage.outputs) }
}

describe('the feed of a work queue', () => {
  it('has the room of its session, unless it settles at once', () => {
    const { feed, told } = setUp(AckMode.individual)
    expect([feed.isAuto, feed.room]).toEqual([false, 5])
    told.room = 0
    expect(feed.room).toBe(0)
    expect(setUp(AckMode.client).feed.isAuto).toBe(false)
    const auto = setUp(AckMode.auto)
    auto.told.room = 0
    expect([auto.feed.isAuto, auto.feed.room]).toEqual([true, Infinity])
  })

  it.each([AckMode.auto, AckMode.client, AckMode.individual])(
    'has none while the client does not read, or is gone: %s',
    (mode) => {
      const { feed, told, door } = setUp(mode)
      told.unsentBytes = OUTPUT_LIMITS.maxUnsentBytes
      expect(feed.room).toBe(0)
      told.unsentBytes = 0
      expect(feed.room).toBeGreaterThan(0)
      door.isOpen = false
      expect(feed.room).toBe(0)
    },
  )

  it('tells the door what is somebody else’s', () => {
    const { feed, told } = setUp(AckMode.individual)
    feed.forget('queue:a-1-0')
    expect(told.forgotten).toEqual(['queue:a-1-0'])
  })
})

describe('what a subscription of a work queue may ask for', () => {
  const options = subscribeOptions('/queue/a', 'a', AckMode.client)

  it('is nothing of history, and nothing less than all messages', () => {
    expect(codeOf(() => requireOfQueue(options))).toBeUndefined()
    expect(codeOf(() => requireOfQueue({ ...options, excludesOwn: false }))).toBeUndefined()
    expect(codeOf(() => requireOfQueue({ ...options, excludesOwn: true }))).toBe('bad-header')
    expect(codeOf(() => requireOfQueue({ ...options, ask: { last: 1 } as never }))).toBe('bad-header')
  })
})
