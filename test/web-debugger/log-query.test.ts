import { describe, expect, it } from 'vitest'
import { encodeFrame, type FrameToEncode } from '../../frames/index.ts'
import { plainRecord, type FrameRecord } from '../../web-debugger/stomp/frame-record.ts'
import { parseQuery } from '../../web-debugger/stomp/log-query.ts'

function message(body: string, headers: Readonly<Record<string, string>> = {}): FrameRecord {
  const frame: FrameToEncode = { command: 'MESSAGE', headers: Object.entries(headers), body }
  const raw = encodeFrame(frame, '1.2')
  return {
    ...plainRecord(0, 'in', 'frame', raw, undefined),
    seq: 0,
    command: 'MESSAGE',
    destination: headers['destination'],
    version: '1.2',
  }
}
const fits = (query: string, record: FrameRecord) => parseQuery(query).matches(record)
const marked = (query: string, text: string, header?: string) =>
  parseQuery(query)
    .rangesIn(text, header)
    .map(({ from, to }) => text.slice(from, to))

const apples = message('order 7 of red apples', { destination: '/topic/fruit', 'x-note': 'a:b' })

describe('a query', () => {
  it.each([
    ['', true],
    ['   ', true],
    ['RED apples', true],
    ['red  apples', false],
    ['apples red', false],
    ['"red apples"', true],
    ['order -red', false],
    ['order -green', true],
    ['order -"red pears"', true],
    ['-"red apples"', false],
    ['/order \\d+/', true],
    ['/ORDER \\d+/', false],
    ['/ORDER \\d+/i red', true],
    ['/[/]topic/', true],
    ['-/order \\d/', false],
    ['/^order/ /apples$/', true],
    ['destination:/topic/fruit', true],
    ['destination:fruit', true],
    ['Destination:FRUIT', true],
    ['destination:"/topic/fruit"', true],
    ['-destination:/topic/fruit', false],
    ['destination:order', false],
    ['x-note:a:b', true],
    ['x-note:c', false],
    ['content-length:21', true],
    ['nowhere:x', false],
    ['size>20', true],
    ['size>1k', false],
    ['size<1k size>=50', true],
    ['-size<1k', false],
    ['size=1.5k', false],
    ['order destination:/topic/fruit -pears size<1MB /a+pples/', true],
    // What is typed on the way to an expression, and what only looks like one.
    ['/topic/fruit', true],
    ['/topic/pears', false],
    ['/order', false],
    ['/order[', false],
    ['/order/g', false],
    ['-', true],
    ['order 7 of', true],
  ])('%s fits: %s', (query, isFitting) => {
    expect([parseQuery(query).problem, fits(query, apples)]).toEqual([undefined, isFitting])
  })

  it('takes a URL, and JSON as it was sent, for text', () => {
    const json = message('{"url":"https://a.example/x","n":1}')
    expect(fits('https://a.example/x', json)).toBe(true)
    expect(fits('"n":1', json)).toBe(true)
    expect(fits('url":"https', json)).toBe(true)
  })

  it('looks for headers in frames, and in their heads alone', () => {
    expect(fits('a:b', message('\na:b'))).toBe(false)
    expect(fits('a:b', { ...plainRecord(0, 'note', 'note', 'a:b', undefined), seq: 0 })).toBe(false)
    expect(fits('"a:b"', message('\na:b'))).toBe(true)
    expect(fits('size<10', { ...plainRecord(0, 'note', 'note', 'Closed', undefined), seq: 0 })).toBe(false)
  })

  it('finds values by what they are, not by how they are escaped', () => {
    const escaped = message('', { path: 'c:\\d' })
    expect(fits('path:c:\\d', escaped)).toBe(true)
    expect(fits('path:\\c', escaped)).toBe(false)
  })

  it.each([
    ['/(/', '/(/: A "(" is not closed'],
    ['order /[a/', '/[a/: A "[" is not closed'],
    ['/[/', '/[/: A "[" is not closed'],
    ['-/or[der/i', '/or[der/: A "[" is not closed'],
    ['/order \\d+/g', '/order \\d+/g: only i, m and s'],
    ['-/(a|b)/q', '/(a|b)/q: only i, m and s'],
    ['size>many', 'size wants a number'],
    ['size>', 'size wants a number'],
  ])('that cannot be read in part says why, and leaves that part out: %s', (query, problem) => {
    const read = parseQuery(query).problem
    expect(read).toContain(problem)
    expect(fits(`${query} apples`, apples)).toBe(true)
    expect(fits(`${query} pears`, apples)).toBe(false)
  })

  it('marks what is wanted, each place once, and nothing that is not', () => {
    const text = 'Red apples, 12 of them: red, reddish'
    expect(marked('red', text)).toEqual(['Red', 'red', 'red'])
    expect(marked('apples /\\d+/ -pears size>1', text)).toEqual(['apples', '12'])
    expect(marked('/red\\w*/ red', text)).toEqual(['Red', 'red', 'reddish'])
    expect(marked('destination:fruit', '/topic/fruit', 'destination')).toEqual(['fruit'])
    expect(marked('destination:fruit', '/topic/fruit')).toEqual([])
    expect(marked('destination:fruit', '/topic/fruit', 'x-note')).toEqual([])
    const used = parseQuery('apples')
    expect(used.matches(message('0 1 2 3 4 5 6 7 8 9 apples'))).toBe(true)
    expect(used.rangesIn('apples')).toEqual([{ from: 0, to: 6 }])
    expect(parseQuery('-red size>1').hasRanges).toBe(false)
  })
})
