/** A process that serves by itself: its banner, its signals, and its configuration read again. */
import process from 'node:process'
import { banner } from '../banner.ts'
import type { Config } from '../config.ts'
import type { Logger } from '../logger.ts'
import type { Reloads } from '../reloading.ts'
import { version } from '../version.ts'
import { serve } from './serve.ts'
import { onHangup, onRestart, onStopSignal } from './signals.ts'

/** Serves, and takes on what the configuration says later. */
export function serveAlone(config: Config, log: Logger, reloads: Reloads, load: () => Config): Promise<void> {
  return serve(config, log, {
    started(bridge, address, runtime) {
      process.stdout.write(banner(address, { version, runtime, config }))
      reloads.begin(() => bridge.reload(load))
    },
    stopping: () => reloads.end(),
    onStopSignal(stop) {
      const receive = onStopSignal(stop)
      onHangup(() => reloads.ask(), receive)
      onRestart(() => log.warn({}, 'SIGUSR2 replaces workers: with server.workers 1 there is none to take over'))
    },
  })
}
