/**
 * What the bridge counts. The hot path adds to plain numbers; Prometheus reads them when it asks. Gauges are read from
 * their owner at that moment, so that a number and the state it shows cannot disagree.
 */
import {
  AggregatorRegistry,
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  Registry,
  type Metric,
} from 'prom-client'
import { DeliveryDelay } from './metrics/delivery-delay.ts'
import {
  BUILD_INFO,
  COUNTERS,
  DURATION_BUCKETS,
  DURATIONS,
  GAUGES,
  HISTORY_CALL_BUCKETS,
  HISTORY_CALLS,
  HISTORY_GAUGES,
  HISTORY_LABELS,
  LABELLED_COUNTERS,
  MERGED_BY,
  METRIC_PREFIX,
  metricName,
  RECOVERED_BUCKETS,
  RECOVERED_HELP,
  SESSIONS_BY_TRANSPORT,
  type CounterName,
  type DeniedAction,
  type DurationName,
  type GaugeName,
} from './metrics/definitions.ts'
import { histogramMetrics, newHistograms, type Histograms } from './metrics/histograms.ts'
import type { Transport } from './socket.ts'

/** What a gauge of the runtime must not be called: promtool refuses them, and `nodejs_active_handles` and its neighbours say the same. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** Close codes that are told apart: a client may send any from 3000 to 4999. */
const CLOSE_CODES = [
  1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 4500,
] as readonly number[]

/** What runs, for people who look at several of them. */
export interface BuildInfo {
  readonly version: string
  readonly runtime: string
  readonly runtimeVersion: string
  /** Of the sources, if that is known. */
  readonly commit: string | undefined
}

/** A session that was opened, and has ended. */
export interface EndedSession {
  readonly protocol: 'stomp' | 'raw' | 'sse'
  readonly transport: Transport
  /** An error code, or one of a few words: nothing that a client chose. */
  readonly reason: string
  /** As the WebSocket was closed, by either side. */
  readonly closeCode: number
  readonly seconds: number
}
/** Why a node lets a client not in. */
const CONNECT_REFUSALS = ['draining', 'full', 'rate', 'address-rate', 'address-sessions', 'user-sessions'] as const
export type ConnectRefusal = (typeof CONNECT_REFUSALS)[number]

/** What came of a login: `failed` if it could not be judged. */
export type LoginResult = 'accepted' | 'refused' | 'failed'
/** How much one history holds. */
export interface LogSize {
  readonly messages: number
  /** Of its oldest message; 0 if there is none. */
  readonly ageSeconds: number
}

/** Why: `none` for those accepted. */
export type LoginReason =
  | 'none'
  | 'no-credential'
  | 'unknown-form'
  | 'credential'
  | 'user-name'
  | 'expired'
  | 'revoked'
  | 'bad-verdict'
  | 'unavailable'
  | 'error'

export class Metrics {
  /** `metrics.count.messagesDelivered += n` is all the hot path does. */
  readonly count: Record<CounterName, number>
  /** Subscriptions that went on from a position, by what came of it. */
  readonly recoveries = { recovered: 0, incomplete: 0 }
  /** `metrics.histograms.message_bytes.received.add(n)` costs little more than the addition. */
  readonly histograms: Histograms = newHistograms()
  readonly deliveryDelay = new DeliveryDelay(this.histograms.delivery_seconds.all)
  /** Connections that were refused, by why. */
  readonly refusals = Object.fromEntries(CONNECT_REFUSALS.map((reason) => [reason, 0])) as Record<
    ConnectRefusal,
    number
  >
  /** What clients were refused, by error code. */
  readonly errors = new Map<string, number>()
  readonly #registry = new Registry()
  /** Of what others count. */
  readonly #reads = new Map<string, () => number>()
  readonly #logins: Counter
  readonly #denials: Counter
  readonly #sessionsClosed: Counter
  readonly #httpRequests: Counter
  readonly #durations: Readonly<Record<DurationName, Histogram>>
  readonly #recovered: Histogram
  readonly #historyCalls: Histogram
  #histories: (() => Promise<ReadonlyMap<string, LogSize>>) | undefined

