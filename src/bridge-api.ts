/** A bridge as a program sees it that embeds one: what it is made of, where it is found, what it can be told. Types only. */
import type { OwnAccess } from './bridge-access.ts'
import type { ReloadResult } from './bridge-reload.ts'
import type { Bus } from './bus/bus.ts'
import type { Config } from './config.ts'
import type { AskAll } from './debug/inspection.ts'
import type { PageFiles } from './debug/page.ts'
import type { Log } from './log.ts'
import type { MetricsSnapshot } from './metrics.ts'
import type { Runtime } from './socket.ts'
import type { TracerProvider } from './tracing/tracing.ts'

export interface BridgeOptions {
  readonly config: Config
  /** How to listen: `createRuntime()` of `runtime/bun.ts`, `deno.ts` or `node.ts`. */
  readonly runtime: Runtime
  /** Shown in CONNECTED, `/health` and the banner. */
  readonly version: string
  /** Of the sources, shown in the metrics. */
  readonly commit?: string | undefined
  readonly log?: Log
  /** Beside what the configuration says, or instead. Without either anyone may do anything. */
  readonly access?: OwnAccess
  /** By default Redis if `redis` says where one is, else the embedded bus. */
  readonly bus?: Bus
  /**
   * The files of the web debugger's page, as `web-debugger/built/assets.js` has them; served if `debugger.enabled`, and
   * by default not. With none in it the page says how to build them.
   */
  readonly debuggerFiles?: PageFiles
  /** Called when a reload has changed `log.level`; without it that needs a restart. */
  readonly onLogLevel?: (level: Config['log']['level']) => void
  /**
   * Makes the spans of OpenTelemetry; by default the global one of `@opentelemetry/api`, if the program has registered one
   * before this call. Without either there are no spans.
   */
  readonly tracerProvider?: TracerProvider | undefined
  /** How many spans were lost on their way since the start, for the metrics. */
  readonly spansDropped?: (() => number) | undefined
  /** What `/ready` and `/metrics` say for several processes on one port; by default this one speaks for itself. */
  readonly together?: Together
}

/** Several processes on one port, as one. */
export interface Together {
  /** Why there should be no new clients; empty when ready. */
  notReadyReasons(): Promise<readonly string[]>
  /** Prometheus text format. */
  renderMetrics(): Promise<string>
  /** For the web debugger: what each process says. */
  readonly inspectAll: AskAll
}

/** Where a started bridge is found, and how it is set up, in words for people. */
export interface BridgeAddress {
  readonly http: { readonly host: string; readonly port: number }
  readonly tcp?: { readonly host: string; readonly port: number }
  readonly bus: string
  /** Why the bus cannot be used at the start; undefined when it can. */
  readonly busUnavailable?: string
  /** One line per route. */
  readonly routes: readonly string[]
  readonly open: boolean
}

export interface Bridge {
  /** Rejects when a port cannot be bound, with the runtime's error (`code` EADDRINUSE). Redis may be away. */
  start(): Promise<BridgeAddress>
  /**
   * Not ready, then no new sessions, finish, close 1001, one batch after the other. Idempotent; over within
   * `shutdown.deadlineMs`. `handOverMs`: another process listens on the port. This one stops listening at once, and before
   * all that still serves for so long who has come to it.
   */
  close(options?: { readonly handOverMs?: number | undefined }): Promise<void>
  /**
   * Takes on another configuration while it runs, as far as that can be; sessions go on. `next`: it, or what returns it.
   * Calls are done one after the other.
   * Errors: rejects with what `next` throws, and with Error for what cannot be used, such as a file that is not there, and
   * before `start` or after `close`. Nothing has changed then.
   */
  reload(next: Config | (() => Config)): Promise<ReloadResult>
  /** Why this process should get no new clients; empty when ready. */
  notReadyReasons(): readonly string[]
  /** What this process has counted. */
  metricsSnapshot(): Promise<MetricsSnapshot>
  /** What the web debugger asks of this process; plain data both ways. */
  inspect(request: unknown): Promise<unknown>
}
