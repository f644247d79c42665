import { onTestFinished, describe, expect, it } from 'vitest'
import { Metrics, renderSnapshots } from '../src/metrics.ts'

function newMetrics(): Metrics {
  const metrics = new Metrics()
  onTestFinished(() => metrics.close())
  return metrics
}

/** The sample lines that are the bridge's own. */
async function samples(metrics: Metrics): Promise<string[]> {
  return (await metrics.render()).split('\n').filter((line) => line.startsWith('stomp_bridge_'))
}

describe('metrics', () => {
  it('render every counter by its public name, with a help text, from 0', async () => {
    const metrics = newMetrics()
    expect(await samples(metrics)).toEqual([
      'stomp_bridge_sessions_opened_total 0',
      'stomp_bridge_frames_received_total 0',
      'stomp_bridge_errors_sent_total 0',
      'stomp_bridge_receipts_sent_total 0',
      'stomp_bridge_messages_published_total 0',
      'stomp_bridge_messages_received_total 0',
      'stomp_bridge_messages_dropped_total 0',
      'stomp_bridge_messages_delivered_total 0',
      'stomp_bridge_payloads_malformed_total 0',
      'stomp_bridge_bus_failures_total 0',
      'stomp_bridge_acknowledged_total 0',
      'stomp_bridge_rejected_total 0',
      'stomp_bridge_messages_ignored_total 0',
      'stomp_bridge_unsubscribe_unknown_total 0',
      'stomp_bridge_slow_consumers_closed_total 0',
      'stomp_bridge_heart_beat_timeouts_total 0',
      'stomp_bridge_floods_paused_total 0',
    ])
    const text = await metrics.render()
    expect(text).toContain('# HELP stomp_bridge_receipts_sent_total RECEIPT frames sent\n')
    expect(text).toContain('# TYPE stomp_bridge_receipts_sent_total counter\n')
  })

  it('render what was counted, however often they are asked', async () => {
    const metrics = newMetrics()
    metrics.count.messagesDelivered += 41
    metrics.count.messagesDelivered++
    await metrics.render()
    expect(await samples(metrics)).toContain('stomp_bridge_messages_delivered_total 42')
  })

  it('read each gauge when they are asked', async () => {
    const metrics = newMetrics()
    let sessions = 3
    metrics.observe('sessions', () => sessions)
    metrics.observe('subscriptions', () => 7)
    metrics.observe('unsentBytes', () => 1024)
    metrics.observe('busAvailable', () => 1)
    const gauges = async () => (await samples(metrics)).filter((line) => !line.includes('_total'))
    expect(await gauges()).toEqual([
      'stomp_bridge_sessions 3',
      'stomp_bridge_subscriptions 7',
      'stomp_bridge_unsent_bytes 1024',
      'stomp_bridge_bus_available 1',
    ])
    expect(await metrics.render()).toContain('# TYPE stomp_bridge_sessions gauge\n')
    sessions = 0
    expect((await gauges())[0]).toBe('stomp_bridge_sessions 0')
  })

  it('of one bridge do not show what another counts', async () => {
    const [one, other] = [newMetrics(), newMetrics()]
    one.count.framesReceived += 5
    one.observe('sessions', () => 1)
    other.observe('sessions', () => 2)
    expect(await samples(one)).toEqual(
      expect.arrayContaining(['stomp_bridge_frames_received_total 5', 'stomp_bridge_sessions 1']),
    )
    expect(await samples(other)).toEqual(
      expect.arrayContaining(['stomp_bridge_frames_received_total 0', 'stomp_bridge_sessions 2']),
    )
  })

  it('of several processes are added up, and the bus is available if it is to all', async () => {
    const snapshots = [1, 0].map((busAvailable, i) => {
      const metrics = newMetrics()
      metrics.count.framesReceived += 10 + i
      metrics.observe('sessions', () => 5)
      metrics.observe('busAvailable', () => busAvailable)
      return metrics.snapshot()
    })
    const text = await renderSnapshots(await Promise.all(snapshots))
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        'stomp_bridge_frames_received_total 21',
        'stomp_bridge_sessions 10',
        'stomp_bridge_bus_available 0',
      ]),
    )
  })

  it('include those of the process, and name the Prometheus text format', async () => {
    const metrics = newMetrics()
    expect(await metrics.render()).toMatch(/^process_cpu_seconds_total \d/m)
    expect(metrics.contentType).toMatch(/^text\/plain; version=0\.0\.4/)
  })
})
