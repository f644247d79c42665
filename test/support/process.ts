/**
 * The bridge as a process of its own, on each runtime, on free ports. Owns the children that tests and benchmarks
 * start: each ends with its test, at the latest with this process. Knows the bridge only from outside: environment,
 * arguments, the banner on stdout, JSON log lines, signals and the exit code.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RuntimeName } from './runtime-names.ts'

export type { RuntimeName }

export type LogRecord = Record<string, unknown>

export interface SpawnOptions {
  readonly runtime: RuntimeName
  /** The whole environment but PATH, HOME, `PORT=0` and the JSON log format; these can be overridden. */
  readonly env?: Readonly<Record<string, string>>
  /** What to run instead of the sources, or on Node the bundle of them. */
  readonly command?: readonly [string, ...string[]]
  /** After `main.ts`, or the command. */
  readonly args?: readonly string[]
  /** The checkout unless told: where `bridge.yaml` is looked for. */
  readonly cwd?: string
  /** Wait until the banner has named the TCP port too. */
  readonly tcp?: boolean
}

export interface BridgeProcess {
  readonly runtime: RuntimeName
  readonly pid: number
  /** `http://127.0.0.1:PORT`; `https:` where the banner says so. */
  readonly url: string
  /** `ws://127.0.0.1:PORT/stomp`, or `wss:`. */
  readonly wsUrl: string
  readonly port: number
  /** Undefined as long as the banner has not named it: ask for it with `tcp: true`. */
  readonly tcpPort: number | undefined
  /** All output so far. */
  stdout(): string
  stderr(): string
  /** The lines of both that are JSON objects, in the order of their arrival. */
  logs(): readonly LogRecord[]
  /** The first log record that the predicate takes, of those that are there or still come. */
  waitForLog(predicate: (record: LogRecord) => boolean, timeoutMs?: number): Promise<LogRecord>
  /** Sends the signal, SIGTERM unless told, and gives the exit code; nothing is sent when it has ended already. */
  stop(signal?: NodeJS.Signals): Promise<number>
  /** The exit code; 128 + its number when a signal ended the process. */
  readonly exited: Promise<number>
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const START_TIMEOUT_MS = 20_000
const STOP_TIMEOUT_MS = 20_000

const running = new Set<ChildProcess>()

/** Ends the child when this process ends before it. */
export function adopt(child: ChildProcess): void {
  running.add(child)
  child.once('exit', () => running.delete(child))
}

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
// Without a listener SIGTERM would end this process with no `exit` event, and leave the children.
for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]))
}
// A killed vitest leaves its workers, which our children would keep alive: their channel to it is then closed.
process.once('disconnect', () => process.exit(1))

/**
 * Starts the bridge and waits until its banner names the WebSocket URL. Ends with the test that called it, or with
 * the file when called from `beforeAll`; in a concurrent test there is no telling, so stop it there by hand.
 *
 * Errors: rejects with all output when the process ends first, or after 20 s.
 */