  constructor() {
    this.count = Object.fromEntries(Object.keys(COUNTERS).map((name) => [name, 0])) as Record<CounterName, number>
    const count = this.count
    const reads = this.#reads
    for (const [name, help] of Object.entries(COUNTERS)) {
      new Counter({
        name: `${metricName(name)}_total`,
        help,
        registers: [this.#registry],
        collect() {
          this.reset()
          this.inc(reads.get(name)?.() ?? count[name as CounterName])
        },
      })
    }
    this.#logins = this.#labelled('logins')
    this.#denials = this.#labelled('denials')
    for (const action of ['subscribe', 'send']) this.#denials.labels(action, 'none').inc(0)
    this.#sessionsClosed = this.#labelled('sessionsClosed')
    this.#httpRequests = this.#labelled('httpRequests')
    this.#historyCalls = new Histogram({
      name: `${metricName('historyCall')}_seconds`,
      help: HISTORY_CALLS.help,
      labelNames: HISTORY_CALLS.labels,
      buckets: HISTORY_CALL_BUCKETS,
      registers: [this.#registry],
    })
    const { recoveries, refusals, errors } = this
    this.#labelled('errors', function () {
      this.reset()
      for (const [code, times] of errors) this.inc({ code }, times)
    })
    this.#labelled('connectsRefused', function () {
      this.reset()
      for (const [reason, times] of Object.entries(refusals)) this.inc({ reason }, times)
    })
    this.#labelled('recoveries', function () {
      this.reset()
      for (const [result, times] of Object.entries(recoveries)) this.inc({ result }, times)
    })
    this.#recovered = new Histogram({
      name: metricName('recoveredMessages'),
      help: RECOVERED_HELP,
      buckets: RECOVERED_BUCKETS,
      registers: [this.#registry],
    })
    this.#durations = { callback: this.#duration('callback'), jwksFetch: this.#duration('jwksFetch') }
    this.#historyGauge('historyLogMessages', ({ messages }) => messages)
    this.#historyGauge('historyLogAgeSeconds', ({ ageSeconds }) => ageSeconds)
    for (const metric of histogramMetrics(this.histograms, METRIC_PREFIX)) {
      this.#registry.registerMetric(metric as unknown as Metric)
    }
    collectDefaultMetrics({ register: this.#registry })
    for (const name of MISNAMED) this.#registry.removeSingleMetric(name)
  }

  #labelled(name: keyof typeof LABELLED_COUNTERS, collect?: (this: Counter) => void): Counter {
    const { help, labels } = LABELLED_COUNTERS[name]
    return new Counter({
      name: `${metricName(name)}_total`,
      help,
      labelNames: [...labels],
      registers: [this.#registry],
      ...(collect && { collect }),
    })
  }

  #duration(name: DurationName): Histogram {
    const { help, labels } = DURATIONS[name]
    return new Histogram({
      name: `${metricName(name)}_seconds`,
      help,
      labelNames: [...labels],
      buckets: DURATION_BUCKETS,
      registers: [this.#registry],
    })
  }

  #historyGauge(name: keyof typeof HISTORY_GAUGES, valueOf: (size: LogSize) => number): void {
    const sizes = (): Promise<ReadonlyMap<string, LogSize>> => this.historySizes()
    new Gauge({
      name: metricName(name),
      help: HISTORY_GAUGES[name],
      labelNames: HISTORY_LABELS,
      registers: [this.#registry],
      aggregator: 'max',
      async collect() {
        for (const [rule, size] of await sizes()) this.set({ rule }, valueOf(size))
      },
    })
  }

  /** `authenticator`: the type of the one that decided, or `none`. */
  login(authenticator: string, result: LoginResult, reason: LoginReason): void {
    this.#logins.labels(authenticator, result, reason).inc()
  }

  /** A client was refused something. `code`: one of the bridge's own, never what a client chose. */
  refused(code: string): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1)
  }

  /** A subscription has gone on from a position. */
  recovery(result: 'recovered' | 'incomplete'): void {
    this.recoveries[result]++
  }

  historyCallTook(call: 'publish' | 'record' | 'read' | 'clear', seconds: number): void {
    this.#historyCalls.labels(call).observe(seconds)
  }

  /** So many messages have come to a subscription from the history. */
  recovered(messages: number): void {
    this.#recovered.observe(messages)
  }

  /** The rules have refused it. `rule`: the place in the list of the one that decided, from 0; undefined if none did. */
  denied(action: DeniedAction, rule: number | undefined): void {
    this.#denials.labels(action, rule === undefined ? 'none' : String(rule + 1)).inc()
  }

  sessionEnded({ protocol, transport, reason, closeCode, seconds }: EndedSession): void {
    const code = CLOSE_CODES.includes(closeCode) ? String(closeCode) : 'other'
    this.#sessionsClosed.labels(protocol, transport, reason, code).inc()
    this.histograms.session_duration_seconds[protocol].add(seconds)
  }

  /** `route`: the path as it is served, with its variables; `other` if nothing is. */
  httpAnswered(route: string, status: number): void {
    this.#httpRequests.labels(route, String(status)).inc()
  }

  took(name: DurationName, result: 'answered' | 'failed', seconds: number): void {
    this.#durations[name].labels(result).observe(seconds)
  }

  /** Say where it is looked up, for each rule by its pattern, how much its longest history holds. It may not reject. */
  observeHistories(sizes: () => Promise<ReadonlyMap<string, LogSize>>): void {
    this.#histories = sizes
  }

  /** Resolves to how much the longest history of each rule holds, by its pattern; to nothing where there is none. */
  async historySizes(): Promise<ReadonlyMap<string, LogSize>> {
    return (await this.#histories?.()) ?? new Map()
  }

  /** Say what runs here. */
  describe({ version, runtime, runtimeVersion, commit = '' }: BuildInfo): void {
    const info = new Gauge({
      name: metricName('buildInfo'),
      help: BUILD_INFO.help,
      labelNames: BUILD_INFO.labels,
      registers: [this.#registry],
      aggregator: 'max',
    })
    info.labels(version, runtime, runtimeVersion, commit).set(1)
  }

  /** Say where it is read how many sessions are open of each kind. */
  observeSessions(read: () => Iterable<readonly [protocol: string, transport: string, sessions: number]>): void {
    new Gauge({
      name: metricName('sessionsByTransport'),
      help: SESSIONS_BY_TRANSPORT.help,
      labelNames: SESSIONS_BY_TRANSPORT.labels,
      registers: [this.#registry],
      collect() {
        for (const [protocol, transport, sessions] of read()) this.labels(protocol, transport).set(sessions)
      },
    })
  }

  /** Say where it is read how often each route was taken. */
  observeRoutes(read: () => Iterable<readonly [direction: string, route: string, messages: number]>): void {
    this.#labelled('routeMessages', function () {
      this.reset()
      for (const [direction, route, messages] of read()) this.labels(direction, route).inc(messages)
    })
  }

  /** Say where it is read how often each connection to Redis was made again. */
  observeReconnects(read: () => Iterable<readonly [connection: string, times: number]>): void {
    this.#labelled('redisReconnects', function () {
      this.reset()
      for (const [connection, times] of read()) this.labels(connection).inc(times)
    })
  }

  /** Say where a number is read that somebody else counts. */
  observeCount(name: CounterName, read: () => number): void {
    this.#reads.set(name, read)
  }

  /** Say where a gauge is read. */
  observe(name: GaugeName, read: () => number): void {
    new Gauge({
      name: metricName(name),
      help: GAUGES[name],
      registers: [this.#registry],
      aggregator: MERGED_BY[name] ?? 'sum',
      collect() {
        this.set(read())
      },
    })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** Prometheus text format. */
  render(): Promise<string> {
    return this.#registry.metrics()
  }

  /** The same as plain data, to be merged with that of other processes. */
  async snapshot(): Promise<MetricsSnapshot> {
    return (await this.#registry.getMetricsAsJSON()) as unknown as MetricsSnapshot
  }

  /** Let go of what the default metrics hold (the event-loop histogram). */
  close(): void {
    this.#registry.clear()
  }
}

/** What one process has counted, or several: plain data that can be sent to another process. */
export type MetricsSnapshot = readonly MetricSnapshot[]

export interface MetricSnapshot {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly aggregator: string
  readonly values: readonly {
    readonly value: number
    readonly labels: Readonly<Record<string, string | number>>
    /** Of a histogram: its name and what the value is, such as `_count`. */
    readonly metricName?: string
  }[]
}

/** Returns several snapshots as one: values of the same labels are added up, or what their `aggregator` says. */
export async function mergeSnapshots(snapshots: readonly MetricsSnapshot[]): Promise<MetricsSnapshot> {
  return (await AggregatorRegistry.aggregate([...snapshots]).getMetricsAsJSON()) as unknown as MetricsSnapshot
}

/** Returns several snapshots, merged, in the text format of Prometheus. */
export function renderSnapshots(snapshots: readonly MetricsSnapshot[]): Promise<string> {
  return AggregatorRegistry.aggregate([...snapshots]).metrics()
}
