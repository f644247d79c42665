/**
 * Where the spans of a standalone bridge go: to a collector, by OTLP over HTTP, as the standard variables of OpenTelemetry
 * say. A collector that is away or slow costs a bounded queue and one line of the log; what does not fit is lost, and counted.
 * Loads the SDK, so it is imported only where there is a collector.
 */
import { diag, DiagLogLevel, TraceFlags, type TracerProvider } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base'
import type { Log } from '../log.ts'
import type { Collector } from './collector.ts'

export interface OtlpOptions extends Collector {
  readonly version: string
  readonly log: Log
}

type ExportDone = Parameters<SpanExporter['export']>[1]

/** `ExportResultCode.SUCCESS` of OpenTelemetry. */
const SUCCESS = 0

/** Spans on their way to a collector. */
export class OtlpTraces {
  readonly provider: TracerProvider
  readonly #provider: BasicTracerProvider
  readonly #exporter: CountingExporter
  readonly #queue: BoundedQueue

  constructor({ url, maxQueueSize, version, log }: OtlpOptions) {
    // What the SDK finds wrong in its variables it says only while it reads them.
    const warn = (text: string): void => log.warn({ reason: text }, 'A setting of OpenTelemetry cannot be used')
    diag.setLogger({ error: warn, warn, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN)
    this.#exporter = new CountingExporter(new OTLPTraceExporter({ url }), log)
    this.#queue = new BoundedQueue(this.#exporter, maxQueueSize)
    const own = resourceFromAttributes({ 'service.name': 'stomp-bridge', 'service.version': version })
    this.#provider = new BasicTracerProvider({
      resource: own.merge(detectResources({ detectors: [envDetector] })),
      spanProcessors: [this.#queue],
    })
    this.provider = this.#provider
    diag.disable()
  }

  /** Spans that were lost since the start. */
  get dropped(): number {
    return this.#queue.dropped + this.#exporter.dropped
  }

  /** Sends what waits, unless that takes longer than this. Never rejects. */
  async close(timeoutMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)))
    // What could not be sent was counted, and logged.
    await Promise.race([late, this.#provider.shutdown().catch(() => {})])
    clearTimeout(timer)
  }
}

/** The queue of the SDK, which drops without telling anybody; here it is counted. */
class BoundedQueue extends BatchSpanProcessor {
  dropped = 0
  readonly #exporter: CountingExporter
  readonly #maxSize: number
  #ended = 0

  constructor(exporter: CountingExporter, maxSize: number) {
    super(exporter, { maxQueueSize: maxSize })
    this.#exporter = exporter
    this.#maxSize = maxSize
  }

  override onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return
    if (this.#ended - this.#exporter.taken >= this.#maxSize) {
      this.dropped++
      return
    }
    this.#ended++
    super.onEnd(span)
  }
}

/** Counts what the collector does not take, and says it once. */
class CountingExporter implements SpanExporter {
  /** Spans that were to be sent. */
  taken = 0
  dropped = 0
  readonly #exporter: SpanExporter
  readonly #log: Log
  #isFailing = false

  constructor(exporter: SpanExporter, log: Log) {
    this.#exporter = exporter
    this.#log = log
  }

  export(spans: ReadableSpan[], done: ExportDone): void {
    this.taken += spans.length
    this.#exporter.export(spans, (result) => {
      const isSent = (result.code as number) === SUCCESS
      if (!isSent) this.dropped += spans.length
      this.#note(isSent, result.error)
      done(result)
    })
  }

  forceFlush(): Promise<void> {
    return this.#exporter.forceFlush?.() ?? Promise.resolve()
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown()
  }

  #note(isSent: boolean, error: Error | undefined): void {
    if (isSent !== this.#isFailing) return
    this.#isFailing = !isSent
    const { dropped } = this
    if (isSent) this.#log.info({ spansDropped: dropped }, 'The collector takes spans again')
    else {
      const reason = reasonOf(error)
      this.#log.warn({ reason }, 'The collector does not take spans: they are lost until it does')
    }
  }
}

/** Of several addresses of one name Node has an error for each, and no text of its own. */
function reasonOf(error: Error | undefined): string {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: string }
  const status = typeof code === 'number' ? ` (${code})` : ''
  return `${message || (typeof code === 'string' ? code : 'no answer')}${status}`
}
