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
  const prepared: Data[] = []
  const fanout = new GroupFanout<Prepared>((messages) => {
    prepared.push(...messages)
    return { messages }
  })
  const [one, other] = [new Member(), new Member()]
  return { fanout, prepared, one, other }
}

describe('group fan-out', () => {
  it('writes what is published at once and in order to each member, prepared once for all', () => {
    const { fanout, prepared, one, other } = setUp()
    fanout.join('g', one)
    fanout.join('g', other)
    const published = ['a', Uint8Array.of(1), 'b']
    for (const [i, data] of published.entries()) {
      fanout.publish('g', [data])
      expect([one.data, other.data]).toEqual([published.slice(0, i + 1), published.slice(0, i + 1)])
    }
    expect(prepared).toEqual(published)
    for (const [i, written] of one.written.entries()) expect(other.written[i]).toBe(written)
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
      fanout.publish(group, [text])
    expect([one.data, other.data]).toEqual([['a', 'e'], ['b']])
    expect(prepared).toEqual(['a', 'b', 'e'])
  })

  it('gives a newcomer nothing of what was published before it joined', () => {
    const { fanout, one, other } = setUp()
    fanout.join('g', one)
    fanout.publish('g', ['before'])
    fanout.join('g', other)
    fanout.publish('g', ['after'])
    expect(one.data).toEqual(['before', 'after'])
    expect(other.data).toEqual(['after'])
  })

  it('#72 gives a leaver all that was published before it left and nothing after', () => {
    const { fanout, one, other } = setUp()
    fanout.join('g', one)
    fanout.join('g', other)
    fanout.publish('g', ['before'])
    fanout.leave('g', one)
    fanout.publish('g', ['after'])
    expect(one.data).toEqual(['before'])
    expect(other.data).toEqual(['before', 'after'])
  })

  it('gives once to a member that has joined twice, and nothing after it left once', () => {
    const { fanout, one } = setUp()
    fanout.join('g', one)
    fanout.join('g', one)
    fanout.publish('g', ['a'])
    fanout.leave('g', one)
    fanout.publish('g', ['b'])
    expect(one.data).toEqual(['a'])
  })

  it('takes a leave of a group that the member is not in', () => {
    const { fanout, one, other } = setUp()
    fanout.join('g', one)
    fanout.leave('g', other)
    fanout.leave('nowhere', one)
    fanout.publish('g', ['a'])
    expect(one.data).toEqual(['a'])
  })

  it('goes on with the others when a member leaves as it is written to', () => {
    const { fanout, one, other } = setUp()
    const leaver = { write: () => fanout.leave('g', leaver) }
    for (const member of [one, leaver, other]) fanout.join('g', member)
    fanout.publish('g', ['a'])
    fanout.publish('g', ['b'])
    expect([one.data, other.data]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
  })
})
