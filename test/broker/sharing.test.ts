import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MessageTemplate, Version } from '../../frames/index.ts'
import { STOMP_ENCODINGS } from '../../src/stomp/encoding.ts'
import { lengthOf } from '../delivery/fake-receiver.ts'
import { turn } from '../support/fake-turn.ts'
import { bodiesFor, broadcast, BrokerStage, framesFor, sent, type Subscribed } from './stage.ts'

const { V1_0, V1_1, V1_2 } = Version

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** As its client counts it. */
const writtenTo = ({ receiver: { output, feed } }: Subscribed) =>
  output.total(feed.group && feed.group.sole !== feed ? [feed.group] : [])

describe('broker: subscriptions that get the same bytes', () => {
  it('share one write among all with the same version, id and destination', async () => {
    const stage = new BrokerStage()
    const all = Array.from({ length: 50 }, () => stage.subscribe('/topic/a', { id: 'sub-0' }))
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'))
    await turn()
    expect(stage.network.websocket.written).toHaveLength(1)
    expect(stage.metrics.count.messagesDelivered).toBe(50)
    for (const each of all) expect(await bodiesFor(each)).toEqual(['Test'])
  })

  it('share one encode among all with the same version, id and destination', async () => {
    const stage = new BrokerStage()
    const all = Array.from({ length: 50 }, () => stage.subscribe('/topic/a', { id: 'sub-0' }).socket)
    const encode = vi.spyOn(STOMP_ENCODINGS[V1_2], 'encode')
    const stamp = vi.spyOn(MessageTemplate.prototype, 'stamp')
    stage.send({ ...sent('/topic/a'), body: Uint8Array.of(0, 255) })
    await turn()
    expect(encode).toHaveBeenCalledTimes(1)
    expect(stamp).toHaveBeenCalledTimes(1)
    const first = all[0]!.sent[0]
    expect(first).toBeInstanceOf(Uint8Array)
    for (const socket of all) {
      expect(socket.sent).toHaveLength(1)
      expect(socket.sent[0]).toBe(first)
    }
  })

  it('are apart for another id, version or destination string', async () => {
    const stage = new BrokerStage()
    const wanted = [
      ['/topic/a', { id: '1' }],
      ['/topic/a', { id: '2' }],
      ['/topic/a', { id: '1', version: V1_1 }],
      ['/topic/a', { id: '1', version: V1_0 }],
      ['/topic/a', { id: undefined, version: V1_0 }],
      ['/topic/*', { id: '1' }],
    ] as const
    // Two of each: what has one member only is in no group of the fan-out.
    const all = [...wanted, ...wanted].map(([destination, options]) => stage.subscribe(destination, options))
    const groups = all.map(({ socket }) => [...socket.groups].join())
    expect(new Set(groups).size).toBe(6)
    expect(groups.slice(0, 6)).toEqual(groups.slice(6))
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'))
    const ids = []
    for (const each of all) ids.push((await framesFor(each)).map(({ headers }) => headers.get('subscription')))
    expect(stage.network.websocket.written.map(({ group }) => group).sort()).toEqual([...new Set(groups)].sort())
    const expected = [['1'], ['2'], ['1'], ['1'], [undefined], ['1']]
    expect(ids).toEqual([...expected, ...expected])
  })

  it('#30 escape for their version', async () => {
    const stage = new BrokerStage()
    const all = [V1_0, V1_1, V1_2].map((version) => stage.subscribe('/topic/a', { id: 'a:b', version }).socket)
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'Test', [['x', 'a:b\\\r\n']]))
    await turn()
    const texts = all.map((socket) => socket.sent.join(''))
    expect(texts.map((text) => text.split('\n').filter((line) => /^(x|subscription):/.test(line)))).toEqual([
      ['subscription:a:b', 'x:a:b\\\r'],
      ['subscription:a\\cb', 'x:a\\cb\\\\\\n'],
      ['subscription:a\\cb', 'x:a\\cb\\\\\\r\\n'],
    ])
  })

  it('are written to on the transports that have members, and on no other', async () => {
    const stage = new BrokerStage()
    const deliver = async (body: string) => {
      stage.bus.deliver('BROADCAST', broadcast('/topic/a', body))
      await turn()
      return [stage.network.websocket.written.length, stage.network.tcp.written.length]
    }
    const websockets = [stage.subscribe('/topic/a'), stage.subscribe('/topic/a')]
    expect(await deliver('websocket')).toEqual([1, 0])
    const tcp = [stage.subscribe('/topic/a', { transport: 'tcp' }), stage.subscribe('/topic/a', { transport: 'tcp' })]
    expect(await deliver('both')).toEqual([2, 1])
    expect(stage.metrics.count.messagesDelivered).toBe(6)
    for (const { entry } of websockets) stage.broker.unsubscribe(entry)
    expect(await deliver('tcp')).toEqual([2, 2])
    for (const { entry } of tcp) stage.broker.unsubscribe(entry)
    expect(await deliver('nobody')).toEqual([2, 2])
    expect(stage.metrics.count.messagesDelivered).toBe(8)
    for (const { receiver } of tcp) expect(receiver.bodies).toEqual(['both', 'tcp'])
    for (const { receiver } of websockets) expect(receiver.bodies).toEqual(['websocket', 'both'])
  })

  it('of one member are written to it directly, on whichever transport', async () => {
    const stage = new BrokerStage()
    const all = (['websocket', 'tcp'] as const).map((transport) =>
      stage.subscribe(`/topic/${transport}`, { transport }),
    )
    for (const {
      receiver: { destination },
    } of all)
      stage.bus.deliver('BROADCAST', broadcast(destination, destination))
    for (const each of all) {
      expect(await bodiesFor(each)).toEqual([each.receiver.destination])
      expect(each.socket.groups.size).toBe(0)
    }
    expect([stage.network.websocket.written, stage.network.tcp.written]).toEqual([[], []])
    expect(stage.metrics.count.messagesDelivered).toBe(2)
  })

  it('keep delivering to the others when one leaves', async () => {
    const stage = new BrokerStage()
    const [one, other] = [stage.subscribe('/topic/a'), stage.subscribe('/topic/a')]
    stage.broker.unsubscribe(one.entry)
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'Test'))
    expect(await bodiesFor(other)).toEqual(['Test'])
    expect(await bodiesFor(one)).toEqual([])
  })

  it('tell how much was written to a subscription through the fan-out since it came', async () => {
    const stage = new BrokerStage()
    const first = stage.subscribe('/topic/a')
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'one'))
    const second = stage.subscribe('/topic/a')
    const acknowledging = stage.subscribe('/topic/a', { isSingle: true })
    expect(writtenTo(first)).toBe(lengthOf(first.socket.direct)) // it counts itself what is written to it directly
    expect(writtenTo(second)).toBe(0)
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'a longer one'))
    expect(await bodiesFor(first)).toEqual(['one', 'a longer one'])
    expect(await bodiesFor(second)).toEqual(['a longer one'])
    const [only, ...more] = stage.network.websocket.written
    expect(more).toEqual([])
    const before = lengthOf(first.socket.direct)
    const length = lengthOf(only!.messages)
    expect(writtenTo(first)).toBe(before + length)
    expect(writtenTo(second)).toBe(length)
    expect(acknowledging.entry.feed.group).toBeUndefined()
    expect(writtenTo(acknowledging)).toBe(lengthOf(acknowledging.socket.direct))
    const third = stage.subscribe('/topic/a')
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'x'))
    await turn()
    const last = lengthOf(stage.network.websocket.written[1]!.messages)
    expect(writtenTo(first)).toBe(before + length + last)
    expect(writtenTo(third)).toBe(last)
  })

  it('#67 #72 stay apart for one subscriber with two spellings of one pattern', async () => {
    const stage = new BrokerStage()
    const [first, second] = ['/topic/a/**', '/topic/a/**/**'] as const
    const options = { id: undefined, version: V1_0 }
    const one = stage.subscribe(first, options)
    const { socket } = one
    const other = stage.subscribe(second, { ...options, like: one.receiver })
    const deliver = async () => {
      const before = socket.sent.length
      stage.bus.deliver('BROADCAST', broadcast('/topic/a/x', 'Test'))
      await turn()
      return socket.sent.length - before
    }
    expect(await deliver()).toBe(2)
    const others = [stage.subscribe(first, options), stage.subscribe(second, options)]
    expect(await deliver()).toBe(2)
    stage.broker.unsubscribe(one.entry)
    expect(await deliver()).toBe(1)
    stage.broker.unsubscribe(other.entry)
    expect(await deliver()).toBe(0)
    expect(others.map((each) => each.socket.sent.length)).toEqual([3, 3])
  })
})
