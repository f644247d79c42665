/** The fan-out of each runtime, with real sockets: one list of scenarios for all. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { createRuntime } from '../../src/runtime/node.ts'
import { runScenarios, type Outcome } from './fanout-runner.ts'
import { scenarios } from './fanout-scenarios.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const RUNNER = join(ROOT, 'test/runtime/fanout-runner.ts')

async function runProgram(program: string, args: readonly string[]): Promise<Outcome[]> {
  const options = { cwd: ROOT, maxBuffer: 100_000_000, timeout: 25_000 }
  const { stdout } = await promisify(execFile)(program, args, options)
  return JSON.parse(stdout) as Outcome[]
}

const RUNTIMES: Readonly<Record<string, (mode: string) => Promise<Outcome[]>>> = {
  bun: (mode) => runProgram(join(ROOT, 'node_modules/.bin/bun'), [RUNNER, 'bun', mode]),
  deno: (mode) => {
    const args = ['run', '-A', '--no-lock', RUNNER, 'deno', mode]
    return runProgram(process.env.DENO || join(ROOT, 'node_modules/.bin/deno'), args)
  },
  node: (mode) => runScenarios(createRuntime(), mode === 'compressing'),
}
const MODES = ['plain', 'compressing'] as const

describe.each(Object.keys(RUNTIMES).flatMap((runtime) => MODES.map((mode) => [runtime, mode] as const)))(
  'fan-out on %s, %s',
  (runtime, mode) => {
    let outcomes: Outcome[]
    beforeAll(async () => {
      outcomes = await RUNTIMES[runtime]!(mode)
    }, 30_000)

    it.each(scenarios.map((scenario, i) => [scenario.name, i] as const))('%s', (_name, i) => {
      expect(outcomes[i]).toEqual(scenarios[i]!.received)
    })
  },
)
