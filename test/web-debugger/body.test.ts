import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatJson, parseBase64, parseEscapes, parseHex, toBase64, toHex } from '../../web-debugger/stomp/body.ts'

describe('bodies', () => {
  it('hex and Base64 read what they wrote', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(parseHex(toHex(bytes))).toEqual({ value: bytes })
        expect(parseBase64(toBase64(bytes))).toEqual({ value: bytes })
      }),
    )
  })

  it('Base64 of more than one call can take', () => {
    const bytes = new Uint8Array(200_000).map((_, i) => i)
    expect(parseBase64(toBase64(bytes))).toEqual({ value: bytes })
  })

  it.each(['48656c6c6f', '48 65 6C 6C 6F', '0x48,0x65,0x6c,0x6c,0x6f', '48:65:6c:6c:6f', '48-65\n6c 6c 6f'])(
    'hex may be written as %j',
    (text) => expect(parseHex(text)).toEqual({ value: new TextEncoder().encode('Hello') }),
  )

  it.each([
    ['4g', '"g" is no hex digit'],
    ['486', 'A digit is missing'],
  ])('hex %j is refused', (text, problem) => expect(parseHex(text).problem).toContain(problem))

  it.each(['SGVsbG8', 'SGVsbG8=', ' SGVs\nbG8= '])('Base64 may be written as %j', (text) =>
    expect(parseBase64(text)).toEqual({ value: new TextEncoder().encode('Hello') }),
  )
  it('Base64 may be URL-safe', () => expect(parseBase64('-_8')).toEqual({ value: new Uint8Array([0xfb, 0xff]) }))
  it.each(['S', 'SG!s', 'ä'])('Base64 %j is refused', (text) =>
    expect(parseBase64(text)).toEqual({ problem: 'This is not Base64' }),
  )

  it('escapes become the characters that they stand for', () => {
    expect(parseEscapes('SEND\\nx:1\\r\\n\\nb\\x41\\\\c\\t\\0')).toEqual({ value: 'SEND\nx:1\r\n\nbA\\c\t\0' })
  })
  it.each(['\\q', 'a\\', '\\x4'])('escape %j is refused', (text) =>
    expect(parseEscapes(text).problem).toContain('Unknown escape'),
  )
})

describe('formatJson', () => {
  it('writes JSON as JSON.stringify does', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (json) => {
        const value: unknown = JSON.parse(json)
        expect(formatJson(JSON.stringify(value))).toBe(JSON.stringify(value, undefined, 2))
      }),
    )
  })

  it('leaves numbers and escapes as they were sent', () => {
    expect(formatJson('{"id":12345678901234567890,"x":1.10,"u":"\\u00e9"}')).toBe(
      '{\n  "id": 12345678901234567890,\n  "x": 1.10,\n  "u": "\\u00e9"\n}',
    )
  })

  it('gives nothing for what is no JSON', () => expect(formatJson('{a: 1}')).toBeUndefined())
})
