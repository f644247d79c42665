/**
 * Makes node_modules hold what package-lock.json asks for, and the binaries in it run. Owns everything about
 * installing; start.mjs and test.mjs call it first. Runs before any package is there, so it imports only Node's own.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout, whatever the working directory. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** Ends a command with a message for its user instead of a stack trace. */
export class Stop extends Error {}

/** The children that {@link run} waits for, so that a signal to this process can be passed on to them. */
const children = new Set()

/** Passes a signal on to the children that are running now; false if there is none. */
export function passOn(signal) {
  return [...children].map((child) => child.kill(signal)).includes(true)
}

/**
 * Runs a command and waits for it. `show` lets it write to the terminal; otherwise its output is collected.
 * Resolves also when it fails: look at `code`.
 */
export function run(command, args, { show = false, env = process.env } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'] })
    children.add(child)
    let output = ''
    const finish = (code) => {
      children.delete(child)
      resolve({ code, output })
    }
    child.stdout?.setEncoding('utf8').on('data', (chunk) => (output += chunk))
    child.stderr?.setEncoding('utf8').on('data', (chunk) => (output += chunk))
    child.on('error', (error) => {
      output += `${command}: ${error.message}\n`
      finish(1)
    })
    child.on('close', (code) => finish(code ?? 1))
  })
}

/** Runs the npm that runs us, else the one on PATH. */
export function npm(args, options) {
  const path = process.env.npm_execpath ?? ''
  // Another package manager sets the same variable.
  return path.endsWith('npm-cli.js') ? run(process.execPath, [path, ...args], options) : run('npm', args, options)
}

/**
 * Brings node_modules up to package-lock.json: the production packages, or with `dev` all of them. Does nothing, and
 * needs no network, when they are there.
 *
 * Errors: Stop, with the output of what failed.
 */
export async function install({ dev, say = console.log }) {
  requireNode()
  if (!isInstalled({ dev })) {
    say(`Installing packages (npm ci${dev ? '' : ' --omit=dev'}); this takes a moment`)
    // NODE_ENV=production or a user's npmrc may omit packages that are needed here.
    const omit = dev ? ['--include=dev'] : ['--omit=dev']
    const { code, output } = await npm(['ci', ...omit, '--include=optional'])
    if (code !== 0) throw new Stop(`${output.trimEnd()}\nnpm ci failed: see above. Is the npm registry reachable?`)
  }
  await mend('bun', ['bun', 'bin', 'bun.exe'], ['bun', 'install.js'])
  // A Deno from elsewhere may stand in: npm has none for every platform.
  if (dev && !process.env.DENO) await mend('deno', ['.bin', 'deno'], ['deno', 'install.cjs'])
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Stop(`Node 20.19 or later is needed; this is ${process.version}`)
  }
}

function isInstalled({ dev }) {
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const hidden = join(root, 'node_modules/.package-lock.json')
  // npm writes this file when an install has succeeded: without it the last one was cut off.
  if (!existsSync(hidden)) return false
  const present = JSON.parse(readFileSync(hidden, 'utf8')).packages
  return Object.entries(wanted)
    .filter(([path, entry]) => path !== '' && (dev || !(entry.dev || entry.devOptional)) && isForThisMachine(entry))
    .every(([path, entry]) => present[path]?.version === entry.version && existsSync(join(root, path, 'package.json')))
}

/** Optional packages are the binaries of one platform each; those that name no platform are ones one can do without. */
function isForThisMachine({ optional, os, cpu, libc }) {
  if (!optional) return true
  if (!os && !cpu) return false
  return accepts(os, process.platform) && accepts(cpu, process.arch) && accepts(libc, machineLibc())
}

function accepts(list, value) {
  return !list || list.includes(value)
}

function machineLibc() {
  if (process.platform !== 'linux') return undefined
  return process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl'
}

/**
 * npm may have been told not to run install scripts (ignore-scripts, or an npm that asks for approval). Bun and Deno
 * put their binary in place with one, so run just that one.
 */
async function mend(name, binary, script) {
  const path = join(root, 'node_modules', ...binary)
  const runs = () => spawnSync(path, ['--version'], { stdio: 'ignore' }).status === 0
  if (runs()) return
  const { output } = await run(process.execPath, [join(root, 'node_modules', ...script)])
  if (runs()) return
  const elsewhere = name === 'deno' ? ', or set DENO to a Deno that is installed' : ''
  const said = output.trim() ? `${output.trim()}\n` : ''
  throw new Stop(
    `${said}node_modules/${binary.join('/')} does not run here (${process.platform} ${process.arch}): ` +
      `delete node_modules and try again${elsewhere}`,
  )
}
