import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { textOf } from '../src/text.ts'

describe('octets', () => {
  it('are a text only if that is written as exactly these', () => {
    const octets = fc.oneof(
      fc.uint8Array(),
      fc.string({ unit: 'binary' }).map((text) => new TextEncoder().encode(text)),
    )
    fc.assert(
      fc.property(octets, (each) => {
        const text = textOf(each)
        if (text !== undefined) expect([...new TextEncoder().encode(text)]).toEqual([...each])
      }),
    )
  })

  it.each(['', 'text', 'Grüße, 世界 🙂', '\uFEFFwith a mark', 'NUL \0'])('of %j are that text', (text) => {
    expect(textOf(new TextEncoder().encode(text))).toBe(text)
  })

  it.each([[[0xff]], [[0xc3]], [[0xed, 0xa0, 0x80]]])('%j are none', (octets) => {
    expect(textOf(new Uint8Array(octets))).toBeUndefined()
  })
})
