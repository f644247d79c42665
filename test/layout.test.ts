/** Keeps every test where it is run, and as often as it should be: which project takes a file depends on its folder. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import config from '../vitest.config.ts'
import { readFacts } from './support/source-facts.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Where an end-to-end suite reads on which runtime it is. */
const RUNTIME = 'test/support/runtime.ts'

/** Started by a test as a process of its own, by path. */
const PROGRAMS = [
  'test/e2e/backend-child.ts',
  'test/e2e/embedding-child.ts',
  'test/e2e/once/package/consumer.ts',
  'test/e2e/stomp-client-child.ts',
]

describe('the tests', () => {
  const imports = readImports()
  const tests = [...imports.keys()].filter((file) => file.endsWith('.test.ts'))

  it('end to end ask for their runtime, and those that run once do not', () => {
    const files = tests.filter((file) => file.startsWith('test/e2e/'))
    expect(files.length).toBeGreaterThan(0)
    expect(misplaced(files, imports)).toEqual([])
  })

  it('reach every file beside them: none is left over that nobody runs', () => {
    expect(unreached(tests, imports).sort()).toEqual(PROGRAMS)
  })
})

describe('npm test -- --help', () => {
  it('names every project', () => {
    const help = execFileSync(process.execPath, [join(ROOT, 'scripts/test.mjs'), '--help'], { encoding: 'utf8' })
    const names = config.test!.projects!.map((project) => (project as { test: { name: string } }).test.name)
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(help))).toEqual([])
  })
})

describe('the checker of the layout', () => {
  const files = new Map([
    ['test/e2e/faults.test.ts', [RUNTIME]],
    ['test/e2e/page.test.ts', []],
    ['test/e2e/once/page.test.ts', ['test/e2e/once/page.ts']],
    ['test/e2e/once/page.ts', ['test/e2e/once/probe.ts']],
    ['test/e2e/once/probe.ts', []],
    ['test/e2e/once/faults.test.ts', [RUNTIME]],
    ['test/e2e/forgotten.ts', [RUNTIME]],
    [RUNTIME, []],
  ])
  const tests = [...files.keys()].filter((file) => file.endsWith('.test.ts'))

  it('finds suites that would run three times on nothing, or once on one of three', () => {
    expect(misplaced(tests, files)).toEqual([
      `test/e2e/page.test.ts runs on each runtime: use "runtime" of ${RUNTIME}, or move it to test/e2e/once/`,
      'test/e2e/once/faults.test.ts runs once, with no runtime: move it to test/e2e/',
    ])
  })

  it('finds what no test imports, also by way of others', () => {
    expect(unreached(tests, files)).toEqual(['test/e2e/forgotten.ts'])
  })
})

type Imports = ReadonlyMap<string, readonly string[]>

/** The files of `test/` with what each imports, as paths from the root. */
function readImports(): Imports {
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .map((file) => posix.join('test', file.replaceAll('\\', '/')))
    .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'))
  return new Map(
    files.map((file) => {
      const { imports } = readFacts(file, readFileSync(join(ROOT, file), 'utf8'))
      const own = imports.flatMap(({ name }) => (name?.startsWith('.') ? [posix.join(posix.dirname(file), name)] : []))
      return [file, own]
    }),
  )
}

function misplaced(files: readonly string[], imports: Imports): string[] {
  return files.flatMap((file) => {
    const asks = imports.get(file)!.includes(RUNTIME)
    if (file.startsWith('test/e2e/once/')) {
      return asks ? [`${file} runs once, with no runtime: move it to test/e2e/`] : []
    }
    return asks ? [] : [`${file} runs on each runtime: use "runtime" of ${RUNTIME}, or move it to test/e2e/once/`]
  })
}

function unreached(tests: readonly string[], imports: Imports): string[] {
  const reached = new Set<string>()
  const reach = (file: string): void => {
    if (reached.has(file)) return
    reached.add(file)
    imports.get(file)?.forEach(reach)
  }
  tests.forEach(reach)
  return [...imports.keys()].filter((file) => !reached.has(file))
}
