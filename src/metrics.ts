/**
 * What the bridge counts. The hot path adds to plain numbers; Prometheus reads them when it asks. Gauges are read from
 * their owner at that moment, so that a number and the state it shows cannot disagree.
 */
import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'

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
  acknowledged: 'Deliveries acknowledged by ACK',
  rejected: 'Deliveries rejected by NACK and discarded',
  messagesIgnored: 'Messages from plain WebSocket clients that were ignored because their path has no place to send to',
  unsubscribeUnknown: 'UNSUBSCRIBE frames with an unknown subscription',
  slowConsumersClosed: 'Sessions closed because they did not read',
  heartBeatTimeouts: 'Sessions closed because the client was silent too long',
  floodsPaused: 'Times that reading from a client was paused because it sent too fast',
} as const

/** Read when asked for. */
const GAUGES = {
  sessions: 'Open sessions',
  subscriptions: 'Live subscriptions',
  unsentBytes: 'Bytes of output that wait for clients to read them',
  busAvailable: '1 while Redis (or the embedded bus) can be used, else 0',
  workers: 'Processes that these numbers include',
} as const

/** How a gauge of several processes becomes one; the others are added up. */
const MERGED_BY: Partial<Record<GaugeName, 'min'>> = { busAvailable: 'min' }

/** Of the names of all that the bridge itself counts; others are of the runtime. */
export const METRIC_PREFIX = 'stomp_bridge_'

export type CounterName = keyof typeof COUNTERS
export type GaugeName = keyof typeof GAUGES

function metricName(name: string): string {
  return `${METRIC_PREFIX}${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
}

export class Metrics {
  /** `metrics.count.messagesDelivered += n` is all the hot path does. */
  readonly count: Record<CounterName, number>
  readonly #registry = new Registry()

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
    collectDefaultMetrics({ register: this.#registry })
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
