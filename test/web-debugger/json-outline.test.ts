import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outlineJson, textOfLine } from '../../web-debugger/stomp/json-outline.ts'

const text = (json: string) => outlineJson(json).map(textOfLine).join('\n')

describe('the lines of JSON', () => {
  it('are as JSON.stringify writes them, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(text(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2))
      }),
    )
  })

  it('keep numbers, escapes and repeated names as they were typed', () => {
    expect(text('{"a":1.0e3,"a":12345678901234567890,"\\u0041":"\\/"}')).toBe(
      '{\n  "a": 1.0e3,\n  "a": 12345678901234567890,\n  "\\u0041": "\\/"\n}',
    )
  })

  it('know where what begins in them ends, and how much is in it', () => {
    const lines = outlineJson('{"a":[1,{"b":2}],"c":{}}')
    const folds = lines.flatMap(({ end, members }, at) =>
      end === undefined ? [] : [[at, end, members, textOfLine(lines[end]!).trim()]],
    )
    expect(folds).toEqual([
      [0, 8, 2, '}'],
      [1, 6, 2, '],'],
      [3, 5, 1, '}'],
    ])
  })

  it('say of each token what it is', () => {
    const kinds = outlineJson('{"a":[1,true,null,"a"]}').flatMap(({ tokens }) => tokens.map(({ kind }) => kind))
    expect(kinds.filter((kind) => kind !== 'sign')).toEqual(['key', 'number', 'word', 'word', 'string'])
  })

  it('of something very deep are there too', () => {
    const depth = 5_000
    expect(outlineJson('['.repeat(depth) + '1' + ']'.repeat(depth))).toHaveLength(2 * depth + 1)
  })
})
