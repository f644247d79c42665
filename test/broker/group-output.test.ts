import { describe, expect, it } from 'vitest'
import { decodeFrames, messageStamp, Version } from '../../frames/index.ts'
import { GroupOutput, type GroupMember } from '../../src/broker/group-output.ts'
import { OutgoingMessage } from '../../src/broker/outgoing-message.ts'
import { Registry, type Group, type Topic } from '../../src/broker/registry.ts'
import { Metrics } from '../../src/metrics.ts'
import { FakeLog } from '../support/fake-log.ts'
import { turn } from '../support/fake-turn.ts'
import { bodyOf, FakeMeter, FakeNetwork, type FakeSubscriber } from './fake-subscriber.ts'

const { V1_0, V1_1, V1_2 } = Version

/** Longer than this, in characters or bytes, and it leaves at once. */
const MAX_GATHERED = 16_384

interface SetUp {
  readonly joinFrames?: boolean
}

interface Wanted {
  readonly destination: string
  readonly id: string
  readonly version: Version
  readonly subscriber: FakeSubscriber
}

function setUp({ joinFrames = true }: SetUp = {}) {
  const metrics = new Metrics()
  const meter = new FakeMeter()
  const network = new FakeNetwork()
  const log = new FakeLog()
  const output = new GroupOutput({ joinFrames }, meter, log, metrics)
  for (const transport of ['websocket', 'tcp'] as const) output.attachFanout(transport, network[transport])
  const registry = new Registry<GroupMember>()

  let groupCount = 0
  const groupIn = (topic: Topic<GroupMember>, id: string, version: Version) => {
    const key = `${version} ${id}`
    const found = topic.groups.get(key)
    if (found) return found
    const group: Group<GroupMember> = {
      key,
      name: `g${++groupCount}`,
      stamp: messageStamp(id, undefined, version),
      destination: topic.destination,
      id,
      version,
      members: { websocket: 0, tcp: 0 },
      sole: undefined,
      published: 0,
    }
    topic.groups.set(key, group)
    return group
  }
  /** One more member of the group of that id and version. */
  const join = (wanted: Partial<Wanted> = {}) => {
    const defaults = { destination: '/topic/a', id: '0', version: V1_2, subscriber: network.subscriber() }
    const { destination, id, version, subscriber }: Wanted = { ...defaults, ...wanted }
    const topic = registry.obtain(destination)
    const group = groupIn(topic, id, version)
    const subscription = { destination, id, version, acknowledges: false }
    const member: GroupMember = { ...subscription, subscriber, topic, group: undefined, publishedAtJoin: 0 }
    output.join(member, group)
    return { member, group, topic, subscriber, leave: () => output.leave(member, group) }
  }
  const publish = (body: string | Uint8Array, destination = '/topic/a') => {
    output.publish(registry.obtain(destination), new OutgoingMessage([['destination', destination]], body))
  }
  return { log, metrics, meter, network, output, join, publish }
}

/** What is in each write: the bodies of its frames, in brackets where it is bytes. */
const writesOf = ({ received }: FakeSubscriber) =>
  received.map((data) => {
    const bodies = decodeFrames(data, V1_2).map(bodyOf)
    return typeof data === 'string' ? bodies.join(' ') : `[${bodies.join(' ')}]`
  })

const bytes = (text: string) => new TextEncoder().encode(text)

