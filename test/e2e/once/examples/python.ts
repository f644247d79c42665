/** Python with redis-py, as the backends of an example need it: what is installed here, or redis-py in a folder of its own. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll } from 'vitest'

const run = promisify(execFile)

export const PYTHON = process.env.PYTHON || 'python3'

/** Resolves with the environment in which it finds redis-py, installing that if need be, for the length of the file. */
export async function preparePython(): Promise<Record<string, string>> {
  const env = { PATH: process.env.PATH ?? '', PYTHONDONTWRITEBYTECODE: '1' }
  try {
    await run(PYTHON, ['-c', 'import redis'], { env })
    return env
  } catch {
    const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-python-'))
    afterAll(() => rm(directory, { recursive: true, force: true }))
    await run(PYTHON, ['-m', 'pip', 'install', '--quiet', '--target', directory, 'redis'])
    return { ...env, PYTHONPATH: directory }
  }
}

/** Runs a program to its end. Errors: rejects with its output, if it fails. */
export async function runPython(file: string, args: readonly string[], env: Record<string, string>): Promise<void> {
  await run(PYTHON, [file, ...args], { env })
}
