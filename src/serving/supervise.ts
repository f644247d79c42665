/** A process that serves nothing itself: it starts workers, replaces them, and hands them the configuration they serve by. */
import process from 'node:process'
import { banner, startFailure } from '../banner.ts'
import type { BridgeAddress } from '../bridge-api.ts'
import { systemClock } from '../clock.ts'
import { planReload, type Config } from '../config.ts'
import type { Logger } from '../logger.ts'
import type { Outcome, Reloads } from '../reloading.ts'
import { importRuntime } from '../runtime/found.ts'
import { version } from '../version.ts'
import { WORKER_ENVIRONMENT } from './as-worker.ts'
import { onHangup, onRestart, onStopSignal } from './signals.ts'

/** Runs the workers, on ports that it has found for them. */
export async function supervise(config: Config, log: Logger, reloads: Reloads, load: () => Config): Promise<void> {
  const { server, tcp, shutdown } = config
  const [{ Supervisor }, { findPorts }, { createRuntime, processes }] = await Promise.all([
    import('../workers/supervisor.ts'),
    import('../runtime/ports.ts'),
    importRuntime(),
  ])
  const runtime = createRuntime()
  const [port, tcpPort = tcp.port] = await findPorts(tcp.enabled ? [server, tcp] : [server]).catch((error: unknown) => {
    throw new Error(startFailure(error, config), { cause: error })
  })
  const withPorts = (current: Config): Config => ({
    ...current,
    server: { ...current.server, port: port! },
    tcp: { ...current.tcp, port: tcpPort },
  })
  const supervisor = new Supervisor(
    { workers: server.workers, config: withPorts(config), deadlineMs: shutdown.deadlineMs },
    (events) => processes.startWorker({ ...process.env, ...WORKER_ENVIRONMENT }, events),
    systemClock,
    log,
  )
  const stop = (signal: string) => {
    log.info({ signal }, 'Stopping')
    reloads.end()
    supervisor.stop()
  }
  const receive = onStopSignal(stop, { again: () => supervisor.kill() })
  onHangup(() => reloads.ask(), receive)
  let inForce = config
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work)
    last = done.catch(() => {}) // for whoever has asked
    return done
  }
  const reload = async (): Promise<Outcome> => {
    try {
      const plan = planReload(inForce, load())
      await supervisor.reload(withPorts(plan.config))
      inForce = plan.config
      log.level = inForce.log.level
      return plan
    } catch (error) {
      supervisor.reloadFailed()
      throw error
    }
  }
  /** Where they listen, and how many they are, is the supervisor's own. */
  const withPlaces = (next: Config): Config => ({
    ...next,
    server: { ...next.server, host: server.host, port: server.port, workers: server.workers },
    tcp: { ...next.tcp, enabled: tcp.enabled, host: tcp.host, port: tcp.port },
  })
  const restart = async (): Promise<void> => {
    try {
      log.info({}, 'Replacing the workers, one after the other')
      const next = withPlaces(load())
      await supervisor.restart(withPorts(next))
      inForce = next
      log.info({}, 'The workers were replaced')
    } catch (error) {
      log.error({ reason: (error as Error).message }, 'The workers were not all replaced: those that were not go on')
    }
  }
  onRestart(() => void inTurn(restart))
  await supervisor.run((address) => {
    process.stdout.write(banner(address as BridgeAddress, { version, runtime, config }))
    reloads.begin(() => inTurn(reload))
  })
  log.info({}, 'Stopped')
  process.exit(0)
}