describe('group output: what a turn gathers', () => {
  it('leaves in one write for each member at the end of the turn', async () => {
    const { network, join, publish } = setUp()
    const several = [join(), join(), join({ subscriber: network.subscriber('tcp') })]
    const sole = join({ id: 'another' })
    for (const body of ['1', '2', '3']) publish(body)
    for (const { subscriber } of [...several, sole]) expect(subscriber.received).toEqual([])
    await turn()
    for (const { subscriber } of [...several, sole]) expect(writesOf(subscriber)).toEqual(['1 2 3'])
    expect([network.websocket.published.length, network.tcp.published.length]).toEqual([1, 1])
  })

  it('begins anew with the next turn', async () => {
    const { join, publish } = setUp()
    const [one, other] = [join(), join()]
    for (const body of ['1', '2']) {
      publish(body)
      await turn()
    }
    expect([writesOf(one.subscriber), writesOf(other.subscriber)]).toEqual([
      ['1', '2'],
      ['1', '2'],
    ])
  })

  it('is kept apart by topic, each in its order', async () => {
    const { network, join, publish } = setUp()
    const subscriber = network.subscriber()
    const a = join({ destination: '/topic/a', subscriber })
    join({ destination: '/topic/b', subscriber })
    const other = join({ destination: '/topic/b' })
    publish('a1', '/topic/a')
    publish('b1', '/topic/b')
    publish('a2', '/topic/a')
    publish('b2', '/topic/b')
    await turn()
    expect(writesOf(a.subscriber).sort()).toEqual(['a1 a2', 'b1 b2'])
    expect(writesOf(other.subscriber)).toEqual(['b1 b2'])
  })

  it('keeps bytes by themselves and in their place', async () => {
    const { join, publish } = setUp()
    const sole = join({ id: 'sole' })
    const [one, other] = [join(), join()]
    for (const body of ['1', '2', bytes('3'), bytes('4'), '5', '6']) publish(body)
    await turn()
    for (const { subscriber } of [sole, one, other]) {
      expect(writesOf(subscriber)).toEqual(['1 2', '[3]', '[4]', '5 6'])
    }
  })

  it('is joined on TCP also where WebSocket messages are to hold one frame', async () => {
    const { network, join, publish } = setUp({ joinFrames: false })
    const sole = join({ id: 'sole', subscriber: network.subscriber('tcp') })
    const [one] = [join({ subscriber: network.subscriber('tcp') }), join()]
    for (const body of ['1', '2']) publish(body)
    await turn()
    for (const { subscriber } of [sole, one]) expect(writesOf(subscriber)).toEqual(['1 2'])
  })

  it('leaves for the other topics when one of them fails', async () => {
    const { log, join, publish } = setUp()
    const [broken, whole] = [join({ destination: '/topic/b' }), join()]
    broken.subscriber.publish = () => {
      throw new Error('broken')
    }
    publish('1', '/topic/b')
    publish('2')
    await turn()
    expect(writesOf(whole.subscriber)).toEqual(['2'])
    expect(log.messages('error')).toEqual(['Messages could not be delivered'])
  })

  it('leaves frame by frame, but still at the end of the turn, where frames are not to be joined', async () => {
    const { join, publish } = setUp({ joinFrames: false })
    const sole = join({ id: 'sole' })
    const [one, other] = [join(), join()]
    for (const body of ['1', bytes('2'), '3', '4']) publish(body)
    expect(one.subscriber.received).toEqual([])
    await turn()
    for (const { subscriber } of [sole, one, other]) expect(writesOf(subscriber)).toEqual(['1', '[2]', '3', '4'])
  })

  it('is joined into one on every transport, for a group as for a sole member', async () => {
    const body = 'x'.repeat(200)
    const { network, join, publish } = setUp()
    const [websocket] = [join(), join()]
    const tcp = join({ subscriber: network.subscriber('tcp') })
    const sole = join({ id: 'sole' })
    for (let i = 0; i < 7; i++) publish(body)
    await turn()
    const framesIn = ({ received }: FakeSubscriber) => received.map((data) => decodeFrames(data, V1_2).length)
    expect(framesIn(websocket.subscriber)).toEqual([7])
    expect(framesIn(tcp.subscriber)).toEqual([7])
    expect(framesIn(sole.subscriber)).toEqual([7])
  })

  it('stays frame by frame where frames are not to be joined', async () => {
    const { join, publish } = setUp({ joinFrames: false })
    const [one] = [join(), join()]
    for (const body of ['1', '2']) publish(body)
    await turn()
    expect(writesOf(one.subscriber)).toEqual(['1', '2'])
  })

  it.each<[string, (length: number) => string | Uint8Array]>([
    ['characters', (length) => 'x'.repeat(length)],
    ['bytes', (length) => new Uint8Array(length).fill(120)],
  ])('leaves at once when it is longer than the limit in %s, with what came before', async (_name, bodyOfLength) => {
    const { join, publish } = setUp()
    const sole = join({ id: 'sole' })
    const [one, other] = [join(), join()]
    const all = [sole, one, other]
    const count = () => all.map(({ subscriber }) => subscriber.frames(V1_2).length)
    publish('before')
    publish(bodyOfLength(MAX_GATHERED - 'before'.length - 2 * 'destination/topic/a'.length))
    expect(count()).toEqual([0, 0, 0])
    publish('x')
    expect(count()).toEqual([3, 3, 3])
    publish(bodyOfLength(MAX_GATHERED + 1))
    expect(count()).toEqual([4, 4, 4])
    publish('after')
    expect(count()).toEqual([4, 4, 4])
    await turn()
    expect(count()).toEqual([5, 5, 5])
    for (const { subscriber } of all) {
      const bodies = subscriber.frames(V1_2).map((frame) => bodyOf(frame).replace(/x+/, 'x'))
      expect(bodies).toEqual(['before', 'x', 'x', 'x', 'after'])
    }
  })

  it('is written for each version and id as they are', async () => {
    const { join, publish } = setUp()
    const all = [V1_0, V1_1, V1_2].flatMap((version) =>
      ['a:b', 'c'].flatMap((id) => [join({ id, version }), join({ id, version })]),
    )
    const soles = [V1_0, V1_1, V1_2].map((version) => join({ id: 'sole:', version }))
    publish('1')
    publish('2')
    await turn()
    for (const { subscriber, member } of [...all, ...soles]) {
      const frames = subscriber.frames(member.version)
      expect(frames.map((frame) => [frame.headers.get('subscription'), bodyOf(frame)])).toEqual([
        [member.id, '1'],
        [member.id, '2'],
      ])
    }
    expect(soles[0]!.subscriber.received.join('')).toContain('subscription:sole:\n')
    expect(soles[1]!.subscriber.received.join('')).toContain('subscription:sole\\c\n')
  })

  it('is nothing for a topic that has no groups when the turn ends', async () => {
    const { metrics, join, publish } = setUp()
    const { leave, subscriber } = join()
    leave()
    publish('1')
    await turn()
    expect(subscriber.received).toEqual([])
    expect(metrics.count.messagesDelivered).toBe(0)
  })
})

