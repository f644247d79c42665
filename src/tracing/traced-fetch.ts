/** Requests of the bridge to other servers, as spans of which those servers are told. */
import { globalFetch, type Fetch } from '../ask.ts'
import { readTrace, traceHeaders, TRACEPARENT, TRACESTATE } from '../trace-context.ts'
import type { Tracing } from './tracing.ts'

/** Returns what makes requests; with a span for each where there is tracing. */
export function tracedFetch(tracing: Tracing | undefined, fetch: Fetch = globalFetch): Fetch {
  if (!tracing) return fetch
  return async (url, init) => {
    const { protocol, hostname, port } = new URL(url)
    const method = init.method ?? 'GET'
    const headers = (init.headers ?? {}) as Readonly<Record<string, string>>
    // Never the URL: it may hold a token.
    const attributes = {
      'http.request.method': method,
      'server.address': hostname,
      'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
    }
    const span = tracing.begin('client', method, attributes, readTrace(headers[TRACEPARENT], headers[TRACESTATE]))
    if (!span) return fetch(url, init)
    try {
      const response = await fetch(url, { ...init, headers: { ...headers, ...Object.fromEntries(traceHeaders(span)) } })
      span.set({ 'http.response.status_code': response.status })
      if (response.status >= 400) span.fail(String(response.status))
      span.end()
      return response
    } catch (error) {
      span.fail('no-answer')
      span.end()
      throw error
    }
  }
}
