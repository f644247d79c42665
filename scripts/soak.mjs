/**
 * `npm run soak`: installs what is missing (packages, a redis-server), builds the bundle that Node runs, then runs
 * bench/soak/main.ts with the arguments given. Owns only the way there.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { install, npm, root, Stop } from './install.mjs'
import { provideProgram, redisServer } from './programs.mjs'

const args = process.argv.slice(2)
try {
  await install({ dev: true, say: console.error })
  if (!args.includes('--help')) {
    await provideProgram(redisServer, (text) => console.error(`redis-server: ${text}`))
    const { code, output } = await npm(['run', '--silent', 'build'])
    if (code !== 0) throw new Stop(`${output.trimEnd()}\n"npm run build" failed: see above`)
  }
  process.exitCode = await runSoak()
} catch (error) {
  console.error(error instanceof Stop ? error.message : error)
  process.exitCode = 1
}

function runSoak() {
  const bun = join(root, 'node_modules/bun/bin/bun.exe')
  // --no-orphans ends it, and the servers with it, should this process be killed.
  const soak = spawn(bun, ['--no-orphans', join(root, 'bench/soak/main.ts'), ...args], {
    stdio: 'inherit',
    env: { ...process.env, NODE: process.env.NODE ?? process.execPath },
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => soak.kill(signal))
  return new Promise((resolve, reject) => {
    soak.on('error', (error) => reject(new Stop(`Cannot run ${bun}: ${error.message}`)))
    soak.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  })
}
