/** How a TypeScript program of the tests is run, as a process of its own, on each runtime. */
import { execFile } from 'node:child_process'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { RuntimeName } from './runtime-names.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const execute = promisify(execFile)

/** Returns the command and its arguments, to which those of the program are appended. `directory`: for what is built. */
export async function programCommand(runtime: RuntimeName, path: string, directory: string): Promise<string[]> {
  const bun = join(ROOT, 'node_modules/.bin/bun')
  if (runtime === 'bun') return [bun, path]
  if (runtime === 'deno') {
    return [process.env.DENO || join(ROOT, 'node_modules/.bin/deno'), 'run', '-A', '--no-lock', path]
  }
  // Node 20 runs no TypeScript.
  const bundle = join(directory, `${basename(path, '.ts')}.mjs`)
  await execute(bun, ['build', path, '--target=node', `--outfile=${bundle}`])
  return [process.execPath, bundle]
}
