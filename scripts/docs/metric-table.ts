/** What the bridge counts, as a table: for docs/operations.md. Asks a bridge that is never started. */
import { createBridge, parseConfig, type Runtime } from '../../src/index.ts'
import { METRIC_LABELS } from '../../src/metrics/definitions.ts'
import { code, table } from './markdown.ts'

const PREFIX = 'stomp_bridge_'

const noRuntime: Runtime = {
  name: 'none',
  version: '0',
  listen: () => Promise.reject(new Error('This bridge is not to be started')),
  listenTcp: () => Promise.reject(new Error('This bridge is not to be started')),
}

export async function metricTable(): Promise<string> {
  const bridge = createBridge({ config: parseConfig({}), runtime: noRuntime, version: '0' })
  const metrics = await bridge.metricsSnapshot()
  await bridge.close()
  const own = metrics.filter(({ name }) => name.startsWith(PREFIX))
  return table(
    ['Metric', 'Type', 'Meaning'],
    own.map(({ name, type, help }) => [code(name + labelsOf(name)), type, help]),
  )
}

function labelsOf(name: string): string {
  const labels = METRIC_LABELS.get(name)
  return labels ? `{${labels.join(',')}}` : ''
}
