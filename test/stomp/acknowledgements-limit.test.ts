import { describe, expect, it } from 'vitest'
import { Version } from '../../frames/index.ts'
import { AckMode } from '../../src/client/subscription.ts'
import { Acknowledgements } from '../../src/stomp/acknowledgements.ts'
import { ClientStage } from '../client/stage.ts'
import { frameOf } from '../support/fake-socket.ts'

/** Subscriptions `a` and `b`, which acknowledge one by one. */
function setUp(maxUnacked: number) {
  const door = new ClientStage().open()
  const { client } = door
  const { subscriptions } = client
  const acknowledgements = new Acknowledgements(subscriptions, maxUnacked)
  for (const id of ['a', 'b']) door.subscribe(`/topic/${id}`, id, AckMode.individual)
  let count = 0
  /** Returns the value of `ack`. */
  const deliver = (id: string): string => acknowledgements.add(subscriptions.get(id)!, `node-${++count}`)
  /** How many it settles. */
  const acknowledge = (id: string): number =>
    acknowledgements.settle(acknowledgements.find(frameOf('ACK', { id }), Version.V1_2)).length
  return { client, acknowledgements, deliver, acknowledge }
}

describe('acknowledgements beyond the limit', () => {
  it('forget the oldest delivery of the subscription', () => {
    const { deliver, acknowledge } = setUp(3)
    expect([1, 2, 3, 4, 5].map(() => deliver('a')).map(acknowledge)).toEqual([0, 0, 1, 1, 1])
  })

  it('forget one of another subscription rather than the only one of this', () => {
    const { deliver, acknowledge } = setUp(2)
    acknowledge(deliver('b')) // so that b is known before a
    expect([deliver('a'), deliver('a'), deliver('b')].map(acknowledge)).toEqual([0, 1, 1])
  })

  it('keep the newest when one is all that may wait', () => {
    const { deliver, acknowledge } = setUp(1)
    expect([deliver('a'), deliver('b')].map(acknowledge)).toEqual([0, 1])
  })

  it('take the room of what was released', () => {
    const { client, acknowledgements, deliver, acknowledge } = setUp(3)
    const kept = deliver('a')
    deliver('b')
    deliver('b')
    acknowledgements.release(client.unsubscribe('b', undefined)!)
    expect([kept, deliver('a'), deliver('a')].map(acknowledge)).toEqual([1, 1, 1])
  })
})
