/**
 * The programs beside Node that tests and benchmark need: where each may be, how to know that it runs, and how it comes
 * here when it is not. test.mjs and bench.mjs have them provided; the tests themselves, and what takes the screenshots,
 * only look for them.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run, Stop } from './install.mjs'

export const redisServer = {
  name: 'redis-server',
  variable: 'REDIS_SERVER',
  commands: ['redis-server'],
  // `v=7.0.15`, as the server calls it.
  version: /\bv=[\w.]+/,
  aptPackage: 'redis-server',
  brew: 'redis',
}

/** Any browser of that family does; the tests of the web debugger bring the rest. */
export const chromium = {
  name: 'Chromium',
  variable: 'CHROMIUM',
  commands: [
    'chromium',
    'chromium-browser',
    'google-chrome',
    'google-chrome-stable',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ],
  version: /\d+(\.\d+)+/,
  aptPackage: 'chromium',
  brew: '--cask chromium',
}

/**
 * The path of a program that runs, with its version; undefined if it is not here.
 *
 * Errors: Stop, when the environment names one that does not run.
 */
export function findProgram(program) {
  const given = process.env[program.variable]
  for (const command of given ? [given] : program.commands) {
    const path = pathOf(command)
    if (path === undefined) continue
    const { status, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
    if (status === 0) return { path, version: program.version.exec(stdout)?.[0] ?? stdout.trim() }
  }
  if (given) throw new Stop(`${program.variable} is "${given}", which does not run`)
  return undefined
}

function pathOf(command) {
  const paths = command.includes('/')
    ? [command]
    : (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, command))
  return paths.find((path) => existsSync(path))
}

/**
 * The same, after an installation with apt-get where that may be done without asking.
 *
 * Errors: Stop, with what to do by hand.
 */
export async function provideProgram(program, say) {
  return findProgram(program) ?? (await installProgram(program, say))
}

/** The error of whoever needs the program and may not install it. */
export function missing({ name, variable, aptPackage, brew }) {
  const byHand =
    process.platform === 'darwin'
      ? `brew install ${brew}`
      : `sudo apt-get update && sudo apt-get install -y ${aptPackage}`
  return new Stop(`${name} is needed. Install it, or set ${variable} to its path:\n  ${byHand}`)
}

async function installProgram(program, say) {
  say('not found, installing with apt-get')
  const { code, output } = await aptInstall([program.aptPackage])
  const found = code === 0 ? findProgram(program) : undefined
  if (!found) throw new Stop(`${output}${missing(program).message}`)
  return found
}

/** Installs Debian packages where that may be done without asking. `code` is 0 if they are there now; `output` is what apt-get said. */
export async function aptInstall(packages) {
  const prefix = aptPrefix()
  if (!prefix) return { code: 1, output: '' }
  // RUNLEVEL: what is installed is not started as a service; whoever needs it here starts its own.
  const environment = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1']
  const apt = (...args) => {
    const [command, ...rest] = [...prefix, ...environment, 'apt-get', ...args]
    return run(command, rest)
  }
  // One unreachable repository fails the update, though the packages may come from another.
  const update = await apt('update')
  const { code, output } = await apt('install', '-y', '--no-install-recommends', ...packages)
  return { code, output: `${update.code === 0 ? '' : update.output}${output.trimEnd()}\n` }
}

/** What to write before apt-get; undefined when it is not here, or may not be used without asking. */
function aptPrefix() {
  const works = (command, ...args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0
  if (!works('apt-get', '--version')) return undefined
  if (process.getuid?.() === 0) return []
  return works('sudo', '-n', 'true') ? ['sudo', '-n'] : undefined
}
