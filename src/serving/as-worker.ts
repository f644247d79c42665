/** A process that serves as one of several workers: what it serves, and when it stops, its supervisor says. */
import process from 'node:process'
import { systemClock } from '../clock.ts'
import { parseConfig } from '../config.ts'
import { importRuntime } from '../runtime/found.ts'
import { loggerFor, serve } from './serve.ts'
import { onRestart, onStopSignal, TERMINAL_SIGNALS } from './signals.ts'

/** Set by a supervisor for its workers. */
const WORKER_VARIABLE = 'STOMP_BRIDGE_WORKER'

/** What a supervisor adds to the environment of its workers. */
export const WORKER_ENVIRONMENT = { [WORKER_VARIABLE]: '1' }

export function isWorker(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env[WORKER_VARIABLE])
}

/** Serves as the worker that a supervisor says, which also hears why it could not. */
export async function serveAsWorker(): Promise<void> {
  const [{ WorkerLife }, { processes }] = await Promise.all([import('../workers/worker.ts'), importRuntime()])
  for (const signal of TERMINAL_SIGNALS) process.on(signal, () => {})
  const life = new WorkerLife((events) => processes.connectSupervisor(events), systemClock)
  life.onStop(() => process.exit(0))
  try {
    const { worker, config: given } = await life.assignment
    const config = parseConfig(given)
    await serve(config, loggerFor(config).child({ worker }), {
      life,
      started(bridge, address) {
        life.onReload(async (next) => {
          const done = bridge.reload(() => {
            if (next === undefined) throw new Error('The configuration cannot be used')
            return parseConfig(next)
          })
          // Of what cannot be used the bridge only takes note.
          await (next === undefined ? done.catch(() => {}) : done)
        })
        life.started(address, bridge)
        onRestart(() => life.askToBeReplaced())
      },
      stopping() {},
      // What a terminal sends to it too is for its supervisor.
      onStopSignal: (stop) => void onStopSignal(stop, { signals: ['SIGTERM'] }),
    })
  } catch (error) {
    await life.failed((error as Error).message)
    process.exit(1)
  }
}
