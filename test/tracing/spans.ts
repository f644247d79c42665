/** Spans that stay in memory, as a test looks at them. */
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import { SpanKind } from '@opentelemetry/api'

export const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
export const SPAN = '00f067aa0ba902b7'
/** Of somebody who wants to have it recorded. */
export const PARENT = `00-${TRACE}-${SPAN}-01`
/** Of somebody who does not. */
export const UNSAMPLED = `00-${TRACE}-${SPAN}-00`

/** Returns a provider, and what has ended, oldest first. */
export function newSpans() {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  return { provider, ended: () => exporter.getFinishedSpans(), reset: () => exporter.reset() }
}

/** The `traceparent` that names a span. */
export function traceparentOf(span: ReadableSpan): string {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-0${traceFlags}`
}

/** Kind, name and the id of its parent. */
export function outline(span: ReadableSpan): string {
  return `${SpanKind[span.kind]} ${span.name} < ${span.parentSpanContext?.spanId ?? 'nobody'}`
}

/** The one span of that name. */
export function only(spans: readonly ReadableSpan[], name: string): ReadableSpan {
  const found = spans.filter((span) => span.name === name)
  if (found.length !== 1) throw new Error(`${found.length} spans are called ${name}: ${spans.map(outline).join(', ')}`)
  return found[0]!
}
