/** A collector of OpenTelemetry that keeps in memory what it is sent: OTLP over HTTP, as JSON. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually } from './wait.ts'

/** A span, as a test looks at it. */
export interface CollectedSpan {
  readonly service: string
  readonly name: string
  /** 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly attributes: Readonly<Record<string, unknown>>
}

interface OtlpValue {
  readonly stringValue?: string
  readonly intValue?: number
}
interface OtlpPair {
  readonly key: string
  readonly value: OtlpValue
}
type OtlpSpan = Omit<CollectedSpan, 'service' | 'attributes'> & { readonly attributes: readonly OtlpPair[] }
interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpPair[] }
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[]
  }[]
}

export interface OtlpCollector {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string
  /** All that has come, in the order of its arrival. */
  readonly spans: readonly CollectedSpan[]
  readonly requests: readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[]
  /** How it answers from now on; 200 unless told, undefined is not at all. */
  status: number | undefined
  /** Waits until a span of this name and trace has come. */
  find(name: string, traceId: string): Promise<CollectedSpan>
  stop(): Promise<void>
}

/** Starts one on a free port, or on this one. The caller stops it. */
export async function startOtlpCollector(port = 0): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = []
  const requests: { path: string; headers: IncomingHttpHeaders }[] = []
  const answer = (response: ServerResponse): void => {
    if (collector.status === undefined) return
    response.writeHead(collector.status, { 'content-type': 'application/json' }).end('{}')
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      requests.push({ path: request.url ?? '', headers: request.headers })
      if (collector.status === 200) spans.push(...spansOf(JSON.parse(Buffer.concat(chunks).toString()) as OtlpBody))
      answer(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const collector: OtlpCollector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    status: 200,
    find: (name, traceId) =>
      eventually(
        () => {
          const span = spans.find((each) => each.name === name && each.traceId === traceId)
          if (!span)
            throw new Error(`There is no ${name} of ${traceId} among ${spans.map((each) => each.name).join(', ')}`)
          return span
        },
        { timeoutMs: 15_000 },
      ),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return collector
}

function spansOf({ resourceSpans }: OtlpBody): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(valuesOf(resource.attributes)['service.name'])
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({ ...span, service, attributes: valuesOf(span.attributes) })),
    )
  })
}

function valuesOf(pairs: readonly OtlpPair[]): Record<string, unknown> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value.stringValue ?? value.intValue]))
}
