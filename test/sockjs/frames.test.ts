import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closeFrame, messageFrame, parsePayload, quoteAll } from '../../src/sockjs/frames.ts'
import { QuotedMessages } from '../../src/sockjs/quoted-messages.ts'

/** Any string that JavaScript has, with lone surrogates and what SockJS has to escape. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('\u0000', '"', '\\', '\n', '\u200d', '\u2028', '\u2060', '\uffff', '\ud800', '\udc00'),
  }),
  fc.string(),
)

/** What clients do with a frame: its first character, and JSON. */
const read = (frame: string) => [frame[0], JSON.parse(frame.slice(1)) as unknown] as const

describe('frames', () => {
  it('bring any messages as they are', () => {
    fc.assert(
      fc.property(fc.array(text), (messages) => {
        expect(read(messageFrame(quoteAll(messages)))).toEqual(['a', messages])
      }),
    )
  })

  it('bring any reason as it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 4999 }), text, (code, reason) => {
        expect(read(closeFrame(code, reason))).toEqual(['c', [code, reason]])
      }),
    )
  })

  it('are one line of UTF-8, in which nothing stands that browsers change', () => {
    fc.assert(
      fc.property(fc.array(text), (messages) => {
        const { line } = new QuotedMessages(messages)
        const decoded = new TextDecoder('utf-8', { fatal: true }).decode(line)
        expect(decoded).not.toMatch(/[\u200c-\u200f\u2028-\u202f\u2060-\u206f\ufff0-\uffff]/)
        expect(decoded.indexOf('\n')).toBe(decoded.length - 1)
        expect(read(decoded)).toEqual(['a', messages])
      }),
    )
  })

  it('have each character escaped that SockJS 0.3.3 wants escaped, in its form', () => {
    const units = Array.from({ length: 65_536 }, (_, unit) => String.fromCharCode(unit))
    const wanted = units.filter((unit) => /[\x00-\x1f\u200c-\u200f\u2028-\u202f\u2060-\u206f\ufff0-\uffff]/.test(unit))
    const short = { '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r' } as Record<string, string>
    const escaped = wanted.map((unit) => short[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    expect(quoteAll([wanted.join('')])).toBe(`"${escaped.join('')}"`)
  })

  it('bring bytes that are UTF-8 as the text that they are, with a byte order mark too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (body) => {
        const bytes = new TextEncoder().encode(`\ufeff${body}`)
        expect(new QuotedMessages([bytes, body]).text).toBe(quoteAll([`\ufeff${body}`, body]))
      }),
    )
  })
})

describe('a payload', () => {
  it('of any strings is read as they are', () => {
    fc.assert(
      fc.property(fc.array(text), (messages) => {
        expect(parsePayload(JSON.stringify(messages))).toEqual(messages)
      }),
    )
  })

  it('may be a single string', () => {
    expect(parsePayload('"a"')).toEqual(['a'])
  })

  it.each(['', ' ', '["a', '[1]', '["a",null]', '{}', 'null', '1', '[["a"]]', 'a', '["a"]["b"]', '["\n"]'])(
    'of %j is none',
    (payload) => {
      expect(parsePayload(payload)).toBeUndefined()
    },
  )

  it('of junk is none, and throws nothing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (payload) => {
        const messages = parsePayload(payload)
        if (messages) for (const message of messages) expect(typeof message).toBe('string')
      }),
    )
  })

  it('that is nested is none, however deep', () => {
    expect(parsePayload('['.repeat(2_000_000))).toBeUndefined()
    expect(parsePayload('['.repeat(500_000) + ']'.repeat(500_000))).toBeUndefined()
  })
})
