/**
 * `npm run soak`: thousands of clients come and go for a long time, at a real bridge on a real Redis. Memory has to stay
 * where it is once it is warm, and when all have gone nothing may be left of them. Exit code 0 only if all of that is so.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { temporaryDirectory, start } from '../children.ts'
import { findProgram, fromRoot, installed } from '../contenders/paths.ts'
import { residentBytes } from '../process-usage.ts'
import { freePort, startServer } from '../server-process.ts'
import { percentile } from '../statistics.ts'
import { Crowd } from './crowd.ts'
import { trendOf, type Sample } from './trend.ts'

const HELP = `npm run soak -- [options]

  --minutes N        How long (60)
  --sessions N       How many clients at a time (10000)
  --runtime NAME     bun, deno or node (bun)
  --port PORT        The port of the bridge, so that a Prometheus can read its metrics; any free one unless told
`

/** How long those that have gone half-open may take to be noticed, in milliseconds. */
const EMPTY_WITHIN_MS = 90_000
const MEBIBYTE = 1_048_576

const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  bun: [installed('bun'), fromRoot('src/main.ts')],
  deno: [process.env['DENO'] || installed('deno'), 'run', '-A', '--no-lock', fromRoot('src/main.ts')],
  node: [process.env['NODE'] ?? 'node', fromRoot('dist/main.js')],
}

const CONFIG = `
history: [{ destination: '/topic/kept/**', size: 50, ttlSeconds: 60 }]
queues: [{ destination: '/queue/**' }]
limits: { maxSessions: 100000 }
log: { level: warn }
debugger: { enabled: false }
`

interface Arguments {
  readonly minutes: number
  readonly sessions: number
  readonly runtime: string
  readonly port: number | undefined
}

async function run({ minutes, sessions, runtime, port: wantedPort }: Arguments): Promise<boolean> {
  const command = RUNTIMES[runtime]
  if (!command) throw new Error(`There is no runtime "${runtime}": they are ${Object.keys(RUNTIMES).join(', ')}`)
  const directory = temporaryDirectory('soak')
  const [port, redisPort] = [wantedPort ?? (await freePort()), await freePort()]
  const redisCommand = [process.env['REDIS_SERVER'] || (findProgram('redis-server') ?? 'redis-server')]
  redisCommand.push('--port', String(redisPort), '--bind', '127.0.0.1', '--dir', directory, '--save', '')
  const redis = await startServer(redisCommand, redisPort)
  const file = join(directory, 'bridge.yaml')
  writeFileSync(file, CONFIG)
  const env = { PORT: String(port), STOMP_BRIDGE_CONFIG: file, REDIS_URL: `redis://127.0.0.1:${redisPort}` }
  const child = start(command, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] })
  const pid = child.pid!
  const url = `http://127.0.0.1:${port}`
  await until(async () => (await fetch(`${url}/ready`)).status === 200, 60_000)
  const before = { files: openFiles(pid), rss: residentBytes(pid) }
  const crowd = new Crowd(port, sessions)
  const memory: Sample[] = []
  const ticksLate: number[] = []
  const begunMs = performance.now()
  const everySeconds = Math.max(1, Math.round((minutes * 60) / 300))
  for (let second = 0; second < minutes * 60; second++) {
    const dueMs = begunMs + (second + 1) * 1000
    crowd.tick()
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())))
    ticksLate.push(Math.max(0, performance.now() - dueMs))
    if (second % everySeconds === 0) memory.push({ seconds: second, value: residentBytes(pid) / MEBIBYTE })
    if ((second + 1) % 60 === 0) {
      say(
        `${(second + 1) / 60} min: ${crowd.size} sessions, ${Math.round(memory.at(-1)!.value)} MB, ${openFiles(pid)} files`,
      )
    }
  }
  const metrics = await readMetrics(url)
  crowd.end()
  const isEmpty = await until(async () => {
    crowd.tick()
    const now = await readMetrics(url)
    return now.sum('stomp_bridge_sessions') === 0 && now.sum('stomp_bridge_subscriptions') === 0
  }, EMPTY_WITHIN_MS).then(
    () => true,
    () => false,
  )
  crowd.drop()
  const after = await readMetrics(url)
  const filesAfter = openFiles(pid)
  const trend = trendOf(memory)
  const internal = metrics.sum('stomp_bridge_errors_total', 'code="internal"')
  const verdicts: [what: string, isReached: boolean][] = [
    [
      `memory after warm-up: median ${trend.median.toFixed(0)} MB, ${signed(trend.perHour)} MB/h, ${signed(trend.growth * 100)} % over the rest of the run (at most 5 %)`,
      trend.isFlat,
    ],
    [
      `sessions and subscriptions at the end: ${after.sum('stomp_bridge_sessions')} and ${after.sum('stomp_bridge_subscriptions')}`,
      isEmpty,
    ],
    [`open files: ${before.files} before, ${filesAfter} at the end`, filesAfter <= before.files + 10],
    [`internal errors: ${internal}`, internal === 0],
    [`the bridge is still the same process`, child.exitCode === null],
  ]
  console.log(
    `\nSoak on ${runtime}: ${minutes} minutes, ${sessions} sessions at a time, ${cpus().length} cores, load ${loadavg()[1]!.toFixed(1)} (5 minutes)`,
  )
  console.log(
    `${crowd.came} sessions came; ended: ${JSON.stringify(crowd.ended)}; messages to them: ${crowd.messages}; errors: ${JSON.stringify(Object.fromEntries(crowd.errors))}`,
  )
  console.log(
    `Memory: ${(before.rss / MEBIBYTE).toFixed(0)} MB before, ${(residentBytes(pid) / MEBIBYTE).toFixed(0)} MB at the end`,
  )
  console.log(
    `Event loop late by ${(metrics.mean('stomp_bridge_event_loop_delay_seconds') * 1000).toFixed(1)} ms on average; the clients were late by ${percentile(ticksLate, 99).toFixed(0)} ms (99 %)`,
  )
  for (const [what, isReached] of verdicts) console.log(`${isReached ? 'ok  ' : 'MISS'}  ${what}`)
  child.kill('SIGTERM')
  await new Promise((resolve) => child.once('exit', resolve))
  await redis.stop()
  return verdicts.every(([, isReached]) => isReached)
}

