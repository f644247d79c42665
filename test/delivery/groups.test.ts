import { describe, expect, it } from 'vitest'
import { decodeFrames, Version } from '../../frames/index.ts'
import { bodyOf, type Data } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'
import { lengthOf, type FakeReceiver } from './fake-receiver.ts'
import { DeliveryStage } from './stage.ts'

const { V1_0, V1_1, V1_2 } = Version

/** Longer than this, in characters or bytes, and it leaves at once. */
const MAX_GATHERED = 16_384

const bytes = (text: string) => new TextEncoder().encode(text)

/** What is in a message: the bodies of its frames, in brackets where it is bytes. */
const bodiesIn = (data: Data) => {
  const bodies = decodeFrames(data, V1_2).map(bodyOf)
  return typeof data === 'string' ? bodies.join(' ') : `[${bodies.join(' ')}]`
}
const messagesOf = ({ socket }: FakeReceiver) => socket.sent.map(bodiesIn)
const writesOf = ({ socket }: FakeReceiver) => socket.writes.map((messages) => messages.map(bodiesIn))

describe('groups: what a turn gathers', () => {
  it('leaves in one write for each member at the end of the turn', async () => {
    const stage = new DeliveryStage()
    const all = [stage.open(), stage.open(), stage.open({ transport: 'tcp' }), stage.open({ transport: 'tcp' })]
    const soles = [stage.open({ id: 'another' }), stage.open({ id: 'another', transport: 'tcp' })]
    for (const body of ['1', '2', '3']) stage.deliver(body)
    for (const { socket } of [...all, ...soles]) expect(socket.sent).toEqual([])
    await turn()
    for (const each of [...all, ...soles]) expect(writesOf(each)).toEqual([['1 2 3']])
    expect([stage.network.websocket.written.length, stage.network.tcp.written.length]).toEqual([1, 1])
  })

  it('begins anew with the next turn', async () => {
    const stage = new DeliveryStage()
    const [one, other] = [stage.open(), stage.open()]
    for (const body of ['1', '2']) {
      stage.deliver(body)
      await turn()
    }
    expect([messagesOf(one), messagesOf(other)]).toEqual([
      ['1', '2'],
      ['1', '2'],
    ])
  })

  it('is kept apart by topic, each in its order', async () => {
    const stage = new DeliveryStage()
    const a = stage.open({ destination: '/topic/a' })
    stage.open({ destination: '/topic/b', like: a })
    const other = stage.open({ destination: '/topic/b' })
    stage.deliver('a1', '/topic/a')
    stage.deliver('b1', '/topic/b')
    stage.deliver('a2', '/topic/a')
    stage.deliver('b2', '/topic/b')
    await turn()
    expect(messagesOf(a).sort()).toEqual(['a1 a2', 'b1 b2'])
    expect(messagesOf(other)).toEqual(['b1 b2'])
  })

  it('leaves for the other topics when one of them fails', async () => {
    const stage = new DeliveryStage()
    const [broken, whole] = [stage.open({ destination: '/topic/b' }), stage.open()]
    broken.socket.send = () => {
      throw new Error('broken')
    }
    stage.deliver('1', '/topic/b')
    stage.deliver('2')
    await turn()
    expect(messagesOf(whole)).toEqual(['2'])
    expect(stage.log.messages('error')).toEqual(['Messages could not be delivered'])
  })

  it.each<[string, (length: number) => Data]>([
    ['characters', (length) => 'x'.repeat(length)],
    ['bytes', (length) => new Uint8Array(length).fill(120)],
  ])('leaves at once when it is longer than the limit in %s, with what came before', async (_name, bodyOfLength) => {
    const stage = new DeliveryStage()
    const all = [stage.open({ id: 'sole' }), stage.open(), stage.open()]
    const count = () => all.map(({ frames }) => frames.length)
    const before = stage.deliver('before').length
    const room = MAX_GATHERED - before - 'node-2/topic/a'.length
    expect(stage.deliver(bodyOfLength(room)).length).toBe(MAX_GATHERED - before)
    expect(count()).toEqual([0, 0, 0])
    stage.deliver('x')
    expect(count()).toEqual([3, 3, 3])
    stage.deliver(bodyOfLength(MAX_GATHERED + 1))
    expect(count()).toEqual([4, 4, 4])
    stage.deliver('after')
    expect(count()).toEqual([4, 4, 4])
    await turn()
    expect(count()).toEqual([5, 5, 5])
    for (const { bodies } of all) {
      expect(bodies.map((body) => body.replace(/x+/, 'x'))).toEqual(['before', 'x', 'x', 'x', 'after'])
    }
  })

  it('is written for each version and id as they are', async () => {
    const stage = new DeliveryStage()
    const all = [V1_0, V1_1, V1_2].flatMap((version) =>
      ['a:b', 'c'].flatMap((id) => [stage.open({ id, version }), stage.open({ id, version })]),
    )
    const soles = [V1_0, V1_1, V1_2].map((version) => stage.open({ id: 'sole:', version }))
    stage.deliver('1')
    stage.deliver('2')
    await turn()
    for (const { frames, id } of [...all, ...soles]) {
      expect(frames.map((frame) => [frame.headers.get('subscription'), bodyOf(frame)])).toEqual([
        [id, '1'],
        [id, '2'],
      ])
    }
    expect(soles[0]!.socket.sent.join('')).toContain('subscription:sole:\n')
    expect(soles[1]!.socket.sent.join('')).toContain('subscription:sole\\c\n')
  })

  it('is nothing for a topic that has no groups when the turn ends', async () => {
    const stage = new DeliveryStage()
    const gone = stage.open()
    stage.close(gone)
    stage.deliver('1')
    await turn()
    expect(gone.socket.sent).toEqual([])
    expect(stage.metrics.count.messagesDelivered).toBe(0)
  })
})

