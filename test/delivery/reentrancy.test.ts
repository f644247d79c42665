/** A write may let the watch look at all outputs at once, and that may end any feed, hold it, or let it catch up. */
import { describe, expect, it } from 'vitest'
import { HeldMessages } from '../../src/delivery/held-messages.ts'
import type { SlowPolicy } from '../../src/delivery/slow-policy.ts'
import { turn } from '../support/fake-turn.ts'
import type { FakeReceiver } from './fake-receiver.ts'
import { DeliveryStage } from './stage.ts'

const POLICY: SlowPolicy = { policy: 'drop-oldest', maxBytes: 1_000_000, maxAgeMs: 1_000_000 }

function setUp() {
  const stage = new DeliveryStage()
  const { delivery, meter } = stage
  const open = () => stage.open({ id: '1' }, POLICY)
  const hold = ({ feed }: FakeReceiver) => delivery.hold(feed, new HeldMessages(POLICY, feed.encoding))
  const catchUp = ({ feed }: FakeReceiver) => delivery.catchUp(feed, () => true)
  const bodies = (receiver: FakeReceiver) => receiver.bodies.map((body) => body.trim())
  return { stage, open, hold, catchUp, bodies, once: (action: () => void) => meter.once(action) }
}

/** Too long to be gathered. */
const long = (text: string) => text + ' '.repeat(17_000)

describe('delivery: a look inside a write', () => {
  it('that finds a member behind gives it the message once', () => {
    const { stage, open, hold, catchUp, bodies, once } = setUp()
    const [one, other] = [open(), open()]
    once(() => hold(one))
    stage.deliver(long('1'))
    expect(one.feed.backlog?.isEmpty).toBe(true)
    catchUp(one)
    expect([bodies(one), bodies(other)]).toEqual([['1'], ['1']])
  })

  it('that finds a held one caught up gives it the message too', async () => {
    const { stage, open, hold, catchUp, bodies, once } = setUp()
    const [one, other] = [open(), open()]
    hold(one)
    once(() => catchUp(one))
    stage.deliver(long('1'))
    stage.deliver('2')
    await turn()
    catchUp(one)
    expect([bodies(one), bodies(other)]).toEqual([
      ['1', '2'],
      ['1', '2'],
    ])
  })

  it('that ends a feed which is just being held', async () => {
    const { stage, open, hold, bodies, once } = setUp()
    const [one, other] = [open(), open()]
    stage.deliver('1')
    once(() => stage.close(one))
    hold(one)
    stage.deliver('2')
    await turn()
    expect([bodies(one), bodies(other)]).toEqual([['1'], ['1', '2']])
    expect(one.feed.topic.singles.size).toBe(0)
  })

  it('that ends the last member of a group which another is just joining', async () => {
    const { stage, open, bodies, once } = setUp()
    const one = open()
    stage.deliver('1')
    once(() => stage.close(one))
    const other = open()
    stage.deliver('2')
    await turn()
    expect([bodies(one), bodies(other)]).toEqual([['1'], ['2']])
  })

  it('that ends a feed which is just catching up leaves it ended', async () => {
    const { stage, open, hold, catchUp, bodies, once } = setUp()
    const [one, other] = [open(), open()]
    hold(one)
    for (const body of ['1', '2', '3']) stage.deliver(body)
    await turn()
    once(() => stage.close(one))
    catchUp(one)
    stage.deliver('4')
    await turn()
    expect(bodies(other)).toEqual(['1', '2', '3', '4'])
    expect(bodies(one)).toEqual(['1'])
    expect([one.feed.group, one.socket.groups.size, one.feed.topic.singles.size]).toEqual([undefined, 0, 0])
  })

  it('that ends another which gets each message by itself gives it nothing more', () => {
    const { stage, once } = setUp()
    const [one, other] = [stage.open({ isSingle: true }), stage.open({ isSingle: true })]
    once(() => stage.close(other))
    stage.deliver('1')
    expect([one.bodies, other.bodies]).toEqual([['1'], []])
  })
})
