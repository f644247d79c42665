/** Opens the way of spans to a collector, where the environment names one. Without one nothing of the SDK is loaded. */
import type { Log } from '../log.ts'
import { readCollector } from './collector.ts'
import type { OtlpTraces } from './otlp.ts'

interface OpenOptions {
  readonly version: string
  readonly log: Log
}

/** Returns it; undefined where spans are not wanted, or cannot be sent, which the log says. */
export async function openTraces(
  env: Parameters<typeof readCollector>[0],
  { version, log }: OpenOptions,
): Promise<OtlpTraces | undefined> {
  const { collector, problems } = readCollector(env)
  for (const reason of problems) log.warn({ reason }, 'A setting of OpenTelemetry cannot be used')
  if (!collector) return undefined
  const { OtlpTraces: Traces } = await import('./otlp.ts')
  const traces = new Traces({ ...collector, version, log })
  const { origin, pathname } = new URL(collector.url)
  log.info({ collector: origin + pathname }, 'Traces are sent to a collector')
  return traces
}
