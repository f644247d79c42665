import { describe, expect, it } from 'vitest'
import { GroupFanout } from '../../src/runtime/groups.ts'

type Data = string | Uint8Array

/** What a socket writes; one object for all sockets of a group. */
interface Prepared {
  readonly messages: readonly Data[]
}

class Member {
  readonly written: Prepared[] = []

  get data(): Data[] {
    return this.written.flatMap(({ messages }) => messages)
  }

  write(prepared: Prepared): void {
    this.written.push(prepared)
  }
}

function setUp() {
  const prepared: (readonly Data[])[] = []
  const fanout = new GroupFanout<Prepared>((messages) => {
    prepared.push(messages)
    return { messages }
  })
  const [one, other] = [new Member(), new Member()]
  return { fanout, prepared, one, other }
}

describe('group fan-out', () => {
  it('writes what is written at once and in order to each member, prepared once for all', () => {
    const { fanout, prepared, one, other } = setUp()
    fanout.join('g', one)
    fanout.join('g', other)
    const written = ['a', Uint8Array.of(1), 'b']
    for (const [i, data] of written.entries()) {
      fanout.write('g', [data])
      expect([one.data, other.data]).toEqual([written.slice(0, i + 1), written.slice(0, i + 1)])
    }
    expect(prepared).toEqual(written.map((data) => [data]))
    for (const [i, prepared] of one.written.entries()) expect(other.written[i]).toBe(prepared)
  })

  it('writes several messages at once, prepared together', () => {
    const { fanout, prepared, one, other } = setUp()
    for (const member of [one, other]) fanout.join('g', member)
    const messages = ['a', Uint8Array.of(1), 'b']
    fanout.write('g', messages)
    expect(prepared).toEqual([messages])
    for (const { written } of [one, other]) expect(written).toEqual([{ messages }])
  })

  it('keeps groups apart, and prepares nothing for a group without members', () => {
    const { fanout, prepared, one, other } = setUp()
    fanout.join('g1', one)
    fanout.join('g2', other)
    fanout.join('left', one)
    fanout.leave('left', one)
    for (const [group, text] of [
      ['g1', 'a'],
      ['g2', 'b'],
      ['g3', 'c'],
      ['left', 'd'],
      ['g1', 'e'],
    ] as const)
      fanout.write(group, [text])
    expect([one.data, other.data]).toEqual([['a', 'e'], ['b']])
    expect(prepared).toEqual([['a'], ['b'], ['e']])
  })

  it('gives a newcomer nothing of what was written before it joined', () => {
    const { fanout, one, other } = setUp()
    fanout.join('g', one)
    fanout.write('g', ['before'])
    fanout.join('g', other)
    fanout.write('g', ['after'])
    expect(one.data).toEqual(['before', 'after'])
    expect(other.data).toEqual(['after'])
  })

  it('#72 gives a leaver all that was written before it left and nothing after', () => {
    const { fanout, one, other } = setUp()
    fanout.join('g', one)
    fanout.join('g', other)
    fanout.write('g', ['before'])
    fanout.leave('g', one)
    fanout.write('g', ['after'])
    expect(one.data).toEqual(['before'])
    expect(other.data).toEqual(['before', 'after'])
  })

  it('gives once to a member that has joined twice, and nothing after it left once', () => {
    const { fanout, one } = setUp()
    fanout.join('g', one)
    fanout.join('g', one)
    fanout.write('g', ['a'])
    fanout.leave('g', one)
    fanout.write('g', ['b'])
    expect(one.data).toEqual(['a'])
  })

  it('takes a leave of a group that the member is not in', () => {
    const { fanout, one, other } = setUp()
    fanout.join('g', one)
    fanout.leave('g', other)
    fanout.leave('nowhere', one)
    fanout.write('g', ['a'])
    expect(one.data).toEqual(['a'])
  })

  it('goes on with the others when a member leaves as it is written to', () => {
    const { fanout, one, other } = setUp()
    const leaver = { write: () => fanout.leave('g', leaver) }
    for (const member of [one, leaver, other]) fanout.join('g', member)
    fanout.write('g', ['a'])
    fanout.write('g', ['b'])
    expect([one.data, other.data]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
  })
})
