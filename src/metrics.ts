/**
 * What the bridge counts. The hot path adds to plain numbers; Prometheus reads them when it asks. Gauges are read from
 * their owner at that moment, so that a number and the state it shows cannot disagree.
 */
import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Counted since start. */
const COUNTERS = {
  sessionsOpened: 'Sessions opened: STOMP clients after CONNECT, and clients of the other doors',
  framesReceived: 'STOMP frames and plain WebSocket messages received from clients, without heart-beats',
  errorsSent: 'ERROR frames, and events "error" of Server-Sent Events, sent to clients',
  receiptsSent: 'RECEIPT frames sent',
  messagesPublished: 'Messages that the bus accepted from clients and HTTP',
  messagesReceived: 'Payloads received from the bus for a destination',
  messagesDropped: 'Messages dropped by a slow-client policy',
  messagesDelivered: 'Messages handed to subscribers, whatever their door',
  payloadsMalformed: "Payloads from the bus that their route's codec could not read",
  busFailures: 'Messages that the bus did not accept',
  busOutages:
    'Times that Redis, or what is subscribed there, was lost: without history, messages may have been lost with it',
  acknowledged: 'Deliveries acknowledged by ACK',
  rejected: 'Deliveries rejected by NACK: discarded, or given back to their work queue',
  messagesIgnored: 'Messages from plain WebSocket clients that were ignored because their path has no place to send to',
  unsubscribeUnknown: 'UNSUBSCRIBE frames with an unknown subscription',
  slowConsumersClosed: 'Sessions closed because they did not read',
  heartBeatTimeouts: 'Sessions closed because the client was silent too long',
  floodsPaused: 'Times that reading from a client was paused because it sent too fast',
  loginsThrottled: 'Logins refused without a look because too many from their address had failed',
  ticketsIssued: 'Tickets issued',
  ticketsRedeemed: 'Tickets redeemed',
  ticketsRefused: 'Tickets refused: wrong, used or expired',
  revocations: 'Revocations of a token or a user',
  historyReads: 'Reads of the history of a destination',
  gapsFilled: 'Times that messages which did not come over the bus were read from the history and delivered in order',
  gapsNotFilled: 'Times that they were no longer held, or that a history began anew: subscribers that asked were told',
  unrecorded: 'Messages that a backend published on a channel, and that could not be recorded in the history',
  queueSettled: 'Messages of work queues that are done, and deleted',
  queueReturned:
    'Messages of work queues that were given back: by NACK or time-out, or because their subscriber has gone',
  queueRedelivered: 'Deliveries of messages of work queues that had been delivered before',
  queueDead: 'Messages of work queues that went to the dead ones: somebody has failed with them too often',
  streamEntriesRead: 'Entries of the streams of routes.inbound that this node has read to deliver them',
  streamEntriesSkipped:
    'Those of them that were not delivered: a field or a destination that can be delivered to is missing',
  streamFailures: 'Times that Redis began to refuse a stream of routes.inbound, also because it is none',
  snapshotReads: 'Reads of the source of a snapshot; subscribers that come together share one',
  snapshotFailures: 'Those of them that failed: the source is away, late, too large, or of another type',
  redisCommands: 'Commands to Redis that clients have sent',
  redisCommandsFailed: 'Those of them that were refused, failed, or were not answered in time',
} as const

/** Counted since start, in parts. No label holds what a client chose. */
const LABELLED_COUNTERS = {
  logins: {
    help: 'Logins judged, by which authenticator, accepted, refused or failed, and why',
    labels: ['authenticator', 'result', 'reason'],
  },
  denials: { help: 'What the rules refused to clients', labels: ['action'] },
  recoveries: {
    help: 'Subscriptions that went on from a position: recovered, or incomplete because something was no longer held',
    labels: ['result'],
  },
} as const

/** How long something took, in seconds. */
const DURATIONS = {
  callback: { help: 'Seconds until the auth service answered a login, or failed to', labels: ['result'] },
  jwksFetch: { help: 'Seconds until the keys for tokens were fetched, or could not be', labels: ['result'] },
} as const

const HISTORY_CALLS = {
  help: 'Seconds until Redis has done what was asked of the history: to publish and keep, to record, to read, to clear',
  labels: ['call'],
}
const HISTORY_CALL_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
const RECOVERED_HELP = 'Messages that came to one subscription from the history'
const RECOVERED_BUCKETS = [0, 1, 10, 100, 1000, 10_000, 100_000]

