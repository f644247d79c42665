/**
 * `npm run bench`: installs what is missing (packages, a redis-server, on request the peers that Debian has), builds
 * the bundle that Node runs, then runs bench/main.ts with the arguments given. Owns only the way there.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { install, npm, passOn, root, Stop } from './install.mjs'
import { aptInstall, provideProgram, redisServer } from './programs.mjs'

const PEER_PACKAGES = ['rabbitmq-server', 'nginx', 'libnginx-mod-nchan']

let bench
let interrupted
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    interrupted = signal
    // Ctrl+C in a terminal has reached the child too; bench/main.ts ends all it has started.
    if (signal === 'SIGTERM' || !process.stdin.isTTY) bench ? bench.kill(signal) : passOn(signal)
  })
}

try {
  const args = process.argv.slice(2)
  const isHelp = args.includes('--help')
  await install({ dev: true, say: console.error })
  if (!isHelp) {
    await installBenchPackages()
    await provideProgram(redisServer, (text) => console.error(`redis-server: ${text}`))
    if (args.includes('--install-peers')) await installPeers()
    await build()
  }
  if (interrupted) throw new Stop(`Stopped by ${interrupted}`)
  process.exitCode = await runBench(args)
} catch (error) {
  console.error(error instanceof Stop ? error.message : error)
  process.exitCode = interrupted ? 128 + constants.signals[interrupted] : 1
}

/** The servers to compare with, those that are Node packages. */
async function installBenchPackages() {
  const lock = JSON.parse(readFileSync(join(root, 'bench/package-lock.json'), 'utf8')).packages
  const isThere = Object.entries(lock).every(([path, { version }]) => {
    const manifest = join(root, 'bench', path, 'package.json')
    return path === '' || (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === version)
  })
  if (isThere) return
  console.error('Installing the packages of the benchmark (npm ci --prefix bench)')
  const { code, output } = await npm(['ci', '--prefix', 'bench'])
  // Without them their rows are left out, which the run says.
  if (code !== 0) console.error(`${output.trimEnd()}\nnpm ci --prefix bench failed: see above`)
}

async function build() {
  const { code, output } = await npm(['run', '--silent', 'build'])
  if (code !== 0) throw new Stop(`${output.trimEnd()}\n"npm run build" failed: see above`)
}

/** Without them their rows are left out, which the run says. */
async function installPeers() {
  console.error(`Installing ${PEER_PACKAGES.join(', ')} with apt-get`)
  const { code, output } = await aptInstall(PEER_PACKAGES)
  if (code === 0) return
  console.error(`${output}Cannot install the peers here. By hand, on Debian or Ubuntu:`)
  console.error(`  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${PEER_PACKAGES.join(' ')}`)
}

function runBench(args) {
  const bun = join(root, 'node_modules/bun/bin/bun.exe')
  // --no-orphans ends it, and the servers with it, should this process be killed.
  bench = spawn(bun, ['--no-orphans', join(root, 'bench/main.ts'), ...args], {
    stdio: 'inherit',
    env: { ...process.env, NODE: process.env.NODE ?? process.execPath },
  })
  return new Promise((resolve, reject) => {
    bench.on('error', (error) => reject(new Stop(`Cannot run ${bun}: ${error.message}`)))
    bench.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  })
}
