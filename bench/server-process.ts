/** A server under test as a process of its own: started, asked for its CPU time and memory, ended. */
import type { ChildProcess } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { start, stop } from './children.ts'
import { cpuMicros, residentBytes } from './process-usage.ts'

const START_TIMEOUT_MS = 60_000
const LOOK_AGAIN_MS = 50

export interface ServerProcess {
  readonly port: number
  /** User and system time so far, in microseconds. */
  cpuMicros(): number
  residentBytes(): number
  stop(): Promise<void>
}

/** Starts the command; resolves when the port takes connections. Errors: rejects with its output if it ends first. */
export async function startServer(
  command: readonly string[],
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const child = start(command, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.on('error', (error) => (output += error.message))
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await untilListening(child, port, () => output)
  return {
    port,
    cpuMicros: () => cpuMicros(child.pid!),
    residentBytes: () => residentBytes(child.pid!),
    stop: () => stop(child),
  }
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('No port is free')),
      )
    })
  })
}

async function untilListening(child: ChildProcess, port: number, output: () => string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!(await canConnect(port))) {
    const hasEnded = child.pid === undefined || child.exitCode !== null || child.signalCode !== null
    if (hasEnded || performance.now() > deadline) {
      await stop(child)
      const what = hasEnded ? `The server ended with ${child.exitCode}` : `The server did not listen on ${port} in time`
      throw new Error(`${what}:\n${child.spawnargs.join(' ')}\n${output()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
