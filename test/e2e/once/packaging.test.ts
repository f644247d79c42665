/**
 * The ways to start the bridge that people are told of, each in a fresh copy of the sources: it prints where it is,
 * serves a client and the page of the debugger there, ends on SIGTERM and releases its port.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { notify } from '../../support/clients/backend.ts'
import { connectStompjs7 } from '../../support/clients/stompjs7.ts'
import { adopt } from '../../support/process.ts'
import { copySources, type SourceCopy } from '../../support/source-copy.ts'
import { waitFor } from '../../support/wait.ts'

const TIMEOUT_MS = 30_000
/** The page of the debugger, as it is built. */
const PAGE_MODULE = 'web-debugger/built/assets.js'

const execute = promisify(execFile)
const deno = process.env.DENO || 'node_modules/.bin/deno'

const WAYS: readonly { name: string; build?: string; command: readonly [string, ...string[]]; runtime: string }[] = [
  { name: 'npm start', command: ['npm', 'start'], runtime: 'Bun' },
  { name: 'bun src/main.ts', command: ['node_modules/.bin/bun', 'src/main.ts'], runtime: 'Bun' },
  { name: 'deno run -A src/main.ts', command: [deno, 'run', '-A', 'src/main.ts'], runtime: 'Deno' },
  {
    name: 'npm run build && node dist/main.js',
    build: 'build',
    command: [process.execPath, 'dist/main.js'],
    runtime: 'Node',
  },
  {
    name: 'npm run compile && dist/stomp-bridge',
    build: 'compile',
    command: ['dist/stomp-bridge'],
    runtime: 'Bun',
  },
]

describe('a fresh copy of the sources', () => {
  let sources: SourceCopy
  let copy: string

  beforeAll(async () => {
    sources = await copySources()
    copy = sources.path
  })
  afterAll(() => sources.remove())

  it('says how to build the page of the debugger where that was not done, and serves all the same', async () => {
    await rm(join(copy, PAGE_MODULE), { force: true })
    for (const command of [
      ['node_modules/.bin/bun', 'src/main.ts'],
      [deno, 'run', '-A', 'src/main.ts'],
    ] as const) {
      const program = run(command, copy)
      const { host } = new URL(await urlOf(program))
      const page = await fetch(`http://${host}/debugger`)
      expect([page.status, await page.text()]).toEqual([503, expect.stringContaining('npm run build:debugger')])
      expect((await fetch(`http://${host}/debugger/about.json`)).status).toBe(200)
      expect((await fetch(`http://${host}/health`)).status).toBe(200)
      program.terminate()
      expect(await program.exited).toBe(0)
      expect(program.output()).not.toMatch(/"level":"(warn|error)"/)
    }
  })

  it('prints a configuration by npm start that can be read back as it is', { timeout: TIMEOUT_MS }, async () => {
    await rm(join(copy, PAGE_MODULE), { force: true })
    const env = { PATH: process.env.PATH, HOME: process.env.HOME }
    const npmStart = (...args: string[]) => execute('npm', ['start', '--', ...args], { cwd: copy, env })
    const printed = await npmStart('print-config', '--port', '9001')
    expect(printed.stderr).toContain('Building the web debugger')
    // npm's banner stays on top of it.
    const withoutBanner = (text: string) => text.replace(/^(\s*|> .*\n)*/, '')
    expect(parse(withoutBanner(printed.stdout))).toMatchObject({ server: { port: 9001, host: '127.0.0.1' } })
    const file = join(copy, 'printed.yaml')
    await writeFile(file, printed.stdout)
    expect((await npmStart('check-config', '--config', file)).stdout).toContain(`\nOK: ${file}\n`)
    const again = await npmStart('print-config', '--config', file)
    expect(withoutBanner(again.stdout)).toBe(withoutBanner(printed.stdout))
  })

  it.each(WAYS)('runs with $name', { timeout: TIMEOUT_MS }, async ({ build, command, runtime }) => {
    if (build) {
      await execute('npm', ['run', '--silent', build], { cwd: copy })
      // It is inside what was built.
      await rm(join(copy, PAGE_MODULE))
    }
    const program = run(command, copy)
    const wsUrl = await urlOf(program)
    expect(program.output()).toMatch(new RegExp(`^stomp-bridge \\S+ on ${runtime} `, 'm'))

    const client = await connectStompjs7({ wsUrl })
    const toasts = await client.subscribe('/topic/toast')
    const { host, port } = new URL(wsUrl)
    expect(await notify({ url: `http://${host}` }, '/topic/toast', 'Grüße 😀')).toEqual({ status: 200, body: '' })
    expect((await toasts.next()).body).toBe('Grüße 😀')

    const page = await fetch(`http://${host}/`)
    expect([page.url, page.status]).toEqual([`http://${host}/debugger/`, 200])
    const script = /<script[^>]* src="\.\/([^"]+)"/.exec(await page.text())![1]!
    const code = await fetch(`http://${host}/debugger/${script}`)
    expect([code.status, code.headers.get('content-encoding')]).toEqual([200, 'gzip'])
    expect(code.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect((await code.text()).length).toBeGreaterThan(10_000)

    program.terminate()
    expect(await client.closed).toBe(1001)
    expect([await program.exited, program.output()]).toEqual([0, expect.stringContaining('"msg":"Stopped"')])
    const next = createServer().listen(Number(port), '127.0.0.1')
    await once(next, 'listening')
    next.close()
  })
})

/** Where the banner says that it listens. */
function urlOf(program: Program): Promise<string> {
  const find = () => /ws:\/\/127\.0\.0\.1:\d+\/stomp(?=\n)/.exec(program.output())?.[0]
  return waitFor(find, { timeoutMs: TIMEOUT_MS }).catch((cause: unknown) => {
    throw new Error(`It printed no banner:\n${program.output()}`, { cause })
  })
}

interface Program {
  /** All of stdout and stderr so far. */
  output(): string
  /** SIGTERM to the command itself. */
  terminate(): void
  /** The exit code, when it and all that it started have ended. */
  readonly exited: Promise<number | null>
}

function run([command, ...args]: readonly [string, ...string[]], cwd: string): Program {
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', STOMP_BRIDGE_LOG_FORMAT: 'json' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  adopt(child)
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  // Its children hold the same pipes, so 'close' waits for them.
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code))
  })
  return { output: () => output, terminate: () => void child.kill('SIGTERM'), exited }
}
