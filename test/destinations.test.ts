import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  destinationProblem,
  isPattern,
  patternMeetsTemplate,
  patternSegments,
  segmentMatches,
} from '../src/destinations.ts'
import { separatorsOf } from '../src/config/template-syntax.ts'
import { compileTemplate } from '../src/routes/template.ts'
import { cpuMs } from './routes/cpu-time.ts'
import { naiveMatches, naiveSegmentMatches, patterns, segmentPatterns, segments } from './routes/arbitraries.ts'

const RUNS = { numRuns: 2000 }

describe('isPattern', () => {
  it.each([
    ['/topic/*', true],
    ['/topic/a?', true],
    ['/topic/**', true],
    ['/topic/{a}', false],
    ['/topic/[a]', false],
    ['', false],
  ])('of %j is %s', (destination, expected) => {
    expect(isPattern(destination)).toBe(expected)
  })
})

describe('patternSegments', () => {
  it('folds repeated ** into one and leaves other segments alone', () => {
    expect(patternSegments('/a/**/**/**/*/*/**')).toEqual(['', 'a', '**', '*', '*', '**'])
  })
})

describe('destinationProblem', () => {
  it.each([
    ['a usual destination', '/topic/tenants/1/devices/2', undefined],
    ['a usual pattern', '/topic/tenants/*/devices/**', undefined],
    ['1,024 characters', '/'.padEnd(1024, 'a'), undefined],
    ['1,025 characters', '/'.padEnd(1025, 'a'), 'a destination may have at most 1024 characters'],
    ['64 segments', '/a'.repeat(64), undefined],
    ['65 segments', '/a'.repeat(65), 'a destination may have at most 64 segments'],
    ['a pattern of 256 characters', '/*'.padEnd(256, 'a'), undefined],
    ['a pattern of 257 characters', '/*'.padEnd(257, 'a'), 'a pattern may have at most 256 characters'],
    ['a pattern of 16 segments', '/*'.repeat(16), undefined],
    ['a pattern of 17 segments', '/*'.repeat(17), 'a pattern may have at most 16 segments'],
  ])('of %s is right', (_name, destination, problem) => {
    expect(destinationProblem(destination)).toBe(problem)
  })
})

describe('segmentMatches', () => {
  it.each([
    ['*', '', false],
    ['***', '', false],
    ['', '', true],
    ['*', 'anything', true],
    ['?', '', false],
    ['?', 'a', true],
    ['a*b*c', 'aXbYc', true],
    ['a*b*c', 'aXcYb', false],
    ['*ab', 'aab', true],
    ['a**b', 'ab', true],
    ['a.c', 'abc', false],
    ['[a]', 'a', false],
    ['**', 'a', true],
  ])('%j with %j is %s', (pattern, text, expected) => {
    expect(segmentMatches(pattern, text)).toBe(expected)
  })

  it('agrees with its definition', () => {
    let matches = 0
    fc.assert(
      fc.property(segmentPatterns, segments, (pattern, text) => {
        const expected = naiveSegmentMatches(pattern, text)
        if (expected) matches++
        expect(segmentMatches(pattern, text)).toBe(expected)
      }),
      RUNS,
    )
    expect(matches).toBeGreaterThan(20)
  })

  it.each([
    ['many stars', '*a'.repeat(4000) + 'b', 'a'.repeat(8000)],
    ['many stars and question marks', '*?a'.repeat(2500) + 'b', 'a'.repeat(8000)],
    ['a long literal at the end', `*${'a'.repeat(4000)}b`, 'a'.repeat(8000)],
    ['a long literal at the start', `*b${'a'.repeat(4000)}*`, 'a'.repeat(8000)],
    ['a long literal in the middle', `*${'a'.repeat(2000)}b${'a'.repeat(2000)}*`, 'a'.repeat(8000)],
    ['a long literal that almost repeats', `*${'ab'.repeat(1000)}aab*`, 'ab'.repeat(4000)],
    ['question marks only', `*${'?'.repeat(250)}b*`, 'a'.repeat(8000)],
    ['question marks between letters', `*${'a?'.repeat(125)}b*`, 'a'.repeat(8000)],
  ])('with %s takes no longer than a moment', (_name, pattern, text) => {
    const matchOften = () => {
      for (let i = 0; i < 10; i++) expect(segmentMatches(pattern, text)).toBe(false)
    }
    expect(cpuMs(matchOften)).toBeLessThan(500)
  })
})

describe('patternMeetsTemplate', () => {
  it.each([
    ['/topic/*', '/topic/greetings'],
    ['/topic/**', '/topic/prices/{symbol}'],
    ['/topic/**', '/topic/{*name}'],
    ['/topic/*/EUR', '/topic/prices/{symbol}'],
    ['/topic/prices/E??', '/topic/prices/{symbol}'],
    ['/topic/**/x', '/topic/{*name}'],
    ['/topic/a/b/c*', '/topic/a/{*name}'],
    ['/**', '/topic/a'],
    ['**', '/topic/a'],
    ['/topic/p*/a', '/topic/p{x}/{y}'],
  ])('%s meets %s', (pattern, template) => {
    expect(patternMeetsTemplate(pattern, template)).toBe(true)
  })

  it.each([
    ['/topic/*', '/topic/prices/{symbol}'],
    ['/topic/*', '/queue/greetings'],
    ['/topic/x*', '/topic/greetings'],
    ['/topic/*/*', '/topic/greetings'],
    ['/topic/**/b', '/topic/greetings'],
    ['/topic/?', '/topic/ab'],
    ['/topic/*/x', '/topic'],
  ])('%s does not meet %s', (pattern, template) => {
    expect(patternMeetsTemplate(pattern, template)).toBe(false)
  })

  it('never says no when what the template gives matches the pattern', () => {
    const templates = fc
      .array(fc.constantFrom('a', 'b', 'ab', '{x}', 'a{y}', '{*z}'), { minLength: 1, maxLength: 4 })
      .map((parts) => `/${parts.join('/')}`)
      .filter((template) => new Set(template.match(/\{[^}]*\}/g)).size === (template.match(/\{/g) ?? []).length)
      .filter((template) => !/\{\*z\}./.test(template))
    const value = fc.constantFrom('a', 'b', 'ab', 'ba')
    const rest = fc.array(fc.constantFrom('a', 'b', ''), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
    let matches = 0
    fc.assert(
      fc.property(templates, patterns, value, value, rest, (source, pattern, x, y, z) => {
        fc.pre(z !== '')
        const template = compileTemplate(source, separatorsOf(source))
        const destination = template.expand(
          new Map([
            ['x', x],
            ['y', y],
            ['z', z],
          ]),
        )
        if (!naiveMatches(pattern, destination)) return
        matches++
        expect(patternMeetsTemplate(pattern, source), `${pattern} matches ${destination}`).toBe(true)
      }),
      { numRuns: 2000 },
    )
    expect(matches).toBeGreaterThan(10)
  })

  it('takes no longer than a moment for thousands of segments', () => {
    const meetAll = () => {
      for (const pattern of [
        '/**/*'.repeat(20_000),
        '/*'.repeat(50_000),
        '/**/a'.repeat(20_000),
        '/**'.repeat(50_000),
      ]) {
        patternMeetsTemplate(pattern, '/topic/{a}/{b}/{*rest}')
        patternMeetsTemplate(pattern, `/topic${'/{x}'.repeat(50)}`)
      }
    }
    expect(cpuMs(meetAll)).toBeLessThan(1000)
  })
})
