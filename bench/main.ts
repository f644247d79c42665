/** `npm run bench`: starts the servers, drives them, prints tables, and writes them as JSON and as a chart. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { helpText, parseArguments, type Arguments } from './arguments.ts'
import { chart } from './chart.ts'
import { start, stop, temporaryDirectory } from './children.ts'
import { Clients } from './clients.ts'
import { BRIDGE, CENTRIFUGO, CONTENDERS } from './contenders/index.ts'
import { findProgram, fromRoot } from './contenders/paths.ts'
import { canMeasure } from './process-usage.ts'
import { withRowsOf, type Report } from './report.ts'
import type { Row } from './row.ts'
import { fanOutCase } from './scenarios/fan-out.ts'
import { SCENARIOS } from './scenarios/index.ts'
import { freePort, startServer } from './server-process.ts'
import type { Stage } from './stage.ts'
import { resultTables, verdictTable } from './table.ts'
import { targets } from './targets.ts'
import { verdicts } from './verdicts.ts'

const IN_CHART = 8

async function run(args: Arguments): Promise<void> {
  if (!canMeasure()) throw new Error('Processes are measured by /proc, which only Linux has')
  const leftOut = [...CONTENDERS, CENTRIFUGO].flatMap(({ name, missing }) =>
    missing === undefined ? [] : [{ name, why: missing }],
  )
  for (const { name, why } of leftOut) say(`Left out: ${name} (${why})`)
  const rows = await withStage(args, (stage) => runScenarios(stage, args))
  const directory = args.output ?? fromRoot('bench')
  const measured: Report = {
    date: new Date().toISOString(),
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    runtimes: { Bun: Bun.version, Node: await versionOf('node') },
    isQuick: args.isQuick,
    leftOut,
    rows,
    verdicts: [],
  }
  const before = args.only && reportIn(directory)
  const whole = before ? withRowsOf(measured, before, Object.keys(SCENARIOS)) : measured
  const report: Report = { ...whole, verdicts: verdicts(targets(args), whole.rows) }
  console.log(`${resultTables(rows)}\n\n${verdictTable(report.verdicts)}`)
  for (const { name, why } of leftOut) console.log(`Left out: ${name} (${why})`)
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'results.json'), `${JSON.stringify(report, rounded, 2)}\n`)
  const charted = rows.filter(
    (row) => row.scenario === 'fan-out' && row.case === fanOutCase(args.subscribers, IN_CHART),
  )
  if (charted.length > 0) writeFileSync(join(directory, 'results.svg'), chart(charted, BRIDGE.name))
}

function reportIn(directory: string): Report | undefined {
  const file = join(directory, 'results.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined
}

async function runScenarios(stage: Stage, { only, isQuick }: Arguments): Promise<Row[]> {
  const rows: Row[] = []
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    if (only ? !only.includes(name) : isQuick && !scenario.isQuick) continue
    try {
      rows.push(...(await scenario.run({ ...stage, say: (text) => say(`${name}: ${text}`) })))
    } catch (error) {
      // The rows that are there are worth having; what is missing shows in the verdicts.
      process.exitCode = 1
      say(`${name} failed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return rows
}

async function withStage<T>(args: Arguments, use: (stage: Stage) => Promise<T>): Promise<T> {
  const port = await freePort()
  const directory = temporaryDirectory('redis')
  const command = [process.env['REDIS_SERVER'] || (findProgram('redis-server') ?? 'redis-server')]
  command.push('--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'no')
  const server = await startServer(command, port)
  const redisUrl = `redis://127.0.0.1:${port}`
  const redis = new Redis(redisUrl)
  const clients = new Clients()
  try {
    const { subscribers, rounds, seconds, isQuick } = args
    return await use({ redis, redisUrl, clients, subscribers, rounds, seconds, isQuick, say })
  } finally {
    redis.disconnect()
    await clients.stop()
    await server.stop()
  }
}

async function versionOf(program: string): Promise<string> {
  const child = start([process.env['NODE'] ?? program, '--version'], { stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await new Promise((resolve) => child.once('close', resolve))
  await stop(child)
  return output.trim().replace(/^v/, '')
}

/** Four digits say all that a measurement here can. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

try {
  const args = parseArguments(process.argv.slice(2), Object.keys(SCENARIOS))
  if (args.isHelp) process.stdout.write(helpText(SCENARIOS))
  else await run(args)
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
process.exit()
