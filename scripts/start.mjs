/**
 * `npm start`: installs what is missing, builds the web debugger if need be, then runs the bridge on Bun with the
 * arguments given (`npm start -- --port 9000`). Standard output is the bridge's alone. Owns how signals reach the bridge when npm and a terminal stand before
 * it, and passes its exit code on.
 * package.json calls it with `exec`: npm passes signals on to its shell, which would keep them to itself and die.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { buildDebugger } from './build-debugger.mjs'
import { install, passOn, root, Stop } from './install.mjs'

/**
 * One Ctrl+C arrives here twice, from the terminal and again from npm, which passes on what it gets. The bridge takes
 * a second signal as "at once", so repeats within this time are the same one.
 */
const SAME_SIGNAL_MS = 300

let bridge
let stoppedBy
let lastSignalAt = -Infinity

function stop(signal) {
  const now = performance.now()
  if (now - lastSignalAt < SAME_SIGNAL_MS) return
  lastSignalAt = now
  if (bridge) {
    bridge.kill(signal)
  } else if (stoppedBy || !passOn(signal)) {
    exitBy(signal)
  }
  stoppedBy = signal
}

function exitBy(signal) {
  process.exit(128 + constants.signals[signal])
}

function start() {
  const bun = join(root, 'node_modules/bun/bin/bun.exe')
  bridge = spawn(bun, ['--no-orphans', join(root, 'src/main.ts'), ...process.argv.slice(2)], {
    stdio: 'inherit',
    // A group of its own, so that the terminal's Ctrl+C reaches it only through stop(). --no-orphans ends it should
    // this process be killed without a chance to pass that on.
    detached: process.platform !== 'win32',
  })
  bridge.on('error', (error) => {
    console.error(`Cannot run ${bun}: ${error.message}`)
    process.exit(1)
  })
  bridge.on('exit', (code, signal) => (signal ? exitBy(signal) : process.exit(code)))
}

/** Without it the bridge serves all the same. */
async function tryToBuildDebugger() {
  try {
    await buildDebugger({ say: console.error })
  } catch (error) {
    if (!stoppedBy) console.error(`${error.message}\nThe bridge starts without its web debugger.`)
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop(signal))
process.on('SIGHUP', () => stop('SIGTERM'))

// An npm that was killed could not pass anything on, and must not leave the bridge behind.
if (process.env.npm_lifecycle_event === 'start') {
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    if (!stoppedBy) stop('SIGTERM')
  }, 1000)
  watch.unref()
}

try {
  await install({ dev: false, say: console.error })
  if (!stoppedBy) await tryToBuildDebugger()
} catch (error) {
  if (!(error instanceof Stop)) throw error
  if (!stoppedBy) console.error(error.message)
  process.exitCode = 1
}
// Not before npm has ended: the next install would meet its remains.
if (stoppedBy) exitBy(stoppedBy)
if (!process.exitCode) start()