describe('group output: joining and leaving', () => {
  it('gives a newcomer nothing of what was published before it joined', async () => {
    const { join, publish } = setUp()
    const first = join()
    publish('1')
    const second = join()
    publish('2')
    const third = join()
    publish('3')
    await turn()
    expect(first.subscriber.frames(V1_2).map(bodyOf)).toEqual(['1', '2', '3'])
    expect(second.subscriber.frames(V1_2).map(bodyOf)).toEqual(['2', '3'])
    expect(third.subscriber.frames(V1_2).map(bodyOf)).toEqual(['3'])
  })

  it('#72 gives a leaver at once all that was published before it left, and nothing after', async () => {
    const { join, publish } = setUp()
    const [one, other] = [join(), join()]
    publish('1')
    one.leave()
    expect(writesOf(one.subscriber)).toEqual(['1'])
    publish('2')
    other.leave()
    expect(writesOf(other.subscriber)).toEqual(['1', '2'])
    publish('3')
    await turn()
    expect(writesOf(one.subscriber)).toEqual(['1'])
    expect(writesOf(other.subscriber)).toEqual(['1', '2'])
  })

  it('writes to a sole member directly, and through the fan-out as soon as there is a second', async () => {
    const { network, join, publish } = setUp()
    const first = join()
    expect(first.subscriber.groups.size).toBe(0)
    publish('1')
    const second = join()
    for (const { subscriber, group } of [first, second]) expect([...subscriber.groups]).toEqual([group.name])
    publish('2')
    await turn()
    expect(first.subscriber.direct).toHaveLength(1)
    expect(second.subscriber.direct).toEqual([])
    expect(network.websocket.published).toHaveLength(1)
    expect(writesOf(first.subscriber)).toEqual(['1', '2'])
    expect(writesOf(second.subscriber)).toEqual(['2'])
  })

  it('keeps who is left alone in the fan-out, and takes others again', async () => {
    const { network, join, publish } = setUp()
    const [first, second] = [join(), join()]
    first.leave()
    publish('1')
    await turn()
    const tcp = join({ subscriber: network.subscriber('tcp') })
    publish('2')
    await turn()
    expect(writesOf(first.subscriber)).toEqual([])
    expect(writesOf(second.subscriber)).toEqual(['1', '2'])
    expect(writesOf(tcp.subscriber)).toEqual(['2'])
    expect(second.subscriber.direct).toEqual([])
  })

  it('takes a member that left again, and is in no group of the fan-out when all have gone', async () => {
    const { join, publish } = setUp()
    const [first, second] = [join(), join()]
    first.leave()
    second.leave()
    expect(first.topic.groups.size).toBe(0)
    for (const { subscriber } of [first, second]) expect(subscriber.groups.size).toBe(0)
    const again = join({ subscriber: first.subscriber })
    publish('1')
    await turn()
    expect(writesOf(again.subscriber)).toEqual(['1'])
    expect(again.subscriber.direct).toHaveLength(1)
    again.leave()
    expect(again.topic.groups.size).toBe(0)
  })

  it('flushes its own topic only', async () => {
    const { join, publish } = setUp()
    const [a, b] = [join({ destination: '/topic/a' }), join({ destination: '/topic/b' })]
    publish('a', '/topic/a')
    publish('b', '/topic/b')
    join({ destination: '/topic/a' })
    expect(writesOf(a.subscriber)).toEqual(['a'])
    expect(writesOf(b.subscriber)).toEqual([])
    await turn()
    expect(writesOf(a.subscriber)).toEqual(['a'])
    expect(writesOf(b.subscriber)).toEqual(['b'])
  })

  it('goes on with the others when a member leaves as it is written to', async () => {
    const { join, publish } = setUp()
    const first = join({ id: '1' })
    const leaver = join({ id: '2' })
    const last = join({ id: '3' })
    const write = leaver.subscriber.publish.bind(leaver.subscriber)
    leaver.subscriber.publish = (data) => {
      write(data)
      leaver.leave()
    }
    publish('1')
    await turn()
    publish('2')
    await turn()
    expect(writesOf(first.subscriber)).toEqual(['1', '2'])
    expect(writesOf(leaver.subscriber)).toEqual(['1'])
    expect(writesOf(last.subscriber)).toEqual(['1', '2'])
  })
})

