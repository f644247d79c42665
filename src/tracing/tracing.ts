/**
 * Spans of OpenTelemetry, as the rest of the bridge makes them. It knows what a span is, never where it goes: that is the
 * matter of the TracerProvider that it is given. Where there is none, nobody has a `Tracing`, and nothing is done.
 */
import {
  createTraceState,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api'
import { describeError } from '../errors.ts'
import { traceIdOf, type TraceContext } from '../trace-context.ts'

export type { TracerProvider } from '@opentelemetry/api'

/** The name of what makes the spans, their instrumentation scope. */
const SCOPE = 'stomp-bridge'

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
}

export interface TracingOptions {
  readonly version: string
  /** `messaging.system` of what goes over the bus. */
  readonly busSystem: string
}

/** Returns what makes spans for this provider, or for the global one; undefined where a program has registered none. */
export function tracingOf(provider: TracerProvider | undefined, options: TracingOptions): Tracing | undefined {
  if (provider) return new Tracing(provider, options)
  const global = trace.getTracerProvider()
  // What the API returns stands for whichever is registered, and knows if none is.
  const { getDelegateTracer } = global as { getDelegateTracer?: (name: string) => Tracer | undefined }
  if (getDelegateTracer && !getDelegateTracer.call(global, SCOPE)) return undefined
  return new Tracing(global, options)
}

export class Tracing {
  readonly busSystem: string
  readonly #tracer: Tracer

  constructor(provider: TracerProvider, { version, busSystem }: TracingOptions) {
    this.#tracer = provider.getTracer(SCOPE, version)
    this.busSystem = busSystem
  }

  /**
   * Begins a span. `parent`: an open span, or what has come from elsewhere; without one a trace begins. Returns undefined if
   * the provider makes none.
   */
  begin(
    kind: keyof typeof KINDS,
    name: string,
    attributes: Attributes,
    parent: TraceContext | undefined,
  ): OpenSpan | undefined {
    const span = this.#tracer.startSpan(name, { kind: KINDS[kind], attributes }, contextOf(parent))
    return isSpanContextValid(span.spanContext()) ? new OpenSpan(span) : undefined
  }
}

/** A span that has begun. As a {@link TraceContext} it is what others are told of it. */
export class OpenSpan implements TraceContext {
  readonly #span: Span
  readonly traceparent: string

  constructor(span: Span) {
    this.#span = span
    const { traceId, spanId, traceFlags } = span.spanContext()
    this.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  }

  get tracestate(): string | undefined {
    return this.#span.spanContext().traceState?.serialize() || undefined
  }

  /** Returns this context with the span in it. */
  get asParent(): Context {
    return trace.setSpan(ROOT_CONTEXT, this.#span)
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes)
  }

  /** `error`: why what it stands for has failed. */
  end(error?: unknown): void {
    if (error !== undefined) {
      const { code, message } = describeError(error)
      this.fail(code, message)
    }
    this.#span.end()
  }

  /** Marks it as failed. `type`: one of few, such as an error code. */
  fail(type: string, message?: string): void {
    this.#span.setAttribute('error.type', type)
    this.#span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) })
  }

  /** Ends it when that is done. Returns the same promise. */
  endWith<Result>(done: Promise<Result>): Promise<Result> {
    done.then(
      () => this.end(),
      (error: unknown) => this.end(error),
    )
    return done
  }
}

function contextOf(parent: TraceContext | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT
  if (parent instanceof OpenSpan) return parent.asParent
  const { traceparent, tracestate } = parent
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: traceIdOf(parent),
    spanId: traceparent.slice(36, 52),
    traceFlags: Number.parseInt(traceparent.slice(53, 55), 16),
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  })
}
