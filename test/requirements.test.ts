/** Keeps the tests complete: each requirement is named (`#57`) by a test, or by a row of a table that a test runs. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { LEVELS, REQUIREMENTS, type Requirement } from './requirements.ts'

const TESTS = fileURLToPath(new URL('.', import.meta.url))

describe('the requirements', () => {
  const names = readTestFiles().flatMap(([file, text]) => testNames(file, text))
  const numbers = new Set(names.flatMap(numbersIn))

  it('are numbered without a gap, each with a level and a sentence', () => {
    expect(REQUIREMENTS.map(({ number }) => number)).toEqual(REQUIREMENTS.map((_each, i) => i + 1))
    for (const { level, versions, text } of REQUIREMENTS) {
      expect(LEVELS).toHaveProperty(level)
      expect(versions.length).toBeGreaterThan(0)
      expect(text).toMatch(/^.+\.$/)
    }
  })

  it('that say MUST or SHOULD are each named by a test', () => {
    expect(missing(['M', 'S'])).toEqual([])
  })

  it('of the other levels are each named by a test', () => {
    expect(missing(['Y', 'F', 'L'])).toEqual([])
  })

  it('are the only ones that tests name', () => {
    const known = new Set(REQUIREMENTS.map(({ number }) => number))
    expect(names.filter((name) => numbersIn(name).some((number) => !known.has(number)))).toEqual([])
  })

  function missing(levels: readonly Requirement['level'][]): string[] {
    return REQUIREMENTS.filter(({ number, level }) => levels.includes(level) && !numbers.has(number)).map(
      ({ number, text }) => `#${number} ${text}`,
    )
  }
})

describe('testNames', () => {
  it.each([
    [`it('#1 a', () => {})`, '#1 a'],
    [`it.concurrent('#1 a', () => {})`, '#1 a'],
    [`it.each([1, 2])('#1 %s', () => {})`, '#1 %s'],
    ['it(`#1 ${a} #2`, () => {})', '#1  #2'],
    [`it(a ? '#1' : '#2', () => {})`, '#1 #2'],
    [`test('#1 a', () => {})`, '#1 a'],
    [`const rows = [{ name: '#1 a', input: '#2' }]`, '#1 a'],
  ])('finds in %s', (text, name) => {
    expect(testNames('x.ts', text)).toEqual([name])
  })

  it.each([
    `// #1`,
    `/* it('#1') */`,
    `const a = '#1'`,
    `describe('#1', () => {})`,
    `expect(1, '#1').toBe(1)`,
    `it(a)`,
  ])('finds none in %s', (text) => {
    expect(testNames('x.ts', text).flatMap(numbersIn)).toEqual([])
  })
})

function numbersIn(name: string): number[] {
  return [...name.matchAll(/#(\d+)\b/g)].map((match) => Number(match[1]))
}

/** Tests, suites and their tables; not what supports them, and not this file. */
function readTestFiles(): [file: string, text: string][] {
  return readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/^(support\/|requirements\b)/.test(file.replaceAll('\\', '/')))
    .map((file) => [file, readFileSync(join(TESTS, file), 'utf8')])
}

/** The names of tests, and of the rows that tests run: the fixed text of each. */
function testNames(file: string, text: string): string[] {
  const names: string[] = []
  const look = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(it|test)\b/.test(node.expression.getText()) && node.arguments[0]) {
      // The list of `it.each(list)` is no name.
      if (!/\.(each|for)$/.test(node.expression.getText())) names.push(literalText(node.arguments[0]))
    }
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'name') names.push(literalText(node.initializer))
    node.forEachChild(look)
  }
  look(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true))
  return names
}

function literalText(node: ts.Node): string {
  if (ts.isStringLiteralLike(node)) return node.text
  if (ts.isTemplateExpression(node))
    return [node.head, ...node.templateSpans.map(({ literal }) => literal)].map(({ text }) => text).join('')
  const parts: string[] = []
  node.forEachChild((child) => void parts.push(literalText(child)))
  return parts.filter(Boolean).join(' ')
}
