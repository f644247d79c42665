/** The processes and directories of a run: whatever happens, they go when it ends. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'

/** How long a process may take to end after SIGTERM, in milliseconds. */
const STOP_TIMEOUT_MS = 10_000

const running = new Set<ChildProcess>()
const directories = new Set<string>()

/** Starts a process in a group of its own, so that a terminal's Ctrl+C does not reach it before its clients are gone. */
export function start(command: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const [program, ...args] = command
  const child = spawn(program!, args, { ...options, detached: true })
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.once('error', () => running.delete(child))
  return child
}

/** SIGTERM, and SIGKILL for its whole group if that does not help; resolves when it has ended. */
export function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(() => killGroup(child), STOP_TIMEOUT_MS)
    child.once('exit', () => {
      clearTimeout(timer)
      killGroup(child) // what it left behind
      resolve()
    })
    child.kill('SIGTERM')
  })
}

/** A directory that is removed at the end. */
export function temporaryDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `stomp-bridge-bench-${name}-`))
  directories.add(directory)
  return directory
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL')
  } catch {
    // the group is empty: all have ended
  }
}

process.once('exit', () => {
  for (const child of running) killGroup(child)
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]))
}