/** Of a process, while it lives. */
function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

async function readMetrics(url: string) {
  const text = await (await fetch(`${url}/metrics`)).text()
  const sum = (name: string, label = ''): number =>
    [...text.matchAll(new RegExp(`^${name}(\\{.*\\})? (\\S+)$`, 'gm'))]
      .filter(([, labels = '']) => labels.includes(label))
      .reduce((total, [, , value]) => total + Number(value), 0)
  return { sum, mean: (name: string): number => sum(`${name}_sum`) / sum(`${name}_count`) }
}

async function until(condition: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await condition().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain`)
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}

function parse(args: readonly string[]): Arguments | undefined {
  const values = new Map<string, string>()
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i]!
    if (name === '--help') return undefined
    if (!['--minutes', '--sessions', '--runtime', '--port'].includes(name))
      throw new Error(`Unknown option "${name}"\n\n${HELP}`)
    if (args[i + 1] === undefined) throw new Error(`Option "${name}" needs a value`)
    values.set(name, args[i + 1]!)
  }
  const number = (name: string, value: string): number => {
    if (!(Number(value) > 0)) throw new Error(`Option "${name}" needs a number above 0, not "${value}"`)
    return Number(value)
  }
  const port = values.get('--port')
  return {
    minutes: number('--minutes', values.get('--minutes') ?? '60'),
    sessions: number('--sessions', values.get('--sessions') ?? '10000'),
    runtime: values.get('--runtime') ?? 'bun',
    port: port === undefined ? undefined : number('--port', port),
  }
}

const signed = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(1)}`

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

try {
  if (!existsSync('/proc/self/fd')) throw new Error('Processes are measured by /proc, which only Linux has')
  const args = parse(process.argv.slice(2))
  if (args) process.exitCode = (await run(args)) ? 0 : 1
  else process.stdout.write(HELP)
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
process.exit()
