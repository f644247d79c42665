/** Serves in this process: builds the bridge for the runtime that is there, starts it, and stops it when that is wanted. */
import process from 'node:process'
import { startFailure } from '../banner.ts'
import type { Bridge, BridgeAddress, BridgeOptions } from '../bridge-api.ts'
import { COMMIT_VARIABLE, type Config } from '../config.ts'
import { createLogger, type Logger } from '../logger.ts'
import { importRuntime } from '../runtime/found.ts'
import type { Runtime } from '../socket.ts'
import { openTraces } from '../tracing/open-traces.ts'
import type { OtlpTraces } from '../tracing/otlp.ts'
import { version } from '../version.ts'
import type { WorkerLife } from '../workers/worker.ts'

/** How long the last spans may take, in milliseconds. */
const LAST_SPANS_MS = 1000

/** How a process serves: as one of several workers, or alone. */
export interface Serving {
  /** It is one of several. */
  readonly life?: WorkerLife
  /** The bridge runs. */
  started(bridge: Bridge, address: BridgeAddress, runtime: Runtime): void
  stopping(): void
  /** Calls back on a signal to stop. */
  onStopSignal(stop: (signal: string) => void): void
}

/** Returns when it serves. Errors: rejects with why it cannot. */
export async function serve(config: Config, log: Logger, serving: Serving): Promise<void> {
  const { life } = serving
  let isStopping = false
  try {
    // Only here: the other commands need neither the bridge nor a runtime.
    const [{ createBridge }, { createRuntime }] = await Promise.all([import('../bridge.ts'), importRuntime()])
    const runtime = createRuntime({ sharesPorts: life !== undefined })
    const debuggerFiles = config.debugger.enabled ? await loadDebuggerFiles(log) : {}
    const traces = await openTraces(process.env, { version, log })
    const bridge = createBridge({
      config,
      log,
      runtime,
      version,
      ...(traces && { tracerProvider: traces.provider, spansDropped: () => traces.dropped }),
      commit: process.env[COMMIT_VARIABLE],
      debuggerFiles,
      onLogLevel: (level) => void (log.level = level),
      ...(life ? { together: life } : {}),
    })
    const stopOnce = (reason: object, handOverMs?: number) => {
      if (!isStopping) void stop({ bridge, config, log, traces }, reason, handOverMs)
      isStopping = true
      serving.stopping()
    }
    serving.onStopSignal((signal) => stopOnce({ signal }))
    life?.onStop((reason, handOverMs) => stopOnce({ reason }, handOverMs))
    const address = await bridge.start()
    if (!isStopping) serving.started(bridge, address, runtime)
  } catch (error) {
    // A start that a signal cut short has not failed.
    if (isStopping) return
    log.debug({ err: error }, 'Cannot start')
    throw new Error(startFailure(error, config), { cause: error })
  }
}

/** Without its page the bridge serves all the same, and says where the page would be how to build it. */
async function loadDebuggerFiles(log: Logger): Promise<NonNullable<BridgeOptions['debuggerFiles']>> {
  try {
    return (await import('../../web-debugger/built/assets.js')).assets
  } catch (error) {
    log.debug({ err: error }, 'The web debugger is not built')
    return {}
  }
}

/** What is stopped, and what it is stopped by. */
interface Running {
  readonly bridge: Bridge
  readonly config: Config
  readonly log: Logger
  readonly traces: OtlpTraces | undefined
}

/** Ends the process with exit code 0 when the bridge has closed, at the latest when the deadline has passed. */
async function stop({ bridge, config, log, traces }: Running, reason: object, handOverMs?: number): Promise<void> {
  const { shutdown } = config
  log.info(reason, 'Stopping')
  setTimeout(() => process.exit(0), shutdown.deadlineMs + (handOverMs ?? 0))
  try {
    await bridge.close({ handOverMs })
    await traces?.close(LAST_SPANS_MS)
    log.info({}, 'Stopped')
  } catch (error) {
    log.error({ err: error }, 'Cannot stop cleanly')
  }
  process.exit(0)
}

/** Returns a log on standard error, for people where that is a terminal. */
export function loggerFor({ log }: Config): Logger {
  return createLogger(log, {
    isTerminal: process.stderr.isTTY === true,
    hasColours: process.stderr.isTTY === true && !process.env['NO_COLOR'],
  })
}