describe('group output: what it counts', () => {
  it('counts each message once for each who gets it', async () => {
    const { metrics, network, join, publish } = setUp()
    join({ id: 'sole' })
    for (const transport of ['websocket', 'tcp', 'tcp'] as const) join({ subscriber: network.subscriber(transport) })
    publish('1')
    publish('2')
    await turn()
    expect(metrics.count.messagesDelivered).toBe(8)
    publish('x'.repeat(MAX_GATHERED + 1))
    expect(metrics.count.messagesDelivered).toBe(12)
  })

  it('counts as published to a group what went through the fan-out, once for both transports', async () => {
    const { network, join, publish } = setUp({ joinFrames: false })
    const first = join()
    publish('directly')
    await turn()
    expect(first.group.published).toBe(0)
    const second = join({ subscriber: network.subscriber('tcp') })
    expect(second.member.publishedAtJoin).toBe(0)
    for (const body of ['1', bytes('2'), '3', '4']) publish(body)
    await turn()
    const lengthOf = ({ received }: FakeSubscriber) => received.reduce((sum, { length }) => sum + length, 0)
    expect(first.group.published).toBe(lengthOf(second.subscriber))
    expect(lengthOf(first.subscriber)).toBe(first.subscriber.direct[0]!.length + first.group.published)
    const third = join()
    expect(third.member.publishedAtJoin).toBe(first.group.published)
  })

  it('tells the meter once for a topic and turn, after it was written, how much whoever got most was sent', async () => {
    const { meter, join, publish } = setUp()
    const short = [join({ id: '0' }), join({ id: '0' })]
    const long = join({ id: 'a long subscription id' })
    const longer = [join({ id: 'a longer subscription id' }), join({ id: 'a longer subscription id' })]
    join({ id: '0', version: V1_1 })
    const written: number[] = []
    meter.onWrote = () => written.push(long.subscriber.received.length, short[1]!.subscriber.received.length)
    publish('1')
    publish('2')
    expect(meter.told).toEqual([])
    await turn()
    expect(meter.told).toEqual([{ tally: long.topic, length: longer[0]!.subscriber.received[0]!.length }])
    expect(meter.told[0]!.tally).toBe(long.topic)
    expect(written).toEqual([1, 1])
  })

  it('tells the meter of a long message at once, of each topic by itself', async () => {
    const { meter, join, publish } = setUp()
    const [a, b] = [join({ destination: '/topic/a' }), join({ destination: '/topic/b' })]
    publish('b', '/topic/b')
    publish('x'.repeat(MAX_GATHERED + 1), '/topic/a')
    expect(meter.told.map(({ tally }) => tally)).toEqual([a.topic])
    expect(meter.told[0]!.length).toBe(a.subscriber.received[0]!.length)
    await turn()
    expect(meter.told.map(({ tally }) => tally)).toEqual([a.topic, b.topic])
    expect(meter.told[1]!.length).toBe(b.subscriber.received[0]!.length)
  })
})