export async function spawnBridge(options: SpawnOptions): Promise<BridgeProcess> {
  const [command, ...commandArgs] = options.command ?? commandFor(options.runtime)
  const child = spawn(command, [...commandArgs, ...(options.args ?? [])], {
    cwd: options.cwd ?? ROOT,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PORT: '0',
      STOMP_BRIDGE_LOG_FORMAT: 'json',
      DENO_NO_UPDATE_CHECK: '1',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  adopt(child)
  const output = collect(child)
  const bridge = new SpawnedBridge(options.runtime, child, output)
  cleanUpAfterTest(() => bridge.stop('SIGKILL'))
  try {
    await output.find(() => (bridge.port && (!options.tcp || bridge.tcpPort) ? true : undefined), START_TIMEOUT_MS)
  } catch (cause) {
    child.kill('SIGKILL')
    throw new Error(`The bridge did not start on ${options.runtime}: ${(cause as Error).message}`, { cause })
  }
  return bridge
}

function commandFor(runtime: RuntimeName): [string, ...string[]] {
  const main = join(ROOT, 'src/main.ts')
  switch (runtime) {
    case 'bun':
      return [join(ROOT, 'node_modules/.bin/bun'), main]
    case 'deno':
      return [process.env.DENO || join(ROOT, 'node_modules/.bin/deno'), 'run', '-A', '--no-lock', main]
    case 'node': {
      // Node 20 runs no TypeScript.
      const bundle = join(ROOT, 'dist/main.js')
      if (!existsSync(bundle)) throw new Error('dist/main.js is not there: run "npm run build"')
      return [process.execPath, '--enable-source-maps', bundle]
    }
  }
}

class SpawnedBridge implements BridgeProcess {
  readonly runtime: RuntimeName
  readonly pid: number
  readonly exited: Promise<number>
  readonly #child: ChildProcess
  readonly #output: Output

  constructor(runtime: RuntimeName, child: ChildProcess, output: Output) {
    this.runtime = runtime
    this.pid = child.pid ?? 0
    this.exited = output.exited
    this.#child = child
    this.#output = output
  }

  get port(): number {
    return this.#portIn(/wss?:\/\/127\.0\.0\.1:(\d+)\/stomp/) ?? 0
  }

  get tcpPort(): number | undefined {
    return this.#portIn(/(?:(?:tcp|stomp|stomp\+ssl):\/\/|^\s*TCP\s+)127\.0\.0\.1:(\d+)/m)
  }

  get url(): string {
    return `http${this.#s}://127.0.0.1:${this.port}`
  }

  get wsUrl(): string {
    return `ws${this.#s}://127.0.0.1:${this.port}/stomp`
  }

  /** Behind a scheme: does it speak TLS? */
  get #s(): string {
    return this.#output.stdout.includes(' wss://') ? 's' : ''
  }

  stdout(): string {
    return this.#output.stdout
  }

  stderr(): string {
    return this.#output.stderr
  }

  logs(): readonly LogRecord[] {
    return this.#output.records
  }

  waitForLog(predicate: (record: LogRecord) => boolean, timeoutMs = 10_000): Promise<LogRecord> {
    return this.#output.find(() => this.#output.records.find(predicate), timeoutMs)
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        this.#child.kill('SIGKILL')
        reject(new Error(`Still running ${STOP_TIMEOUT_MS} ms after ${signal}\n${this.#output.text}`))
      }, STOP_TIMEOUT_MS)
    })
    return Promise.race([this.exited, late]).finally(() => clearTimeout(timer))
  }

  #portIn(pattern: RegExp): number | undefined {
    // Complete lines only: a port could be cut between two chunks.
    const lines = this.#output.stdout.slice(0, this.#output.stdout.lastIndexOf('\n') + 1)
    const port = pattern.exec(lines)?.[1]
    return port === undefined ? undefined : Number(port)
  }
}

interface Output {
  stdout: string
  stderr: string
  readonly records: LogRecord[]
  readonly exited: Promise<number>
  /** Both streams, for an error message. */
  readonly text: string
  /** Waits until the look gives something; looks now and after each piece of output. */
  find<T>(look: () => T | undefined, timeoutMs: number): Promise<T>
}

function collect(child: ChildProcess): Output {
  const events = new EventEmitter<{ more: []; end: [reason: string] }>().setMaxListeners(0)
  let ended: string | undefined
  const exited = new Promise<number>((resolve) => {
    const end = (reason: string, code: number) => {
      ended = reason
      resolve(code)
      events.emit('end', reason)
    }
    child.once('error', (error) => end(`Cannot run it: ${error.message}`, 127))
    child.once('close', (code, signal) => {
      const exitCode = code ?? 128 + constants.signals[signal ?? 'SIGKILL']
      end(`The process ended with ${signal ?? `code ${exitCode}`}`, exitCode)
    })
  })
  const output: Output = {
    stdout: '',
    stderr: '',
    records: [],
    exited,
    get text() {
      return `--- stdout\n${output.stdout}\n--- stderr\n${output.stderr}`
    },
    find(look, timeoutMs) {
      return new Promise((resolve, reject) => {
        const check = () => {
          const found = look()
          if (found !== undefined) settle(() => resolve(found))
          return found !== undefined
        }
        const fail = (reason: string) => settle(() => reject(new Error(`${reason}\n${output.text}`)))
        const settle = (outcome: () => void) => {
          clearTimeout(timer)
          events.off('more', check).off('end', fail)
          outcome()
        }
        const timer = setTimeout(() => fail(`Waited ${timeoutMs} ms in vain`), timeoutMs)
        events.on('more', check).on('end', fail)
        if (!check() && ended !== undefined) fail(ended)
      })
    },
  }
  for (const name of ['stdout', 'stderr'] as const) {
    let tail = ''
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk
      const lines = (tail + chunk).split('\n')
      tail = lines.pop() ?? ''
      for (const line of lines) {
        const record = parseRecord(line)
        if (record) output.records.push(record)
      }
      events.emit('more')
    })
  }
  return output
}

function parseRecord(line: string): LogRecord | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as LogRecord
  } catch {
    return undefined // Something else that begins with a brace.
  }
}

/** Benchmarks use this module outside vitest, where importing it would fail. */
const vitest = process.env.VITEST === 'true' ? await import('vitest') : undefined
const fileCleanups: (() => Promise<unknown>)[] = []
vitest?.afterAll(async () => {
  await Promise.all(fileCleanups.splice(0).map((cleanUp) => cleanUp()))
})

function cleanUpAfterTest(cleanUp: () => Promise<unknown>): void {
  try {
    vitest?.onTestFinished(async () => void (await cleanUp()))
  } catch {
    fileCleanups.push(cleanUp) // Not inside a test: in beforeAll.
  }
}
