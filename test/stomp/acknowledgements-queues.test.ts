import { describe, expect, it } from 'vitest'
import { Version } from '../../frames/index.ts'
import { AckMode } from '../../src/client/subscription.ts'
import type { QueueConsumer } from '../../src/queue/queue-consumer.ts'
import { Acknowledgements } from '../../src/stomp/acknowledgements.ts'
import { ClientStage } from '../client/stage.ts'
import { codeOf } from '../support/failure.ts'
import { frameOf } from '../support/fake-socket.ts'

/** Subscriptions `q` and `r` of work queues, `c` of one with the mode `client`, and `t` of a topic. */
function setUp(maxUnacked: number) {
  const door = new ClientStage().open()
  const { subscriptions } = door.client
  const acknowledgements = new Acknowledgements(subscriptions, maxUnacked)
  for (const id of ['q', 'r', 'c', 't']) {
    door.subscribe(`/topic/${id}`, id, id === 'c' ? AckMode.client : AckMode.individual)
    if (id !== 't') subscriptions.get(id)!.work = {} as QueueConsumer
  }
  let count = 0
  const of = (id: string) => subscriptions.get(id)!
  const deliver = (id: string, messageId = id === 't' ? `node-${++count}` : `queue:${id}-1700-${++count}`): string =>
    acknowledgements.add(of(id), messageId)
  const acknowledge = (id: string): readonly string[] =>
    acknowledgements.settle(acknowledgements.find(frameOf('ACK', { id }), Version.V1_2))
  return {
    acknowledgements,
    of,
    deliver,
    acknowledge,
    unsubscribe: (id: string) => door.client.unsubscribe(id, undefined)!,
  }
}

describe('acknowledgements of work queues', () => {
  it('have room for as many as may be unacknowledged, over all queues and not counting topics', () => {
    const { acknowledgements, deliver, acknowledge } = setUp(3)
    expect(acknowledgements.room).toBe(3)
    deliver('t')
    const one = deliver('q')
    deliver('r')
    expect(acknowledgements.room).toBe(1)
    acknowledge(one)
    expect(acknowledgements.room).toBe(2)
  })

  it('are never forgotten, whatever comes: topics forget their own', () => {
    const { acknowledgements, deliver, acknowledge } = setUp(2)
    const queued = [deliver('q'), deliver('r'), deliver('q')]
    expect(acknowledgements.room).toBe(0)
    const topics = [1, 2, 3, 4].map(() => deliver('t'))
    expect(topics.map((id) => acknowledge(id).length)).toEqual([0, 0, 1, 1])
    expect(queued.map((id) => acknowledge(id).length)).toEqual([1, 1, 1])
    expect(acknowledgements.room).toBe(2)
  })

  it('are never forgotten for the only one of a topic', () => {
    const { deliver, acknowledge } = setUp(1)
    const queued = deliver('q')
    expect([deliver('t'), deliver('t')].map((id) => acknowledge(id).length)).toEqual([0, 1])
    expect(acknowledge(queued)).toEqual(['queue:q-1700-1'])
  })

  it('mean nothing once the message is somebody else’s, and make room', () => {
    const { acknowledgements, of, deliver, acknowledge } = setUp(2)
    const one = deliver('q')
    acknowledgements.forget(of('q'), 'queue:q-1700-1')
    acknowledgements.forget(of('q'), 'queue:q-1700-1')
    acknowledgements.forget(of('r'), 'queue:q-1700-1')
    expect(acknowledgements.room).toBe(2)
    expect(acknowledge(one)).toEqual([])
    expect(codeOf(() => acknowledge(`${one}9`))).toBe('unknown-ack')
  })

  it('mean the delivery that they name, where a message came to the same subscription again', () => {
    const { acknowledgements, of, deliver, acknowledge } = setUp(2)
    const first = deliver('q')
    acknowledgements.forget(of('q'), 'queue:q-1700-1')
    const again = deliver('q', 'queue:q-1700-1')
    expect(again).not.toBe(first)
    expect(acknowledge(first)).toEqual([])
    expect(acknowledgements.room).toBe(1)
    expect(acknowledge(again)).toEqual(['queue:q-1700-1'])
    expect(acknowledgements.room).toBe(2)
  })

  it('of STOMP 1.1 mean the newest delivery, as they name the message alone', () => {
    const { acknowledgements, of, deliver } = setUp(2)
    deliver('q')
    acknowledgements.forget(of('q'), 'queue:q-1700-1')
    deliver('q', 'queue:q-1700-1')
    const frame = frameOf('ACK', { 'message-id': 'queue:q-1700-1', subscription: 'q' })
    expect(acknowledgements.settle(acknowledgements.find(frame, Version.V1_1))).toEqual(['queue:q-1700-1'])
  })

  it('settle what came before with the mode client, but nothing that was forgotten', () => {
    const { acknowledgements, of, deliver, acknowledge } = setUp(9)
    const [, , third] = [deliver('c'), deliver('c'), deliver('c'), deliver('c')]
    acknowledgements.forget(of('c'), 'queue:c-1700-2')
    expect(acknowledge(third)).toEqual(['queue:c-1700-1', 'queue:c-1700-3'])
    expect(acknowledgements.room).toBe(8)
  })

  it('leave room when their subscription ends, and when all do', () => {
    const { acknowledgements, deliver, unsubscribe } = setUp(5)
    for (const id of ['q', 'q', 'r', 't']) deliver(id)
    acknowledgements.release(unsubscribe('q'))
    expect(acknowledgements.room).toBe(4)
    acknowledgements.clear()
    expect(acknowledgements.room).toBe(5)
  })
})
