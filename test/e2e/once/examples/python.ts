/** Python with the library that an example needs: what is installed here, or the library in a folder of its own. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll } from 'vitest'

const run = promisify(execFile)

export const PYTHON = process.env.PYTHON || 'python3'

/** By the name that it is imported by. */
const PACKAGES = { redis: 'redis', stomp: 'stomp.py' } as const

/** Resolves with the environment in which it finds the library, installing that if need be, for the length of the file. */
export async function preparePython(library: keyof typeof PACKAGES): Promise<Record<string, string>> {
  const env = { PATH: process.env.PATH ?? '', PYTHONDONTWRITEBYTECODE: '1' }
  try {
    await run(PYTHON, ['-c', `import ${library}`], { env })
    return env
  } catch {
    const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-python-'))
    afterAll(() => rm(directory, { recursive: true, force: true }))
    await run(PYTHON, ['-m', 'pip', 'install', '--quiet', '--target', directory, PACKAGES[library]])
    return { ...env, PYTHONPATH: directory }
  }
}

/** Runs a program to its end. Errors: rejects with its output, if it fails. */
export async function runPython(file: string, args: readonly string[], env: Record<string, string>): Promise<void> {
  await run(PYTHON, [file, ...args], { env })
}
