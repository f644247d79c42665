import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_TEXT, Pattern } from '../../web-debugger/stomp/pattern.ts'

const pattern = (source: string, flags = '') =>
  new Pattern(source, { ignoresCase: flags.includes('i'), dotIsAll: flags.includes('s') })
const found = (source: string, text: string, flags = '') =>
  pattern(source, flags)
    .ranges(text, 100)
    .map(({ from, to }) => text.slice(from, to))

describe('a pattern finds what the engine of JavaScript finds', () => {
  /** Expressions of all that is understood, on texts of the same few letters. */
  const expression = fc.letrec<{ atom: string; tree: string }>((tie) => ({
    atom: fc.oneof(
      fc.constantFrom(
        'a',
        'b',
        'B',
        '_',
        '.',
        ' ',
        '\\n',
        '\\d',
        '\\w',
        '\\W',
        '\\s',
        '[ab]',
        '[^a]',
        '[a-b_]',
        '\\x61',
      ),
      fc.constantFrom('^', '$', '\\b', '\\B', '\\.', '1', 'é'),
      fc.tuple(tie('tree'), fc.constantFrom('', '?:', '?<n>')).map(([tree, start]) => `(${start}${tree})`),
    ),
    tree: fc.oneof(
      { depthSize: 'small' },
      tie('atom'),
      fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => a + b),
      fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => `${a}|${b}`),
      fc
        .tuple(tie('tree'), fc.constantFrom('*', '+', '?', '{2}', '{1,}', '{0,2}', '*?', '+?'))
        .map(([tree, sign]) => `(?:${tree})${sign}`),
    ),
  })).tree
  const text = fc.array(fc.constantFrom('a', 'b', 'A', '_', ' ', '\n', '1', '.', 'é', 'É'), { maxLength: 12 })

  it.each(['', 'i', 's'])('with the flags "%s"', (flags) => {
    fc.assert(
      fc.property(expression, text, (source, letters) => {
        // One name can be given once.
        const named = source.replace(/\(\?<n>/g, '(?:')
        const joined = letters.join('')
        expect(pattern(source, flags).test(joined)).toBe(new RegExp(named, `m${flags}`).test(joined))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a pattern', () => {
  it('tells where it is, the longest from each place', () => {
    expect(found('\\d+', 'a 12 b 345')).toEqual(['12', '345'])
    expect(found('a|ab', 'ab')).toEqual(['ab'])
    expect(found('^\\w+', 'one two\nthree')).toEqual(['one', 'three'])
    expect(found('x*', 'aaa')).toEqual([])
    expect(found('o.e', 'ONE', 'i')).toEqual(['ONE'])
    expect(found('b$', 'MESSAGE\n\nab\0')).toEqual(['b'])
  })

  it.each(['(a+)+b', '(a|a)*b', '(a|aa)+$', '(.*)*x', '(\\w+\\s?)*:', 'a?'.repeat(60) + 'a'.repeat(60)])(
    'takes no time that grows faster than the text: %s',
    (source) => {
      const long = 'a'.repeat(MAX_TEXT) + '!'
      const each = pattern(source)
      const startedAt = performance.now()
      each.test(long)
      each.ranges(`${long}b`, 100)
      // The engine of JavaScript would need years. Machines that run tests have other work too.
      expect(performance.now() - startedAt).toBeLessThan(2_000)
    },
    10_000,
  )

  it('looks at the beginning of a text that is longer than it looks through', () => {
    expect(pattern('b').test(`${'a'.repeat(MAX_TEXT - 1)}b`)).toBe(true)
    expect(pattern('b').test(`${'a'.repeat(MAX_TEXT)}b`)).toBe(false)
  })

  it.each([
    ['(a', 'A "(" is not closed'],
    ['a)', 'has no "("'],
    ['[a', 'A "[" is not closed'],
    ['*a', 'Nothing to repeat before "*"'],
    ['a**', 'follow each other'],
    ['a{3,2}', 'the wrong way round'],
    ['[b-a]', 'the wrong way round'],
    ['a\\', 'ends with a backslash'],
    ['(?=a)', 'cannot be used here'],
    ['(?<!a)', 'cannot be used here'],
    ['(a)\\1', 'refers back'],
    ['\\q', '"\\q" is not understood'],
    ['(?#a)', 'not understood'],
    ['(a{50}){50}', 'too large'],
    ['(){1000000000}', 'At most 400 times'],
    ['a'.repeat(501), 'At most 500 characters'],
  ])('says what is wrong with %s', (source, problem) => {
    expect(() => pattern(source)).toThrow(problem)
  })
})
