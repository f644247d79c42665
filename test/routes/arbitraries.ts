/** Templates, values and patterns of every nasty kind, and slow but obvious ways to say what matches what. */
import fc from 'fast-check'
import { templateProblems } from '../../src/config/template-syntax.ts'

/** Characters that mean something to globs, regular expressions, URLs or JSON. */
const NASTY = [
  'a',
  'b',
  'aa',
  ':',
  '-',
  '.',
  '_',
  '[',
  ']',
  '(',
  ')',
  '\\',
  '^',
  '$',
  '|',
  '+',
  '?',
  ' ',
  '\n',
  'é',
  '😀',
]

const VARIABLES = ['x', 'y', 'z']

const literal = fc.array(fc.constantFrom(...NASTY, '/'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(''))

/** A well-formed template with exactly these variables, in this order. */
export function templateWith(variables: readonly string[]): fc.Arbitrary<string> {
  const literals = fc.tuple(...variables.map(() => literal), fc.option(literal, { nil: '' }))
  return literals
    .map((parts) => {
      const isRestLast = variables.at(-1)?.startsWith('*')
      return parts
        .map((part, i) => (i < variables.length ? `${part}{${variables[i]}}` : isRestLast ? '' : part))
        .join('')
    })
    .filter((template) => template !== '' && templateProblems(template).length === 0)
}

/** The variables of one route: some, the last of them perhaps `{*rest}`. */
export const variableLists: fc.Arbitrary<string[]> = fc
  .tuple(fc.subarray(VARIABLES), fc.boolean())
  .map(([names, isRestLast]) => names.map((name, i) => (isRestLast && i === names.length - 1 ? `*${name}` : name)))

export const templates: fc.Arbitrary<string> = variableLists.chain(templateWith)

/** Values that a client or a backend may have thought of. */
export const values: fc.Arbitrary<string> = fc.oneof(
  fc
    .array(fc.constantFrom(...NASTY, '*', '**', '/', '{', '}', '{x}', '%2F', '..'), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join('')),
  fc.constantFrom('__proto__', 'constructor', '$&', '$1', '\\1', '\u0000', '\u2028'),
)

/** Short texts over few characters, so that they often match. */
const few = fc.constantFrom('a', 'b', 'ab')
export const segments: fc.Arbitrary<string> = fc.array(few, { maxLength: 5 }).map((parts) => parts.join(''))
export const segmentPatterns: fc.Arbitrary<string> = fc
  .array(fc.oneof({ weight: 2, arbitrary: few }, fc.constantFrom('*', '?')), { maxLength: 6 })
  .map((parts) => parts.join(''))

export const destinations: fc.Arbitrary<string> = fc
  .array(fc.constantFrom('a', 'b', 'ab', ''), { minLength: 1, maxLength: 5 })
  .map((parts) => `/${parts.join('/')}`)
export const patterns: fc.Arbitrary<string> = fc
  .array(fc.constantFrom('a', 'b', 'ab', '', '*', '?', 'a*', '*b', '?b', '**', '**', 'a**'), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => `/${parts.join('/')}`)

/** The definition of a segment pattern, word for word; exponential. No wildcard takes an empty segment. */
export function naiveSegmentMatches(pattern: string, text: string): boolean {
  return text === '' ? pattern === '' : charactersMatch(pattern, text)
}

function charactersMatch(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  const rest = pattern.slice(1)
  if (pattern.startsWith('*')) {
    return charactersMatch(rest, text) || (text !== '' && charactersMatch(pattern, text.slice(1)))
  }
  return text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && charactersMatch(rest, text.slice(1))
}

/** The definition of a destination pattern, word for word; exponential. */
export function naiveMatches(pattern: string, destination: string): boolean {
  const match = (patterns: readonly string[], texts: readonly string[]): boolean => {
    const [pattern, ...rest] = patterns
    if (pattern === undefined) return texts.length === 0
    if (pattern === '**') return match(rest, texts) || (texts.length > 0 && match(patterns, texts.slice(1)))
    return texts.length > 0 && naiveSegmentMatches(pattern, texts[0]!) && match(rest, texts.slice(1))
  }
  return match(pattern.split('/'), destination.split('/'))
}
