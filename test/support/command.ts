/** The bridge as a command that ends by itself: what it prints, and its exit code. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { adopt, type RuntimeName } from './process.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const TIMEOUT_MS = 15_000

export interface Outcome {
  /** 128 + its number when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly args?: readonly string[]
  /** The whole environment but PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>
  /** The checkout unless told. */
  readonly cwd?: string
  /** What standard input has; nothing unless told. */
  readonly input?: string | Uint8Array
  /** Standard input goes on after that, as where somebody types. */
  readonly isInputOpen?: boolean
  /** Called with what sends it a signal. */
  readonly onStart?: (kill: (signal: NodeJS.Signals) => void) => void
  /** Called with all of standard error so far, whenever there is more. */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void
}

/** Runs the bridge's command line until it ends; after 15 s it is killed, and its exit code is null. */
export function runBridge(
  runtime: RuntimeName,
  { args = [], env = {}, cwd = ROOT, input, isInputOpen = false, onStart, onStderr = () => {} }: CommandOptions,
): Promise<Outcome> {
  const [command, ...before] = COMMANDS[runtime]
  const child = spawn(command, [...before, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, DENO_NO_UPDATE_CHECK: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  adopt(child)
  onStart?.((signal) => child.kill(signal))
  // It may not read it.
  child.stdin.on('error', () => {})
  if (isInputOpen) child.stdin.write(input ?? '')
  else child.stdin.end(input)
  return new Promise((resolve, reject) => {
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
      onStderr(stderr, (signal) => child.kill(signal))
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}

const COMMANDS: Readonly<Record<RuntimeName, readonly [string, ...string[]]>> = {
  bun: [join(ROOT, 'node_modules/.bin/bun'), join(ROOT, 'src/main.ts')],
  deno: [process.env.DENO || join(ROOT, 'node_modules/.bin/deno'), 'run', '-A', '--no-lock', join(ROOT, 'src/main.ts')],
  node: [process.execPath, join(ROOT, 'dist/main.js')],
}

/** An empty directory with these files in it; it goes when the test ends. */
export async function directoryWith(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}
