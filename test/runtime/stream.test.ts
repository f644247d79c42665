/** Responses that go on, on each runtime, with real connections: one list of cases for all. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { createRuntime } from '../../src/runtime/node.ts'
import { cases, runCases } from './stream-suite.ts'

type Failures = Readonly<Record<string, string>>

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const SUITE = join(ROOT, 'test/runtime/stream-suite.ts')

async function runProgram(program: string, args: readonly string[]): Promise<Failures> {
  const { stdout, stderr } = await promisify(execFile)(program, args, { cwd: ROOT, timeout: 110_000 })
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Failures
}

const RUNTIMES: Readonly<Record<string, () => Promise<Failures>>> = {
  bun: () => runProgram(join(ROOT, 'node_modules/.bin/bun'), [SUITE, 'bun']),
  deno: () => {
    const args = ['run', '-A', '--no-lock', SUITE, 'deno']
    return runProgram(process.env.DENO || join(ROOT, 'node_modules/.bin/deno'), args)
  },
  node: () => runCases(createRuntime()),
}

describe.each(Object.keys(RUNTIMES))('a response that goes on, on %s', (runtime) => {
  let failures: Failures
  beforeAll(async () => {
    failures = await RUNTIMES[runtime]!()
  }, 120_000)

  it.each(Object.keys(cases))('%s', (name) => {
    expect(failures[name]).toBeUndefined()
  })
})