describe('groups: joining and leaving', () => {
  it('gives a newcomer nothing of what was delivered before it joined', async () => {
    const stage = new DeliveryStage()
    const first = stage.open()
    stage.deliver('1')
    const second = stage.open()
    stage.deliver('2')
    const third = stage.open()
    stage.deliver('3')
    await turn()
    expect([first, second, third].map(({ bodies }) => bodies)).toEqual([['1', '2', '3'], ['2', '3'], ['3']])
  })

  it('#72 gives a leaver at once all that was delivered before it left, and nothing after', async () => {
    const stage = new DeliveryStage()
    const [one, other] = [stage.open(), stage.open()]
    stage.deliver('1')
    stage.close(one)
    expect(messagesOf(one)).toEqual(['1'])
    stage.deliver('2')
    stage.close(other)
    expect(messagesOf(other)).toEqual(['1', '2'])
    stage.deliver('3')
    await turn()
    expect(messagesOf(one)).toEqual(['1'])
    expect(messagesOf(other)).toEqual(['1', '2'])
  })

  it('writes to a sole member directly, and through the fan-out as soon as there is a second', async () => {
    const stage = new DeliveryStage()
    const first = stage.open()
    expect(first.socket.groups.size).toBe(0)
    stage.deliver('1')
    const second = stage.open()
    for (const { socket, feed } of [first, second]) expect([...socket.groups]).toEqual([feed.group!.name])
    stage.deliver('2')
    await turn()
    expect(first.socket.direct).toHaveLength(1)
    expect(second.socket.direct).toEqual([])
    expect(stage.network.websocket.written).toHaveLength(1)
    expect(messagesOf(first)).toEqual(['1', '2'])
    expect(messagesOf(second)).toEqual(['2'])
  })

  it('keeps who is left alone in the fan-out, and takes others again', async () => {
    const stage = new DeliveryStage()
    const [first, second] = [stage.open(), stage.open()]
    stage.close(first)
    stage.deliver('1')
    await turn()
    const third = stage.open()
    stage.deliver('2')
    await turn()
    expect(messagesOf(first)).toEqual([])
    expect(messagesOf(second)).toEqual(['1', '2'])
    expect(messagesOf(third)).toEqual(['2'])
    expect(second.socket.direct).toEqual([])
  })

  it('takes a member that left again, and is in no group of the fan-out when all have gone', async () => {
    const stage = new DeliveryStage()
    const [first, second] = [stage.open(), stage.open()]
    const { topic } = first.feed
    stage.close(first)
    stage.close(second)
    expect(topic.groups.size).toBe(0)
    for (const { socket } of [first, second]) expect(socket.groups.size).toBe(0)
    const again = stage.open({ like: first })
    stage.deliver('1')
    await turn()
    expect(messagesOf(again)).toEqual(['1'])
    expect(again.socket.direct).toHaveLength(1)
    stage.close(again)
    expect(topic.groups.size).toBe(0)
  })

  it('is in a group for each fan-out, and each is written to alone', async () => {
    const stage = new DeliveryStage()
    const [websocket, tcp] = [stage.open(), stage.open({ transport: 'tcp' })]
    expect(websocket.feed.group).not.toBe(tcp.feed.group)
    const others = [stage.open(), stage.open({ transport: 'tcp' })]
    expect(others.map(({ feed }) => feed.group)).toEqual([websocket.feed.group, tcp.feed.group])
    stage.deliver('1')
    await turn()
    for (const each of [websocket, tcp, ...others]) expect(messagesOf(each)).toEqual(['1'])
    const { network } = stage
    expect([network.websocket.written.length, network.tcp.written.length, network.http.written.length]).toEqual([
      1, 1, 0,
    ])
  })

  it('flushes its own topic only', async () => {
    const stage = new DeliveryStage()
    const [a, b] = [stage.open({ destination: '/topic/a' }), stage.open({ destination: '/topic/b' })]
    stage.deliver('a', '/topic/a')
    stage.deliver('b', '/topic/b')
    stage.open({ destination: '/topic/a' })
    expect(messagesOf(a)).toEqual(['a'])
    expect(messagesOf(b)).toEqual([])
    await turn()
    expect(messagesOf(a)).toEqual(['a'])
    expect(messagesOf(b)).toEqual(['b'])
  })

  it('goes on with the others when a member leaves as it is written to', async () => {
    const stage = new DeliveryStage()
    const [first, leaver, last] = [stage.open({ id: '1' }), stage.open({ id: '2' }), stage.open({ id: '3' })]
    const send = leaver.socket.send.bind(leaver.socket)
    leaver.socket.send = (data) => {
      send(data)
      stage.close(leaver)
    }
    stage.deliver('1')
    await turn()
    stage.deliver('2')
    await turn()
    expect(messagesOf(first)).toEqual(['1', '2'])
    expect(messagesOf(leaver)).toEqual(['1'])
    expect(messagesOf(last)).toEqual(['1', '2'])
  })
})

