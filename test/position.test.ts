import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareOffsets } from '../src/position.ts'

const digits = fc.stringMatching(/^\d{1,20}$/)
const offset = fc.oneof(
  digits,
  fc.tuple(digits, digits).map((parts) => parts.join('-')),
)

/** As numbers of any size. */
function numbersOf(text: string): [bigint, bigint] {
  const [first = '0', second = '0'] = text.split('-')
  return [BigInt(first), BigInt(second)]
}

describe('offsets', () => {
  it('are compared as numbers, part by part, however large they are and however they are written', () => {
    fc.assert(
      fc.property(offset, offset, (a, b) => {
        const [[aFirst, aSecond], [bFirst, bSecond]] = [numbersOf(a), numbersOf(b)]
        const expected =
          aFirst === bFirst ? Number(aSecond > bSecond) - Number(aSecond < bSecond) : aFirst > bFirst ? 1 : -1
        expect(Math.sign(compareOffsets(a, b))).toBe(expected)
      }),
    )
  })

  it.each([
    ['5-1', '5-2', -1],
    ['5-10', '5-9', 1],
    ['05-1', '5-01', 0],
    ['7', '7-0', 0],
    ['7', '7-1', -1],
    ['000', '0-0', 0],
    ['10', '9-99', 1],
  ])('compares %s with %s', (a, b, expected) => {
    expect(Math.sign(compareOffsets(a, b))).toBe(expected)
  })
})
