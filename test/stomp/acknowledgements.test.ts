import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { Version } from '../../frames/index.ts'
import { AckMode, type Subscription } from '../../src/client/subscription.ts'
import { Acknowledgements } from '../../src/stomp/acknowledgements.ts'
import { ClientStage, type FakeDoor } from '../client/stage.ts'
import { codeOf } from '../support/failure.ts'
import { frameOf } from '../support/fake-socket.ts'

const { V1_0, V1_1, V1_2 } = Version

let stage: ClientStage
let door: FakeDoor
let acknowledgements: Acknowledgements

/** Begins with a client that has nothing. */
function setUp(maxUnacked: number): void {
  door = stage.open()
  acknowledgements = new Acknowledgements(door.client.subscriptions, maxUnacked)
}
beforeEach(() => {
  stage = new ClientStage({ maxClients: 1000 })
  setUp(1000)
})

function subscribe(id: string, ackMode: AckMode): Subscription {
  door.subscribe('/topic/a', id, ackMode)
  return door.client.subscriptions.get(id)!
}

/** How many are settled by that frame. */
function ack(version: Version, headers: Readonly<Record<string, string>>): number {
  return acknowledgements.settle(acknowledgements.find(frameOf('ACK', headers), version)).length
}

describe('acknowledgements', () => {
  it('#77 give each delivery an ack value of its own in the session', () => {
    const [one, other] = [subscribe('1', AckMode.client), subscribe('2', AckMode.individual)]
    const values = [1, 2, 3].flatMap((n) => [one, other].map((each) => acknowledgements.add(each, `node-${n}`)))
    expect(new Set(values).size).toBe(6)
  })

  it('#77 never give out an ack value again, also for an id that is used again', () => {
    const first = acknowledgements.add(subscribe('1', AckMode.client), 'node-1')
    door.client.unsubscribe('1', undefined)
    expect(acknowledgements.add(subscribe('1', AckMode.client), 'node-1')).not.toBe(first)
  })

  it.each([
    ['#81 1.2 by id', V1_2, (value: string) => ({ id: value })],
    ['#78 #82 1.1 by message-id and subscription', V1_1, () => ({ 'message-id': 'node-1', subscription: '1' })],
    ['#83 1.0 by message-id', V1_0, () => ({ 'message-id': 'node-1' })],
  ])('%s find the delivery', (_name, version, headersFor) => {
    const value = acknowledgements.add(subscribe('1', AckMode.client), 'node-1')
    expect(ack(version, headersFor(value))).toBe(1)
  })

  it.each([
    ['#81 1.2 without id', V1_2, { 'message-id': 'node-1', subscription: '1' }],
    ['#82 1.1 without subscription', V1_1, { 'message-id': 'node-1', id: 'x' }],
    ['#82 1.1 without message-id', V1_1, { subscription: '1' }],
    ['#83 1.0 without message-id', V1_0, { id: 'x', subscription: '1' }],
  ])('%s are refused with missing-header', (_name, version, headers) => {
    acknowledgements.add(subscribe('1', AckMode.client), 'node-1')
    expect(codeOf(() => ack(version, headers))).toBe('missing-header')
  })

  it.each([V1_0, V1_1, V1_2])(
    '#84 in client mode settle everything before too, of that subscription only (%s)',
    (version) => {
      const [one, other] = [subscribe('1', AckMode.client), subscribe('2', AckMode.client)]
      const values = Array.from({ length: 6 }, (_, i) => acknowledgements.add(i % 2 ? other : one, `node-${i + 1}`))
      const third = { id: values[2]!, 'message-id': 'node-3', subscription: '1' }
      expect(ack(version, third)).toBe(2) // 1 and 3
      expect(ack(version, { id: values[4]!, 'message-id': 'node-5', subscription: '1' })).toBe(1)
      expect(ack(version, { id: values[5]!, 'message-id': 'node-6', subscription: '2' })).toBe(3) // 2, 4 and 6
    },
  )

  it.each([V1_1, V1_2])('#85 in client-individual mode settle that one only (%s)', (version) => {
    const one = subscribe('1', AckMode.individual)
    const values = [1, 2, 3].map((n) => acknowledgements.add(one, `node-${n}`))
    for (const n of [2, 3, 1]) {
      expect(ack(version, { id: values[n - 1]!, 'message-id': `node-${n}`, subscription: '1' })).toBe(1)
    }
  })

  it('#83 in 1.0 settle one subscription after the other where two got the message', () => {
    for (const id of ['1', '2']) acknowledgements.add(subscribe(id, AckMode.client), 'node-1')
    expect(ack(V1_0, { 'message-id': 'node-1' })).toBe(1)
    expect(ack(V1_0, { 'message-id': 'node-1' })).toBe(1)
    expect(ack(V1_0, { 'message-id': 'node-1' })).toBe(0)
  })

  it.each([
    ['nothing was delivered', V1_2, { id: '1.node-1' }, []],
    ['it is no value of ours', V1_2, { id: 'whatever' }, ['node-1']],
    ['it is empty', V1_2, { id: '' }, ['node-1']],
    ['it names a subscription that never was', V1_2, { id: '7.node-1' }, ['node-1']],
    ['it names a message that is still to come', V1_2, { id: '1.node-2' }, ['node-1']],
    ['it names another node', V1_2, { id: '1.other-1' }, ['node-1']],
    ['it names a serial in another spelling', V1_2, { id: '0x1.node-1' }, ['node-1']],
    ['the message is still to come', V1_1, { 'message-id': 'node-9', subscription: '1' }, ['node-1']],
    ['the message is of another node', V1_1, { 'message-id': 'other-1', subscription: '1' }, ['node-1']],
    ['the message is none of ours', V1_0, { 'message-id': 'whatever' }, ['node-1']],
    ['the message has a number beyond all', V1_0, { 'message-id': `node-${'9'.repeat(400)}` }, ['node-1']],
    ['nothing was delivered to be acknowledged', V1_1, { 'message-id': 'node-1', subscription: '1' }, []],
  ])('#89 are refused with unknown-ack when %s', (_name, version, headers, delivered) => {
    const one = subscribe('1', AckMode.client)
    for (const messageId of delivered) acknowledgements.add(one, messageId)
    expect(codeOf(() => ack(version, headers as Record<string, string>))).toBe('unknown-ack')
  })

  it('#89 ignore what was settled before, or whose subscription has ended: the client cannot always know', () => {
    const one = subscribe('1', AckMode.client)
    const values = [1, 2].map((n) => acknowledgements.add(one, `node-${n}`))
    expect(ack(V1_2, { id: values[1]! })).toBe(2)
    for (const id of values) expect(ack(V1_2, { id })).toBe(0)
    acknowledgements.add(one, 'node-3')
    acknowledgements.release(door.client.unsubscribe('1', undefined)!)
    expect(ack(V1_2, { id: '1.node-3' })).toBe(0)
    expect(ack(V1_1, { 'message-id': 'node-3', subscription: '1' })).toBe(0)
    expect(ack(V1_0, { 'message-id': 'node-3' })).toBe(0)
  })

  it('#73 forget what a subscription left when it ends, and nothing else', () => {
    const [one, other] = [subscribe('1', AckMode.client), subscribe('2', AckMode.client)]
    acknowledgements.add(one, 'node-1')
    const value = acknowledgements.add(other, 'node-2')
    acknowledgements.release(one)
    expect(ack(V1_2, { id: value })).toBe(1)
  })

  it('#73 do not take what a new subscription with the same id got for that of the old', () => {
    const old = subscribe('1', AckMode.client)
    const value = acknowledgements.add(old, 'node-1')
    acknowledgements.release(door.client.unsubscribe('1', undefined)!)
    acknowledgements.add(subscribe('1', AckMode.client), 'node-2')
    expect(ack(V1_2, { id: value })).toBe(0)
    expect(ack(V1_1, { 'message-id': 'node-2', subscription: '1' })).toBe(1)
  })

  it('of a target that was found before settle nothing once it has been settled', () => {
    const one = subscribe('1', AckMode.client)
    acknowledgements.add(one, 'node-1')
    const target = acknowledgements.find(frameOf('ACK', { id: '1.node-1' }), V1_2)
    expect(acknowledgements.settle(target)).toHaveLength(1)
    expect(acknowledgements.settle(target)).toHaveLength(0)
  })

  it('hold no more than the limit: the oldest of a subscription that never acknowledges is forgotten', () => {
    setUp(3)
    const one = subscribe('1', AckMode.client)
    for (let n = 1; n <= 10; n++) acknowledgements.add(one, `node-${n}`)
    expect(ack(V1_2, { id: '1.node-7' })).toBe(0)
    expect(ack(V1_2, { id: '1.node-10' })).toBe(3)
  })

  it('keep within the limit what was delivered last, over all subscriptions', () => {
    setUp(3)
    const all = ['1', '2', '3', '4', '5'].map((id) => subscribe(id, AckMode.individual))
    for (const [i, each] of all.entries()) acknowledgements.add(each, `node-${i + 1}`)
    const settled = all.map(({ serial }, i) => ack(V1_2, { id: `${serial}.node-${i + 1}` }))
    expect(settled).toEqual([0, 0, 1, 1, 1])
  })

  it('after clear know nothing that waits, but what was delivered', () => {
    acknowledgements.add(subscribe('1', AckMode.client), 'node-1')
    acknowledgements.clear()
    expect(ack(V1_2, { id: '1.node-1' })).toBe(0)
  })

  it('settle each delivery at most once, and in client mode all before it, in any order of ACKs', () => {
    const modes = fc.array(fc.constantFrom(AckMode.client, AckMode.individual), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(modes, fc.array(fc.tuple(fc.boolean(), fc.nat(), fc.nat()), { maxLength: 60 }), (all, steps) => {
        setUp(1000)
        const subscribed = all.map((mode, i) => subscribe(`${i}`, mode))
        const open = all.map((): number[] => [])
        let last = 0
        for (const [isDelivery, which, n] of steps) {
          const i = which % all.length
          if (isDelivery) {
            acknowledgements.add(subscribed[i]!, `node-${++last}`)
            open[i]!.push(last)
          } else if (last > 0) {
            const number = 1 + (n % last)
            const before = open[i]!
            const at = before.indexOf(number)
            const expected = at < 0 ? 0 : all[i] === AckMode.client ? at + 1 : 1
            open[i] =
              at < 0
                ? before
                : all[i] === AckMode.client
                  ? before.slice(at + 1)
                  : before.filter((each) => each !== number)
            expect(ack(V1_2, { id: `${subscribed[i]!.serial}.node-${number}` })).toBe(expected)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})
