import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GatheringFanout, joined } from '../../src/runtime/groups.ts'
import { turn } from '../support/fake-turn.ts'

type Data = string | Uint8Array

/** The longest text that is gathered. */
const LIMIT = 16_384

class Member {
  readonly written: Data[] = []

  write(data: Data): void {
    this.written.push(data)
  }
}

function setUp(joinFrames = true) {
  const prepared: Data[] = []
  const fanout = new GatheringFanout<Data>((data) => {
    prepared.push(data)
    return data
  }, joinFrames)
  const [one, other] = [new Member(), new Member()]
  return { fanout, prepared, one, other }
}

const bytes = (...values: number[]) => new Uint8Array(values)

describe('joined', () => {
  it.each<[string, Data[], Data[]]>([
    ['joins texts', ['a', 'b', 'c'], ['abc']],
    ['leaves a single frame as it is', ['a'], ['a']],
    ['leaves single bytes as they are', [bytes(1)], [bytes(1)]],
    [
      'keeps bytes by themselves and in their place',
      ['a', 'b', bytes(1), bytes(2), 'c', 'd'],
      ['ab', bytes(1), bytes(2), 'cd'],
    ],
    ['begins with bytes', [bytes(1), 'a', 'b'], [bytes(1), 'ab']],
    ['fills a text up to the limit', ['x'.repeat(LIMIT - 1), 'y', 'z'], [`${'x'.repeat(LIMIT - 1)}y`, 'z']],
    ['begins a new text beyond the limit', ['x'.repeat(LIMIT - 1), 'yy', 'z'], ['x'.repeat(LIMIT - 1), 'yyz']],
    ['leaves a long text by itself', ['a', 'x'.repeat(LIMIT + 1), 'b'], ['a', 'x'.repeat(LIMIT + 1), 'b']],
  ])('%s', (_name, frames, expected) => {
    expect(joined(frames)).toEqual(expected)
  })

  it('loses and reorders nothing, and joins no text beyond the limit', () => {
    const text = fc.integer({ min: 1, max: LIMIT + 10 }).map((length) => 'x'.repeat(length))
    const frame = fc.oneof(fc.string({ minLength: 1 }), text, fc.uint8Array({ minLength: 1, maxLength: 5 }))
    const content = (frames: readonly Data[]) => Buffer.concat(frames.map((each) => Buffer.from(each)))
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 20 }), (frames) => {
        const result = joined(frames)
        expect(content(result).equals(content(frames))).toBe(true)
        expect(result.filter((each) => typeof each !== 'string')).toEqual(
          frames.filter((each) => typeof each !== 'string'),
        )
        for (const each of result) {
          if (typeof each === 'string' && each.length > LIMIT) expect(frames).toContain(each)
        }
      }),
    )
  })
})

describe('gathering fan-out', () => {
  it('writes what a turn publishes to a group once per member, prepared once', async () => {
    const { fanout, prepared, one, other } = setUp()
    fanout.join('g', one)
    fanout.join('g', other)
    fanout.publish('g', 'a')
    fanout.publish('g', 'b')
    expect(one.written).toEqual([])
    await turn()
    expect([one.written, other.written, prepared]).toEqual([['ab'], ['ab'], ['ab']])
  })

  it('begins anew with the next turn', async () => {
    const { fanout, one } = setUp()
    fanout.join('g', one)
    for (const text of ['a', 'b']) {
      fanout.publish('g', text)
      await turn()
    }
    expect(one.written).toEqual(['a', 'b'])
  })

  it('writes each frame by itself when it is not to join frames', async () => {
    const { fanout, one } = setUp(false)
    fanout.join('g', one)
    for (const frame of ['a', 'b', bytes(1)]) fanout.publish('g', frame)
    await turn()
    expect(one.written).toEqual(['a', 'b', bytes(1)])
  })

  it('keeps groups apart, and prepares nothing for a group without members', async () => {
    const { fanout, prepared, one, other } = setUp()
    fanout.join('g1', one)
    fanout.join('g2', other)
    for (const [group, text] of [
      ['g1', 'a'],
      ['g2', 'b'],
      ['g3', 'c'],
      ['g1', 'd'],
    ] as const)
      fanout.publish(group, text)
    await turn()
    expect([one.written, other.written]).toEqual([['ad'], ['b']])
    expect(prepared).toEqual(['ad', 'b'])
  })

  it('gives a newcomer nothing of what was published before it joined', async () => {
    const { fanout, one, other } = setUp()
    fanout.join('g', one)
    fanout.publish('g', 'before')
    fanout.join('g', other)
    fanout.publish('g', 'after')
    await turn()
    expect(one.written.join('')).toBe('beforeafter')
    expect(other.written).toEqual(['after'])
  })

  it('#72 gives a leaver all that was published before it left and nothing after', async () => {
    const { fanout, one, other } = setUp()
    fanout.join('g', one)
    fanout.join('g', other)
    fanout.publish('g', 'before')
    fanout.leave('g', one)
    expect(one.written).toEqual(['before'])
    fanout.publish('g', 'after')
    await turn()
    expect(one.written).toEqual(['before'])
    expect(other.written.join('')).toBe('beforeafter')
  })

  it('takes a leave of a group that the member is not in', async () => {
    const { fanout, one, other } = setUp()
    fanout.join('g', one)
    fanout.leave('g', other)
    fanout.leave('nowhere', one)
    fanout.publish('g', 'a')
    await turn()
    expect(one.written).toEqual(['a'])
  })

  it('writes out on flush, and not again later', async () => {
    const { fanout, one } = setUp()
    fanout.join('g', one)
    fanout.publish('g', 'a')
    fanout.flush()
    expect(one.written).toEqual(['a'])
    fanout.flush()
    await turn()
    expect(one.written).toEqual(['a'])
  })

  it('goes on with the others when a member leaves as it is written to', async () => {
    const { fanout, one, other } = setUp()
    const leaver = { write: () => fanout.leave('g', leaver) }
    for (const member of [one, leaver, other]) fanout.join('g', member)
    fanout.publish('g', 'a')
    await turn()
    fanout.publish('g', 'b')
    await turn()
    expect([one.written, other.written]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
  })
})
