/** Reads the standard variables of OpenTelemetry that say whether spans are wanted, and where. The SDK reads the others itself. */

type Environment = Readonly<Record<string, string | undefined>>

/** Where spans are sent. */
export interface Collector {
  /** Of the OTLP endpoint for traces. */
  readonly url: string
  /** Spans that may wait for it. */
  readonly maxQueueSize: number
}

export interface CollectorResult {
  /** Undefined where spans are not wanted, or cannot be sent. */
  readonly collector: Collector | undefined
  /** What in the variables cannot be used. */
  readonly problems: readonly string[]
}

const DEFAULT_QUEUE_SIZE = 2048
const MAX_QUEUE_SIZE = 65_536
const TRACES_PATH = 'v1/traces'

/** Returns what they say. Errors: none thrown. A variable that is empty is not set, says OpenTelemetry. */
export function readCollector(env: Environment): CollectorResult {
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || undefined
  const base = env['OTEL_EXPORTER_OTLP_ENDPOINT'] || undefined
  const isOff = env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none'
  if (isOff || (endpoint === undefined && base === undefined)) return { collector: undefined, problems: [] }
  const name = endpoint === undefined ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'
  const url = urlOf(endpoint ?? base!, endpoint === undefined)
  // Not the value: a URL may hold a password.
  if (!url) return { collector: undefined, problems: [`${name} must be a URL such as http://collector:4318`] }
  const problems: string[] = []
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL'] || undefined
  if (protocol === 'grpc') {
    problems.push(
      'OTEL_EXPORTER_OTLP_PROTOCOL is grpc: spans are sent as http/json, which collectors take on another port',
    )
  }
  const size = sizeOf(env['OTEL_BSP_MAX_QUEUE_SIZE'])
  if (size === undefined) {
    problems.push(`OTEL_BSP_MAX_QUEUE_SIZE must be a whole number from 1 to ${MAX_QUEUE_SIZE}`)
  }
  return { collector: { url, maxQueueSize: size ?? DEFAULT_QUEUE_SIZE }, problems }
}

/** `isBase`: the path of the signal is still to be added. */
function urlOf(text: string, isBase: boolean): string | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined
  if (isBase) url.pathname = `${url.pathname.replace(/\/$/, '')}/${TRACES_PATH}`
  return url.href
}

/** Undefined if it cannot be used. */
function sizeOf(text: string | undefined): number | undefined {
  if (!text) return DEFAULT_QUEUE_SIZE
  const size = Number(text)
  return Number.isInteger(size) && size >= 1 && size <= MAX_QUEUE_SIZE ? size : undefined
}
