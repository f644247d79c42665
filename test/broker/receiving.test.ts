import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Version } from '../../frames/index.ts'
import { turn } from '../support/fake-turn.ts'
import { bodiesFor, broadcast, BrokerStage, framesFor, headersOf, RELEASE_DELAY_MS } from './stage.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('broker: who gets what', () => {
  it('#58 #76 #79 #63 delivers with the exact destination, an own id for each message, the subscription and the content type', async () => {
    const stage = new BrokerStage()
    const destination = '/topic/Ünï code/../a%2F//é '
    const subscribed = stage.subscribe(destination, { id: 'sub-0' })
    stage.bus.deliver('BROADCAST', broadcast(destination, 'one'))
    stage.bus.deliver('BROADCAST', broadcast(destination, 'three'))
    const received = await framesFor(subscribed)
    expect(received.map(({ headers }) => headers.get('content-length'))).toEqual(['3', '5'])
    expect(received.map(headersOf)).toEqual([
      [
        ['subscription', 'sub-0'],
        ['message-id', 'node-1'],
        ['destination', destination],
        ['content-type', 'text/plain;charset=UTF-8'],
      ],
      [
        ['subscription', 'sub-0'],
        ['message-id', 'node-2'],
        ['destination', destination],
        ['content-type', 'text/plain;charset=UTF-8'],
      ],
    ])
  })

  it('#80 delivers to nobody who has not subscribed, and to nobody who has left', async () => {
    const stage = new BrokerStage()
    const { entry, socket } = stage.subscribe('/topic/a')
    stage.bus.deliver('BROADCAST', broadcast('/topic/b', 'no'))
    stage.bus.deliver('BROADCAST', broadcast('/topic/a/b', 'no'))
    stage.broker.unsubscribe(entry)
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'no'))
    await turn()
    expect(stage.network.websocket.written).toEqual([])
    expect(socket.sent).toEqual([])
    expect(stage.metrics.count.messagesReceived).toBe(3)
    expect(stage.metrics.count.messagesDelivered).toBe(0)
  })

  it.each([
    ['/topic/greetings', 'GREETING_IN', '"Test"', undefined, 'Test'],
    ['/topic/raw/1', 'raw:1', 'Test', undefined, 'Test'],
    ['/topic/raw/*', 'raw:1', 'Test', 'raw:*', 'Test'],
    ['/topic/other', 'topic:other', '"Test"', undefined, 'Test'],
    ['/topic/**', 'topic:a/b', '"Test"', 'topic:*', 'Test'],
    ['/queue/x', 'queue:x', '"Test"', undefined, 'Test'],
    ['/topic/always', 'always', 'Test', undefined, 'Test'],
  ])('delivers to %s what comes on channel %s', async (destination, channel, payload, pattern, body) => {
    const stage = new BrokerStage()
    const subscribed = stage.subscribe(destination)
    stage.bus.deliver(channel, payload, pattern)
    expect(await bodiesFor(subscribed)).toEqual([body])
  })

  it('subscribes the channels of a subscription on the bus and gives them back', () => {
    const stage = new BrokerStage()
    expect(stage.bus.commands.splice(0)).toEqual(['subscribe BROADCAST', 'subscribe always'])
    const { entry } = stage.subscribe('/topic/raw/1')
    stage.broker.unsubscribe(entry)
    vi.advanceTimersByTime(RELEASE_DELAY_MS)
    expect(stage.bus.commands).toEqual(['subscribe raw:1', 'unsubscribe raw:1'])
  })

  it('never gives up the broadcast channel, also where a subscription asks for the channel of that name', async () => {
    const stage = new BrokerStage({ broadcastChannel: 'topic:all' })
    const { entry } = stage.subscribe('/topic/all')
    stage.broker.unsubscribe(entry)
    vi.advanceTimersByTime(10 * RELEASE_DELAY_MS)
    expect(stage.bus.channels).toContain('topic:all')
    const other = stage.subscribe('/topic/a')
    stage.bus.deliver('topic:all', broadcast('/topic/a', 'Test'))
    expect(await bodiesFor(other)).toEqual(['Test'])
  })

  it('takes a broadcast once where a route has a pattern for every channel', async () => {
    const routes = [
      { channel: '{*any}', destination: '/topic/any/{*any}', codec: 'json', subscribe: 'on-demand' },
    ] as const
    const stage = new BrokerStage({ routes: { inbound: routes } })
    const everything = stage.subscribe('/topic/**')
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'))
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'), '*')
    expect(await bodiesFor(everything)).toEqual(['Test'])
    expect(stage.metrics.count.payloadsMalformed).toBe(0)
  })

  it('#67 delivers twice to a subscriber with two ids, once for each', async () => {
    const stage = new BrokerStage()
    const subscribed = stage.subscribe('/topic/a', { id: '1' })
    const like = subscribed.receiver
    stage.subscribe('/topic/a', { id: '2', like })
    stage.subscribe('/topic/*', { id: '3', like })
    stage.subscribe('/topic/a', { id: '2' }) // so that it gets some through the fan-out and some by itself
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'))
    const received = await framesFor(subscribed)
    expect(received.map(({ headers }) => headers.get('subscription')).sort()).toEqual(['1', '2', '3'])
  })

  it('keeps the order of what comes, over channels and routes', async () => {
    const stage = new BrokerStage()
    const subscribed = stage.subscribe('/topic/**')
    const expected: string[] = []
    for (let i = 0; i < 100; i++) {
      if (i % 2) stage.bus.deliver('BROADCAST', broadcast('/topic/raw/1', `${i}`))
      else stage.bus.deliver('raw:1', `${i}`, 'raw:*')
      expected.push(`${i}`)
    }
    expect(await bodiesFor(subscribed)).toEqual(expected)
  })

  it('says how long a subscription takes to go live', async () => {
    const stage = new BrokerStage({ bus: { goesLive: false } })
    const { entry } = stage.subscribe('/topic/a')
    const liveness = stage.broker.whenLive(entry)
    expect(liveness).toBeDefined()
    const live = vi.fn()
    void liveness?.live.then(live)
    stage.broker.unsubscribe(entry)
    await vi.waitFor(() => expect(live).toHaveBeenCalled())
  })
})

describe('broker: subscriptions that acknowledge', () => {
  it('get each message by themselves, with its id, and no group', async () => {
    const stage = new BrokerStage()
    const one = stage.subscribe('/topic/a', { id: '1', isSingle: true })
    const other = stage.subscribe('/topic/*', { id: '2', version: Version.V1_1, isSingle: true })
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'))
    await turn()
    expect(one.socket.groups.size).toBe(0)
    expect(stage.network.websocket.written).toEqual([])
    for (const { receiver, socket } of [one, other]) {
      expect(receiver.delivered).toMatchObject([{ messageId: 'node-1', dropped: 0 }])
      expect(socket.sent).toEqual(receiver.delivered.map(({ data }) => data)) // and nothing beside
    }
    expect([one, other].map(({ receiver }) => receiver.frames[0]!.headers.get('subscription'))).toEqual(['1', '2'])
    expect(stage.metrics.count.messagesDelivered).toBe(2)
    stage.broker.unsubscribe(one.entry)
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'))
    expect(one.receiver.delivered).toHaveLength(1)
    expect(other.receiver.delivered).toHaveLength(2)
  })
})
