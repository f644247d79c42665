import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBase64 } from '../../src/routes/base64.ts'

describe('Base64', () => {
  it('of any octets is read, with its padding and without', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (octets) => {
        const text = Buffer.from(octets).toString('base64')
        expect(fromBase64(text)).toEqual(octets)
        expect(fromBase64(text.replace(/=+$/, ''))).toEqual(octets)
      }),
    )
  })

  it.each([
    ['other characters', '!!'],
    ['white space', 'Zm9v YmFy'],
    ['a line feed', 'Zm9v\nYmFy'],
    ['the alphabet for URLs', '_-8='],
    ['the alphabet for URLs, without padding', '_-8'],
    ['a digit too many', 'Zm9vY'],
    ['too much padding', 'Zm9v='],
    ['too little padding', 'Zg='],
    ['three characters of padding', 'Z==='],
    ['padding alone', '='],
    ['padding inside', 'Zg==Zg=='],
    ['characters beyond ASCII', 'Zm9ü'],
  ])('is not what has %s', (_what, text) => {
    expect(fromBase64(text)).toBeUndefined()
  })
})
