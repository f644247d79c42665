import { describe, expect, it } from 'vitest'
import { Message } from '../../src/delivery/message.ts'
import { turn } from '../support/fake-turn.ts'
import { DeliveryStage } from './stage.ts'

const PRICES = '/topic/prices'
const gather = [
  { destination: '/topic/prices/now', gatherMs: 0 },
  { destination: '/topic/prices/**', gatherMs: 20 },
  { destination: '/topic/slow', gatherMs: 100 },
]

const a = `${PRICES}/a`

describe('groups: gatherMs', () => {
  it('is one write for each member of what comes within that time, on every kind of connection', async () => {
    const stage = new DeliveryStage({ gather, joinFrames: false })
    const transports = ['websocket', 'websocket', 'tcp', 'tcp', 'http', 'http'] as const
    const all = transports.map((transport) => stage.open({ destination: a, transport }))
    const sole = stage.open({ destination: a, id: 'sole' })
    for (const body of ['1', '2', '3']) {
      stage.deliver(body, a)
      await turn()
      stage.clock.advance(6)
    }
    for (const { socket } of [...all, sole]) expect(socket.writes).toEqual([])
    stage.clock.advance(2)
    for (const { socket, bodies } of [...all, sole]) {
      expect(bodies).toEqual(['1', '2', '3'])
      expect(socket.writes.map(({ length }) => length)).toEqual([3])
    }
  })

  it('begins with the first message, and no message waits for longer', () => {
    const stage = new DeliveryStage({ gather })
    const one = stage.open({ destination: a })
    stage.clock.advance(500)
    stage.deliver('1', a)
    stage.clock.advance(19)
    expect(one.bodies).toEqual([])
    stage.clock.advance(1)
    expect(one.bodies).toEqual(['1'])
    stage.clock.advance(15)
    stage.deliver('2', a)
    stage.clock.advance(19)
    expect(one.bodies).toEqual(['1'])
    stage.clock.advance(1)
    expect(one.bodies).toEqual(['1', '2'])
  })

  it('has one timer for all destinations with the same time, and none when nothing waits', () => {
    const stage = new DeliveryStage({ gather })
    const destinations = Array.from({ length: 50 }, (_, i) => `${PRICES}/${i}`)
    const all = destinations.map((destination) => stage.open({ destination }))
    expect(stage.clock.pending).toBe(0)
    for (const body of ['1', '2']) for (const destination of destinations) stage.deliver(body, destination)
    expect(stage.clock.pending).toBe(1)
    stage.clock.advance(20)
    for (const { bodies } of all) expect(bodies).toEqual(['1', '2'])
    expect(stage.clock.pending).toBe(0)
  })

  it('is of the first rule that matches; without one it is the end of the turn', async () => {
    const stage = new DeliveryStage({ gather })
    const [now, other] = [stage.open({ destination: `${PRICES}/now` }), stage.open({ destination: '/topic/other' })]
    stage.deliver('1', `${PRICES}/now`)
    stage.deliver('2', '/topic/other')
    await turn()
    expect([now.bodies, other.bodies]).toEqual([['1'], ['2']])
    expect(stage.clock.pending).toBe(0)
  })

  it('is the shortest of what a pattern has: its messages keep their order', async () => {
    const stage = new DeliveryStage({ gather })
    const watcher = stage.open({ destination: '/topic/**' })
    const deliver = (destination: string, body: string) =>
      stage.delivery.deliver(watcher.feed.topic, new Message({ id: body, destination, headers: [], body }))
    deliver('/topic/slow', '1')
    deliver(a, '2')
    deliver('/topic/slow', '3')
    stage.clock.advance(19)
    expect(watcher.bodies).toEqual([])
    stage.clock.advance(1)
    expect(watcher.bodies).toEqual(['1', '2', '3'])
    deliver('/topic/slow', '4')
    deliver('/topic/other', '5')
    await turn()
    expect(watcher.bodies).toEqual(['1', '2', '3', '4', '5'])
  })

  it('gives a newcomer nothing of what was before, a leaver all of it and nothing after', () => {
    const stage = new DeliveryStage({ gather })
    const [first, leaver] = [stage.open({ destination: a }), stage.open({ destination: a })]
    stage.deliver('1', a)
    stage.clock.advance(5)
    const newcomer = stage.open({ destination: a })
    stage.deliver('2', a)
    stage.clock.advance(5)
    stage.close(leaver)
    expect(leaver.bodies).toEqual(['1', '2'])
    stage.deliver('3', a)
    stage.clock.advance(20)
    expect([first, leaver, newcomer].map(({ bodies }) => bodies)).toEqual([
      ['1', '2', '3'],
      ['1', '2'],
      ['2', '3'],
    ])
  })

  it('is over early when much has come', () => {
    const stage = new DeliveryStage({ gather })
    const all = [stage.open({ destination: a }), stage.open({ destination: a })]
    for (let i = 0; i < 17; i++) stage.deliver('x'.repeat(1000), a)
    for (const { bodies } of all) expect(bodies.length).toBeGreaterThan(10)
    stage.clock.advance(20)
    for (const { bodies } of all) expect(bodies).toHaveLength(17)
  })

  it('lets nothing overtake: neither a message for one feed alone, nor where it stands', () => {
    const stage = new DeliveryStage({ gather })
    const [one, other] = [stage.open({ destination: a }), stage.open({ destination: a })]
    stage.deliver('1', a)
    stage.delivery.deliverTo(one.feed, new Message({ id: 'own', destination: a, headers: [], body: 'own' }))
    expect(one.bodies).toEqual(['1', 'own'])
    stage.deliver('2', a)
    const position = { offset: '2', epoch: 'e' }
    stage.delivery.tell(one.feed, { position, from: '2', count: 0, recovered: false, missed: 1 })
    expect(one.bodies.slice(0, 3)).toEqual(['1', 'own', '2'])
    stage.clock.advance(20)
    expect(one.frames).toHaveLength(4)
    expect(other.bodies).toEqual(['1', '2'])
  })

  it('comes before what is held, for who falls behind meanwhile', () => {
    const stage = new DeliveryStage({ gather })
    const one = stage.open({ destination: a }, { policy: 'drop-oldest', maxBytes: 1000, maxAgeMs: 1000 })
    stage.open({ destination: a })
    stage.deliver('1', a)
    const held: string[] = []
    stage.delivery.hold(one.feed, {
      isEmpty: true,
      dropped: 0,
      push: ({ id }) => held.push(id) * 0,
      take: () => undefined,
    })
    expect(one.bodies).toEqual(['1'])
    stage.deliver('2', a)
    stage.clock.advance(20)
    expect(one.bodies).toEqual(['1'])
    expect(held).toHaveLength(1)
  })

  it('goes on with the other topics when one of them fails', () => {
    const stage = new DeliveryStage({ gather })
    const [broken, whole] = [stage.open({ destination: `${PRICES}/b` }), stage.open({ destination: a })]
    broken.socket.send = () => {
      throw new Error('broken')
    }
    stage.deliver('1', `${PRICES}/b`)
    stage.deliver('2', a)
    stage.clock.advance(20)
    expect(whole.bodies).toEqual(['2'])
    expect(stage.log.messages('error')).toEqual(['Messages could not be delivered'])
  })

  it('ends with the groups: what waits is written, and no timer stays', () => {
    const stage = new DeliveryStage({ gather })
    const [one, slow] = [stage.open({ destination: a }), stage.open({ destination: '/topic/slow' })]
    stage.deliver('1', a)
    stage.deliver('2', '/topic/slow')
    stage.groups.close()
    expect([one.bodies, slow.bodies]).toEqual([['1'], ['2']])
    expect(stage.clock.pending).toBe(0)
  })

  it('counts for the slow-client watch when it is written', () => {
    const stage = new DeliveryStage({ gather })
    const [one] = [stage.open({ destination: a }), stage.open({ destination: a })]
    stage.deliver('1', a)
    stage.deliver('2', a)
    expect(stage.meter.told).toEqual([])
    stage.clock.advance(20)
    expect(stage.meter.told).toEqual([{ tally: one.feed.topic, length: one.feed.group!.written }])
    expect(stage.metrics.count.messagesDelivered).toBe(4)
  })
})
