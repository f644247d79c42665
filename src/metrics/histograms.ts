/**
 * The histograms that every message, session and turn of the event loop may add to: what they are, and the metrics that
 * Prometheus reads of them. All their series are there from the start, at zero.
 */
import { Buckets } from './buckets.ts'

const MESSAGE_BYTES = [64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576]
const FAST_SECONDS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
const LOOP_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]
/** From a second to a day. */
const SESSION_SECONDS = [1, 10, 60, 300, 900, 3600, 14_400, 43_200, 86_400]

interface Kind {
  readonly help: string
  readonly bounds: readonly number[]
  readonly label?: string
  /** Of the label. */
  readonly values: readonly string[]
}

/** Without a label there is one series, which is called so here. */
const ONLY = ['all'] as const

const HISTOGRAMS = {
  message_bytes: {
    help: 'Bytes of the payloads that came from the bus, and of those that went to it',
    bounds: MESSAGE_BYTES,
    label: 'direction',
    values: ['received', 'published'],
  },
  delivery_seconds: {
    help: 'Seconds from a message of the bus until it was written for its subscribers; of one message in 16',
    bounds: FAST_SECONDS,
    values: ONLY,
  },
  bus_round_trip_seconds: {
    help: 'Seconds that a probe took to Redis and back through both connections; one every redis.probeIntervalMs',
    bounds: FAST_SECONDS,
    values: ONLY,
  },
  session_duration_seconds: {
    help: 'Seconds that a session was connected, of those that were opened and have ended',
    bounds: SESSION_SECONDS,
    label: 'protocol',
    values: ['stomp', 'raw', 'sse'],
  },
  event_loop_delay_seconds: {
    help: 'Seconds that a timer came late because the event loop was busy; ten times a second',
    bounds: LOOP_SECONDS,
    values: ONLY,
  },
} as const satisfies Record<string, Kind>

type HistogramName = keyof typeof HISTOGRAMS

/** By name, and then by the value of its label. */
export type Histograms = {
  readonly [Name in HistogramName]: Readonly<Record<(typeof HISTOGRAMS)[Name]['values'][number], Buckets>>
}

/** What prom-client asks of a metric, as plain data. */
export interface HistogramMetric {
  readonly name: string
  readonly help: string
  readonly type: 'histogram'
  readonly aggregator: 'sum'
  get(): HistogramMetric & { readonly values: readonly HistogramValue[] }
}

interface HistogramValue {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/** The label of those that have one, by name without prefix. */
export const HISTOGRAM_LABELS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(HISTOGRAMS).flatMap(([name, kind]) => ('label' in kind ? [[name, [kind.label]]] : [])),
)

/** Returns empty histograms. */
export function newHistograms(): Histograms {
  const entries = Object.entries(HISTOGRAMS).map(([name, { bounds, values }]): [string, Record<string, Buckets>] => {
    const series = (values as readonly string[]).map((value) => [value, new Buckets(bounds)] as const)
    return [name, Object.fromEntries(series)]
  })
  return Object.fromEntries(entries) as Histograms
}

/** Returns them as metrics, to be read whenever Prometheus asks. */
export function histogramMetrics(histograms: Histograms, prefix: string): HistogramMetric[] {
  return Object.entries(HISTOGRAMS).map(([name, kind]: [string, Kind]) => {
    const metric = { name: prefix + name, help: kind.help, type: 'histogram', aggregator: 'sum' } as const
    const series = Object.entries(histograms[name as HistogramName] as Readonly<Record<string, Buckets>>)
    const values = (): HistogramValue[] =>
      series.flatMap(([value, buckets]) =>
        valuesOf(metric.name, kind.label === undefined ? {} : { [kind.label]: value }, buckets),
      )
    const get = (): ReturnType<HistogramMetric['get']> => ({ ...metric, get, values: values() })
    return { ...metric, get }
  })
}

function valuesOf(name: string, labels: HistogramValue['labels'], buckets: Buckets): HistogramValue[] {
  const counts = buckets.cumulative()
  const ends = [...buckets.bounds, '+Inf']
  return [
    ...counts.map((value, i) => ({ metricName: `${name}_bucket`, labels: { le: ends[i]!, ...labels }, value })),
    { metricName: `${name}_sum`, labels, value: buckets.sum },
    { metricName: `${name}_count`, labels, value: counts.at(-1)! },
  ]
}