const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Read when asked for. */
const GAUGES = {
  sessions: 'Open sessions',
  subscriptions: 'Live subscriptions',
  unsentBytes: 'Bytes of output that wait for clients to read them',
  busAvailable: '1 while Redis (or the embedded bus) can be used, else 0',
  streamLagSeconds:
    'Age of the newest entry of a stream when this node delivered it, by its id; the highest of all streams',
  workers: 'Processes that these numbers include',
} as const

/** Of the histories of each rule; looked up when asked for. */
const HISTORY_GAUGES = {
  historyLogMessages: 'Messages in the longest history of a rule, of those that are in use on this node',
  historyLogAgeSeconds: 'Age of the oldest message of that history',
} as const
const HISTORY_LABELS = ['rule']

/** How a gauge of several processes becomes one; the others are added up. */
const MERGED_BY: Partial<Record<GaugeName, 'min' | 'max'>> = {
  busAvailable: 'min',
  streamLagSeconds: 'max',
}

/** Of the names of all that the bridge itself counts; others are of the runtime. */
export const METRIC_PREFIX = 'stomp_bridge_'

export type CounterName = keyof typeof COUNTERS
export type GaugeName = keyof typeof GAUGES
export type DurationName = keyof typeof DURATIONS
export type DeniedAction = 'subscribe' | 'send'

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

function metricName(name: string): string {
  return `${METRIC_PREFIX}${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
}

/** The labels of those metrics that have some, by public name. */
export const METRIC_LABELS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ...Object.entries(LABELLED_COUNTERS).map(([name, { labels }]) => [`${metricName(name)}_total`, labels] as const),
  ...Object.entries(DURATIONS).map(([name, { labels }]) => [`${metricName(name)}_seconds`, labels] as const),
  [`${metricName('historyCall')}_seconds`, HISTORY_CALLS.labels],
  ...Object.keys(HISTORY_GAUGES).map((name) => [metricName(name), HISTORY_LABELS] as const),
])

export class Metrics {
  /** `metrics.count.messagesDelivered += n` is all the hot path does. */
  readonly count: Record<CounterName, number>
  /** Subscriptions that went on from a position, by what came of it. */
  readonly recoveries = { recovered: 0, incomplete: 0 }
  readonly #registry = new Registry()
  readonly #logins: Counter
  readonly #denials: Readonly<Record<DeniedAction, Counter.Internal>>
  readonly #durations: Readonly<Record<DurationName, Histogram>>
  readonly #recovered: Histogram
  readonly #historyCalls: Histogram
  #histories: (() => Promise<ReadonlyMap<string, LogSize>>) | undefined

  constructor() {
    this.count = Object.fromEntries(Object.keys(COUNTERS).map((name) => [name, 0])) as Record<CounterName, number>
    const count = this.count
    for (const [name, help] of Object.entries(COUNTERS)) {
      new Counter({
        name: `${metricName(name)}_total`,
        help,
        registers: [this.#registry],
        collect() {
          this.reset()
          this.inc(count[name as CounterName])
        },
      })
    }
    this.#logins = this.#labelled('logins')
    const denials = this.#labelled('denials')
    this.#denials = { subscribe: denials.labels('subscribe'), send: denials.labels('send') }
    for (const denied of Object.values(this.#denials)) denied.inc(0)
    this.#historyCalls = new Histogram({
      name: `${metricName('historyCall')}_seconds`,
      help: HISTORY_CALLS.help,
      labelNames: HISTORY_CALLS.labels,
      buckets: HISTORY_CALL_BUCKETS,
      registers: [this.#registry],
    })
    const { recoveries } = this
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
    collectDefaultMetrics({ register: this.#registry })
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
    const sizes = (): Promise<ReadonlyMap<string, LogSize>> | undefined => this.#histories?.()
    new Gauge({
      name: metricName(name),
      help: HISTORY_GAUGES[name],
      labelNames: HISTORY_LABELS,
      registers: [this.#registry],
      aggregator: 'max',
      async collect() {
        for (const [rule, size] of (await sizes()) ?? []) this.set({ rule }, valueOf(size))
      },
    })
  }

  /** `authenticator`: the type of the one that decided, or `none`. */
  login(authenticator: string, result: LoginResult, reason: LoginReason): void {
    this.#logins.labels(authenticator, result, reason).inc()
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

  /** The rules have refused it. */
  denied(action: DeniedAction): void {
    this.#denials[action].inc()
  }

  took(name: DurationName, result: 'answered' | 'failed', seconds: number): void {
    this.#durations[name].labels(result).observe(seconds)
  }

  /** Say where it is looked up, for each rule by its pattern, how much its longest history holds. It may not reject. */
  observeHistories(sizes: () => Promise<ReadonlyMap<string, LogSize>>): void {
    this.#histories = sizes
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
