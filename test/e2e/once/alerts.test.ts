import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { Metrics, type MetricsSnapshot } from '../../../src/metrics.ts'
import { MetricsTotal } from '../../../src/workers/metrics-total.ts'
import { runPromtool } from '../../support/promtool.ts'

const path = (file: string): string => fileURLToPath(new URL(`../../../${file}`, import.meta.url))

describe('promtool', () => {
  it('takes the alerts, which fire when they should and not before', () => {
    const checked = runPromtool(['check', 'rules', path('deploy/alerts.yaml')])
    expect(checked.code, checked.output).toBe(0)
    const tested = runPromtool(['test', 'rules', path('deploy/alerts.test.yaml')])
    expect(tested.code, tested.output).toBe(0)
  })

  it('takes the metrics of several workers, one of which has ended', async () => {
    const total = new MetricsTotal()
    const reports = new Map<number, MetricsSnapshot>()
    for (const worker of [1, 2, 3]) {
      const metrics = new Metrics()
      metrics.describe({ version: '1', runtime: 'bun', runtimeVersion: '1', commit: undefined })
      metrics.observe('sessions', () => worker)
      metrics.observeSessions(() => [['stomp', 'websocket', worker]])
      metrics.sessionEnded({ protocol: 'stomp', transport: 'tcp', reason: 'lost', closeCode: 1006, seconds: worker })
      reports.set(worker, JSON.parse(JSON.stringify(await metrics.snapshot())) as MetricsSnapshot)
      metrics.close()
    }
    await total.render(reports)
    total.retire(3)
    reports.delete(3)
    const text = await total.render(reports)
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        'stomp_bridge_sessions_by_transport{protocol="stomp",transport="websocket"} 3',
        'stomp_bridge_session_duration_seconds_sum{protocol="stomp"} 6',
        'stomp_bridge_session_duration_seconds_bucket{le="1",protocol="stomp"} 1',
        'stomp_bridge_session_duration_seconds_bucket{le="+Inf",protocol="stomp"} 3',
      ]),
    )
    expect(runPromtool(['check', 'metrics'], text)).toEqual({ code: 0, output: '' })
  })
})
