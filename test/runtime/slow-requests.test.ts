/** Connections that do not get on are closed on each runtime, however long idle ones are kept. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { createRuntime } from '../../src/runtime/node.ts'
import { KEEP_ALIVE_MS, REQUEST_TIMEOUT_MS, runSlowRequests, type Closings } from './slow-requests-runner.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const RUNNER = join(ROOT, 'test/runtime/slow-requests-runner.ts')

async function runProgram(program: string, args: readonly string[]): Promise<Closings> {
  const { stdout } = await promisify(execFile)(program, args, { cwd: ROOT, timeout: 35_000 })
  return JSON.parse(stdout) as Closings
}

const RUNTIMES: Readonly<Record<string, () => Promise<Closings>>> = {
  bun: () => runProgram(join(ROOT, 'node_modules/.bin/bun'), [RUNNER, 'bun']),
  deno: () =>
    runProgram(process.env.DENO || join(ROOT, 'node_modules/.bin/deno'), ['run', '-A', '--no-lock', RUNNER, 'deno']),
  node: () => runSlowRequests(createRuntime()),
}
/** Bun gives 10 s for the first head whatever it is told, and its timers tick every 4 s. */
const LATE_MS: Readonly<Record<string, number>> = { bun: 12_500, deno: 4000, node: 4000 }

it.each(Object.keys(RUNTIMES))('on %s every slow request ends', { timeout: 40_000 }, async (runtime) => {
  const closings = await RUNTIMES[runtime]!()
  expect(Object.keys(closings)).toHaveLength(7)
  for (const [client, closedMs] of Object.entries(closings)) {
    expect(closedMs, client).toBeLessThan(REQUEST_TIMEOUT_MS + KEEP_ALIVE_MS + LATE_MS[runtime]!)
  }
})
