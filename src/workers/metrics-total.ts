/**
 * Owns the metrics of all workers as one. A counter, or a histogram, never goes back: what a worker had counted when it was last heard of
 * stays in the sum when it ends, or is too busy to say. A gauge is of those who answer.
 */
import { METRIC_PREFIX } from '../metrics/definitions.ts'
import { mergeSnapshots, renderSnapshots, type MetricSnapshot, type MetricsSnapshot } from '../metrics.ts'

export class MetricsTotal {
  /** By worker: what it said last. */
  readonly #latest = new Map<number, MetricsSnapshot>()
  /** What processes counted that have ended. */
  #past: Promise<MetricsSnapshot> = Promise.resolve([])

  /** The process of this worker has ended; another may take its place, and counts from zero. */
  retire(worker: number): void {
    const latest = this.#latest.get(worker)
    if (!latest) return
    this.#latest.delete(worker)
    this.#past = this.#past.then((past) => mergeSnapshots([past, countersOf(latest)]))
  }

  /** Returns the text format of Prometheus, from what the workers say now. */
  async render(reports: ReadonlyMap<number, MetricsSnapshot>): Promise<string> {
    for (const [worker, snapshot] of reports) this.#latest.set(worker, snapshot)
    const inOrder = [...this.#latest].sort(([a], [b]) => a - b)
    const snapshots = inOrder.map(([worker, snapshot]) =>
      reports.has(worker) ? snapshot.map((metric) => withWorker(metric, worker)) : countersOf(snapshot),
    )
    return renderSnapshots([...snapshots, await this.#past])
  }
}

function isOurs({ name }: MetricSnapshot): boolean {
  return name.startsWith(METRIC_PREFIX)
}

function countersOf(snapshot: MetricsSnapshot): MetricsSnapshot {
  return snapshot.filter((metric) => isOurs(metric) && metric.type !== 'gauge')
}

/** What the runtime counts of its process is of no use as a sum: it gets the worker as a label. */
function withWorker(metric: MetricSnapshot, worker: number): MetricSnapshot {
  if (isOurs(metric)) return metric
  const values = metric.values.map(({ value, labels, ...rest }) => ({
    ...rest,
    // JSON has no NaN, which is what a delay is before it was measured.
    value: value ?? NaN,
    labels: { ...labels, worker },
  }))
  return { ...metric, values, aggregator: 'sum' }
}
