/** The trace that a request belongs to: what it brings, or the span that this bridge makes of it. */
import type { Context, MiddlewareHandler } from 'hono'
import { readTrace, TRACEPARENT, TRACESTATE, type TraceContext } from '../trace-context.ts'
import type { Tracing } from '../tracing/tracing.ts'
import type { HttpEnv } from './json-error.ts'

/** Returns to which trace what this request does belongs; undefined if to none. */
export function traceOf(c: Context<HttpEnv>): TraceContext | undefined {
  return c.get('trace') ?? givenTrace(c.req.raw.headers)
}

/** Makes the middleware that makes one span of each request to a path that stands for itself. */
export function traced(tracing: Tracing): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { method, path } = c.req
    const attributes = { 'http.request.method': method, 'http.route': path, 'url.path': path }
    const span = tracing.begin('server', `${method} ${path}`, attributes, givenTrace(c.req.raw.headers))
    if (!span) return next()
    c.set('trace', span)
    await next()
    const { status } = c.res
    span.set({ 'http.response.status_code': status })
    // What the client has done wrong is no fault of the server, says OpenTelemetry.
    if (status >= 500) span.fail(String(status))
    span.end()
  }
}

function givenTrace(headers: Headers): TraceContext | undefined {
  const traceparent = headers.get(TRACEPARENT)
  return traceparent === null ? undefined : readTrace(traceparent, headers.get(TRACESTATE))
}
