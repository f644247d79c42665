/** What waits for a client that is behind. */
import { describe, expect, it } from 'vitest'
import { HeldMessages } from '../../src/delivery/held-messages.ts'
import { Message } from '../../src/delivery/message.ts'
import type { SlowPolicy } from '../../src/delivery/slow-policy.ts'
import { STOMP_ENCODINGS } from '../../src/stomp/encoding.ts'

const ENCODING = STOMP_ENCODINGS['1.2']

/** With a header `symbol` if a key is given. */
function message(id: string, key?: string): Message {
  return new Message({ id, destination: '/topic/a', headers: key === undefined ? [] : [['symbol', key]], body: 'x' })
}

const holding = (policy: SlowPolicy) => new HeldMessages(policy, ENCODING)

const LENGTH = message('1').as(ENCODING).length
const KEYED_LENGTH = message('1', '1').as(ENCODING).length

/** Everything that can be taken now, as `id` or `id after N`. */
function taken(held: HeldMessages, nowMs = 0): string[] {
  const result: string[] = []
  for (let next = held.take(nowMs); next; next = held.take(nowMs)) {
    result.push(next.dropped > 0 ? `${next.message.id} after ${next.dropped}` : next.message.id)
  }
  return result
}

describe('held messages', () => {
  it('with drop-oldest keep the newest within the bound on bytes, and tell how many were dropped', () => {
    const held = holding({ policy: 'drop-oldest', maxBytes: 3 * LENGTH, maxAgeMs: 1000 })
    const dropped = ['1', '2', '3', '4', '5'].map((id) => held.push(message(id), 0))
    expect(dropped).toEqual([0, 0, 0, 1, 1])
    expect(taken(held)).toEqual(['3 after 2', '4', '5'])
    expect(held.isEmpty).toBe(true)
    expect(held.dropped).toBe(0)
  })

  it('with drop-oldest keep a message that is larger than the bound by itself', () => {
    const held = holding({ policy: 'drop-oldest', maxBytes: 10, maxAgeMs: 1000 })
    held.push(message('1'), 0)
    held.push(message('2'), 0)
    expect(taken(held)).toEqual(['2 after 1'])
  })

  it('with latest keep one message per key, in the order of the newest', () => {
    const held = holding({ policy: 'latest', key: 'symbol', maxBytes: 100 * LENGTH, maxAgeMs: 1000 })
    for (const [id, key] of [
      ['1', 'A'],
      ['2', 'B'],
      ['3', 'A'],
      ['4', undefined],
      ['5', undefined],
    ] as const) {
      held.push(message(id, key), 0)
    }
    expect(taken(held)).toEqual(['2 after 2', '3', '5'])
  })

  it('with latest go by the first header of that name', () => {
    const held = holding({ policy: 'latest', key: 'symbol', maxBytes: 100 * KEYED_LENGTH, maxAgeMs: 1000 })
    const repeated = (id: string, ...symbols: string[]) =>
      new Message({ id, destination: '/topic/a', headers: symbols.map((each) => ['symbol', each]), body: 'x' })
    held.push(repeated('1', 'A', 'B'), 0)
    held.push(repeated('2', 'B', 'A'), 0)
    held.push(repeated('3', 'A'), 0)
    expect(taken(held)).toEqual(['2 after 1', '3'])
  })

  it('with latest and no key keep one message', () => {
    const held = holding({ policy: 'latest', maxBytes: 100 * KEYED_LENGTH, maxAgeMs: 1000 })
    for (const id of ['1', '2', '3']) held.push(message(id, id), 0)
    expect(taken(held)).toEqual(['3 after 2'])
  })

  it('with latest keep within the bound on bytes whatever the number of keys', () => {
    const held = holding({ policy: 'latest', key: 'symbol', maxBytes: 2 * KEYED_LENGTH, maxAgeMs: 1000 })
    for (let i = 1; i < 8; i++) held.push(message(String(i), String(i)), 0)
    expect(taken(held)).toEqual(['6 after 5', '7'])
  })

  it('drop what has become too old, when more comes and when it is taken', () => {
    const held = holding({ policy: 'drop-oldest', maxBytes: 100 * LENGTH, maxAgeMs: 1000 })
    held.push(message('1'), 0)
    held.push(message('2'), 500)
    expect(held.push(message('3'), 1100)).toBe(1)
    expect(taken(held, 1600)).toEqual(['3 after 2'])
  })

  it('remember what was dropped when nothing is left, to be told with the next message', () => {
    const held = holding({ policy: 'drop-oldest', maxBytes: 100 * LENGTH, maxAgeMs: 1000 })
    held.push(message('1'), 0)
    expect(held.take(5000)).toBeUndefined()
    expect(held.dropped).toBe(1)
    held.push(message('2'), 5000)
    expect(taken(held, 5000)).toEqual(['2 after 1'])
  })
})
