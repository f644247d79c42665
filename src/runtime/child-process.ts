/**
 * Several processes of this program, on `node:child_process` and its channel for messages, which all three runtimes
 * have. Bun and Deno start their workers here; Node does it in cluster.ts, because its workers cannot share a port by
 * themselves.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import process from 'node:process'
import type { SupervisorEvents, SupervisorLink, WorkerEvents, WorkerProcess } from '../processes.ts'

/** Output goes where the supervisor's goes; nobody types into a worker. */
export const WORKER_STDIO = ['ignore', 'inherit', 'inherit', 'ipc'] as const

/** Starts `command` as a worker. */
export function spawnWorker(
  [file, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string | undefined>>,
  events: WorkerEvents,
): WorkerProcess {
  return workerProcess(spawn(file, args, { env: { ...env }, stdio: [...WORKER_STDIO] }), events)
}

/** The supervisor's end of the channel to a child. */
export function workerProcess(child: ChildProcess, events: WorkerEvents): WorkerProcess {
  let hasEnded = false
  const end = (how: string) => {
    if (hasEnded) return
    hasEnded = true
    events.ended(how)
  }
  child.on('message', (message) => {
    if (!hasEnded) events.received(message)
  })
  child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`))
  child.on('error', (error) => {
    // Also reported for a message that could not be sent.
    if (child.pid === undefined) end(error.message)
  })
  return {
    pid: child.pid ?? 0,
    send(message) {
      if (!hasEnded && child.connected) child.send(message, () => {}) // 'exit' follows if it cannot be sent
    },
    kill() {
      if (!hasEnded) child.kill('SIGKILL')
    },
  }
}

/** The worker's end of the channel. */
export function connectSupervisor(events: SupervisorEvents): SupervisorLink {
  if (!process.send) throw new Error('Only a supervisor can start a worker')
  process.on('message', (message) => events.received(message))
  process.once('disconnect', () => events.lost())
  return {
    send: (message) =>
      new Promise((sent) => {
        // Deno 2.9 throws out of nowhere when the channel is closed.
        if (process.connected) process.send?.(message, undefined, undefined, () => sent())
        else sent()
      }),
  }
}