describe('groups: what they count', () => {
  it('counts each message once for each who gets it', async () => {
    const stage = new DeliveryStage()
    stage.open({ id: 'sole' })
    for (const transport of ['websocket', 'tcp', 'tcp'] as const) stage.open({ transport })
    stage.deliver('1')
    stage.deliver('2')
    await turn()
    expect(stage.metrics.count.messagesDelivered).toBe(8)
    stage.deliver('x'.repeat(MAX_GATHERED + 1))
    expect(stage.metrics.count.messagesDelivered).toBe(12)
  })

  it('counts as written to a group what went through the fan-out, and for each member what it got', async () => {
    const stage = new DeliveryStage()
    const first = stage.open()
    const { group } = first.feed
    stage.deliver('directly')
    await turn()
    expect(group!.written).toBe(0) // what is written to it directly its output counts itself
    expect(first.output.total([])).toBe(lengthOf(first.socket.sent))
    const second = stage.open()
    expect(second.feed.group).toBe(group)
    for (const body of ['1', bytes('2'), '3', '4']) stage.deliver(body)
    await turn()
    expect(group!.written).toBe(lengthOf(second.socket.sent))
    expect(lengthOf(first.socket.sent)).toBe(first.socket.direct[0]!.length + group!.written)
    const third = stage.open()
    expect(third.output.total([group!])).toBe(0)
    stage.deliver('5')
    await turn()
    for (const { output, socket } of [first, second, third]) expect(output.total([group!])).toBe(lengthOf(socket.sent))
    for (const each of [first, second, third]) {
      stage.close(each)
      expect(each.output.total([])).toBe(lengthOf(each.socket.sent))
    }
  })

  it('tells the meter once for a topic and turn, after it was written, how much whoever got most was sent', async () => {
    const stage = new DeliveryStage()
    const { meter } = stage
    const short = [stage.open({ id: '0' }), stage.open({ id: '0' })]
    const long = stage.open({ id: 'a long subscription id' })
    const longer = [stage.open({ id: 'a longer subscription id' }), stage.open({ id: 'a longer subscription id' })]
    stage.open({ id: '0', version: V1_1 })
    const written: number[] = []
    meter.onWrote = () => written.push(long.socket.sent.length, short[1]!.socket.sent.length)
    stage.deliver('1')
    stage.deliver('2')
    expect(meter.told).toEqual([])
    await turn()
    expect(meter.told).toEqual([{ tally: long.feed.topic, length: longer[0]!.socket.sent[0]!.length }])
    expect(meter.told[0]!.tally).toBe(long.feed.topic)
    expect(written).toEqual([1, 1])
  })

  it('tells the meter of a long message at once, of each topic by itself', async () => {
    const stage = new DeliveryStage()
    const { meter } = stage
    const [a, b] = [stage.open({ destination: '/topic/a' }), stage.open({ destination: '/topic/b' })]
    stage.deliver('b', '/topic/b')
    stage.deliver('x'.repeat(MAX_GATHERED + 1), '/topic/a')
    expect(meter.told.map(({ tally }) => tally)).toEqual([a.feed.topic])
    expect(meter.told[0]!.length).toBe(a.socket.sent[0]!.length)
    await turn()
    expect(meter.told.map(({ tally }) => tally)).toEqual([a.feed.topic, b.feed.topic])
    expect(meter.told[1]!.length).toBe(b.socket.sent[0]!.length)
  })
})
