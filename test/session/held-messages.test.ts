/** What waits for a client that is behind. */
import { describe, expect, it } from 'vitest'
import { MessageTemplate } from '../../frames/index.ts'
import { HeldMessages, type HeldMessage } from '../../src/session/held-messages.ts'

function message(messageId: string, atMs = 0, body = 'x'): HeldMessage {
  return { template: new MessageTemplate([['message-id', messageId]], body, '1.2'), messageId, atMs }
}

const LENGTH = message('1').template.length

/** Everything that can be taken now, as `id` or `id after N`. */
function taken(held: HeldMessages, nowMs = 0): string[] {
  const result: string[] = []
  for (let next = held.take(nowMs); next; next = held.take(nowMs)) {
    result.push(next.dropped > 0 ? `${next.message.messageId} after ${next.dropped}` : next.message.messageId)
  }
  return result
}

describe('held messages', () => {
  it('with drop-oldest keep the newest within the bound on bytes, and tell how many were dropped', () => {
    const held = new HeldMessages({ policy: 'drop-oldest', maxBytes: 3 * LENGTH, maxAgeMs: 1000 })
    const dropped = ['1', '2', '3', '4', '5'].map((id) => held.push(message(id), undefined))
    expect(dropped).toEqual([0, 0, 0, 1, 1])
    expect(taken(held)).toEqual(['3 after 2', '4', '5'])
    expect(held.isEmpty).toBe(true)
    expect(held.dropped).toBe(0)
  })

  it('with drop-oldest keep a message that is larger than the bound by itself', () => {
    const held = new HeldMessages({ policy: 'drop-oldest', maxBytes: 10, maxAgeMs: 1000 })
    held.push(message('1'), undefined)
    held.push(message('2'), undefined)
    expect(taken(held)).toEqual(['2 after 1'])
  })

  it('with latest keep one message per key, in the order of the newest', () => {
    const held = new HeldMessages({ policy: 'latest', key: 'symbol', maxBytes: 100 * LENGTH, maxAgeMs: 1000 })
    for (const [id, key] of [
      ['1', 'A'],
      ['2', 'B'],
      ['3', 'A'],
      ['4', undefined],
      ['5', undefined],
    ] as const) {
      held.push(message(id), key)
    }
    expect(taken(held)).toEqual(['2 after 2', '3', '5'])
  })

  it('with latest keep within the bound on bytes whatever the number of keys', () => {
    const held = new HeldMessages({ policy: 'latest', key: 'symbol', maxBytes: 2 * LENGTH, maxAgeMs: 1000 })
    for (let i = 1; i < 8; i++) held.push(message(String(i)), String(i))
    expect(taken(held)).toEqual(['6 after 5', '7'])
  })

  it('drop what has become too old, when more comes and when it is taken', () => {
    const held = new HeldMessages({ policy: 'drop-oldest', maxBytes: 100 * LENGTH, maxAgeMs: 1000 })
    held.push(message('1', 0), undefined)
    held.push(message('2', 500), undefined)
    expect(held.push(message('3', 1100), undefined)).toBe(1)
    expect(taken(held, 1600)).toEqual(['3 after 2'])
  })

  it('remember what was dropped when nothing is left, to be told with the next message', () => {
    const held = new HeldMessages({ policy: 'drop-oldest', maxBytes: 100 * LENGTH, maxAgeMs: 1000 })
    held.push(message('1', 0), undefined)
    expect(held.take(5000)).toBeUndefined()
    expect(held.dropped).toBe(1)
    held.push(message('2', 5000), undefined)
    expect(taken(held, 5000)).toEqual(['2 after 1'])
  })
})
