import { onTestFinished, describe, expect, it } from 'vitest'
import { METRIC_LABELS } from '../src/metrics/definitions.ts'
import { mergeSnapshots, Metrics, renderSnapshots } from '../src/metrics.ts'

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
    const counters = (await samples(metrics)).filter((line) => /_total\b/.test(line))
    expect(counters).toEqual([
      'stomp_bridge_sessions_opened_total 0',
      'stomp_bridge_frames_received_total 0',
      'stomp_bridge_errors_sent_total 0',
      'stomp_bridge_receipts_sent_total 0',
      'stomp_bridge_messages_published_total 0',
      'stomp_bridge_messages_received_total 0',
      'stomp_bridge_broadcast_published_total 0',
      'stomp_bridge_broadcast_received_total 0',
      'stomp_bridge_messages_dropped_total 0',
      'stomp_bridge_messages_delivered_total 0',
      'stomp_bridge_payloads_malformed_total 0',
      'stomp_bridge_bus_failures_total 0',
      'stomp_bridge_bus_outages_total 0',
      'stomp_bridge_acknowledged_total 0',
      'stomp_bridge_rejected_total 0',
      'stomp_bridge_messages_ignored_total 0',
      'stomp_bridge_unsubscribe_unknown_total 0',
      'stomp_bridge_slow_consumers_closed_total 0',
      'stomp_bridge_heart_beat_timeouts_total 0',
      'stomp_bridge_floods_paused_total 0',
      'stomp_bridge_throttled_total 0',
      'stomp_bridge_logins_throttled_total 0',
      'stomp_bridge_tickets_issued_total 0',
      'stomp_bridge_tickets_redeemed_total 0',
      'stomp_bridge_tickets_refused_total 0',
      'stomp_bridge_revocations_total 0',
      'stomp_bridge_history_reads_total 0',
      'stomp_bridge_gaps_filled_total 0',
      'stomp_bridge_gaps_not_filled_total 0',
      'stomp_bridge_histories_anew_total 0',
      'stomp_bridge_unrecorded_total 0',
      'stomp_bridge_queue_settled_total 0',
      'stomp_bridge_queue_returned_total 0',
      'stomp_bridge_queue_redelivered_total 0',
      'stomp_bridge_queue_dead_total 0',
      'stomp_bridge_stream_entries_read_total 0',
      'stomp_bridge_stream_entries_skipped_total 0',
      'stomp_bridge_stream_failures_total 0',
      'stomp_bridge_snapshot_reads_total 0',
      'stomp_bridge_snapshot_failures_total 0',
      'stomp_bridge_redis_commands_total 0',
      'stomp_bridge_redis_commands_failed_total 0',
      'stomp_bridge_spans_dropped_total 0',
      'stomp_bridge_denials_total{action="subscribe",rule="none"} 0',
      'stomp_bridge_denials_total{action="send",rule="none"} 0',
      ...['draining', 'full', 'rate', 'address-rate', 'address-sessions', 'user-sessions'].map(
        (reason) => `stomp_bridge_connects_refused_total{reason="${reason}"} 0`,
      ),
      'stomp_bridge_recoveries_total{result="recovered"} 0',
      'stomp_bridge_recoveries_total{result="incomplete"} 0',
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

  it('read what others count when they are asked', async () => {
    const metrics = newMetrics()
    let dropped = 3
    metrics.observeCount('spansDropped', () => dropped)
    expect(await samples(metrics)).toContain('stomp_bridge_spans_dropped_total 3')
    dropped = 4
    expect(await samples(metrics)).toContain('stomp_bridge_spans_dropped_total 4')
  })

  it('tell how many messages came to subscriptions that went on', async () => {
    const metrics = newMetrics()
    for (const messages of [0, 20, 500]) metrics.recovered(messages)
    metrics.recovery('recovered')
    expect(metrics.recoveries).toEqual({ recovered: 1, incomplete: 0 })
    await metrics.render()
    const lines = await samples(metrics)
    expect(lines).toContain('stomp_bridge_recovered_messages_sum 520')
    expect(lines).toContain('stomp_bridge_recovered_messages_bucket{le="100"} 2')
    expect(lines).toContain('stomp_bridge_recoveries_total{result="recovered"} 1')
  })

  it('tell how much the histories of each rule hold; of several processes the most', async () => {
    const snapshots = [20, 30].map((messages) => {
      const metrics = newMetrics()
      metrics.observeHistories(async () => new Map([['/topic/**', { messages, ageSeconds: messages / 8 }]]))
      return metrics.snapshot()
    })
    const lines = (await renderSnapshots(await Promise.all(snapshots))).split('\n')
    expect(lines).toContain('stomp_bridge_history_log_messages{rule="/topic/**"} 30')
    expect(lines).toContain('stomp_bridge_history_log_age_seconds{rule="/topic/**"} 3.75')
  })

  it('read each gauge when they are asked', async () => {
    const metrics = newMetrics()
    let sessions = 3
    metrics.observe('sessions', () => sessions)
    metrics.observe('subscriptions', () => 7)
    metrics.observe('unsentBytes', () => 1024)
    metrics.observe('busAvailable', () => 1)
    const gauges = async () =>
      (await samples(metrics)).filter(
        (line) => !/_total\b|_recovered_messages|_history_call|_(bucket|sum|count)\b/.test(line),
      )
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

  it('count logins and denials by their labels, and time by what came of it', async () => {
    const metrics = newMetrics()
    metrics.login('jwt', 'accepted', 'none')
    metrics.login('jwt', 'refused', 'expired')
    metrics.login('jwt', 'refused', 'expired')
    metrics.denied('send', 2)
    metrics.took('callback', 'answered', 0.02)
    metrics.took('callback', 'answered', 0.3)
    metrics.took('jwksFetch', 'failed', 5)
    expect(await samples(metrics)).toEqual(
      expect.arrayContaining([
        'stomp_bridge_logins_total{authenticator="jwt",result="accepted",reason="none"} 1',
        'stomp_bridge_logins_total{authenticator="jwt",result="refused",reason="expired"} 2',
        'stomp_bridge_denials_total{action="subscribe",rule="none"} 0',
        'stomp_bridge_denials_total{action="send",rule="3"} 1',
        'stomp_bridge_callback_seconds_bucket{le="0.025",result="answered"} 1',
        'stomp_bridge_callback_seconds_bucket{le="+Inf",result="answered"} 2',
        'stomp_bridge_callback_seconds_sum{result="answered"} 0.32',
        'stomp_bridge_jwks_fetch_seconds_count{result="failed"} 1',
      ]),
    )
  })

  it('with labels are added up over processes, and times too', async () => {
    const snapshots = [1, 2].map(async (logins) => {
      const metrics = newMetrics()
      for (let i = 0; i < logins; i++) metrics.login('jwt', 'accepted', 'none')
      if (logins === 2) metrics.login('users', 'refused', 'credential')
      metrics.denied('subscribe', undefined)
      metrics.took('callback', 'answered', logins / 10)
      return JSON.parse(JSON.stringify(await metrics.snapshot()))
    })
    const merged = await mergeSnapshots([await mergeSnapshots(await Promise.all(snapshots))])
    expect((await renderSnapshots([merged])).split('\n')).toEqual(
      expect.arrayContaining([
        'stomp_bridge_logins_total{authenticator="jwt",result="accepted",reason="none"} 3',
        'stomp_bridge_logins_total{authenticator="users",result="refused",reason="credential"} 1',
        'stomp_bridge_denials_total{action="subscribe",rule="none"} 2',
        'stomp_bridge_callback_seconds_bucket{le="0.1",result="answered"} 1',
        'stomp_bridge_callback_seconds_bucket{le="0.25",result="answered"} 2',
        'stomp_bridge_callback_seconds_count{result="answered"} 2',
      ]),
    )
  })

  it('of those that have labels are named with them', async () => {
    const metrics = newMetrics()
    metrics.login('jwt', 'accepted', 'none')
    metrics.took('callback', 'answered', 1)
    metrics.took('jwksFetch', 'answered', 1)
    metrics.historyCallTook('read', 1)
    metrics.observeHistories(async () => new Map([['/topic/**', { messages: 3, ageSeconds: 1.5 }]]))
    metrics.describe({ version: '1', runtime: 'bun', runtimeVersion: '2', commit: undefined })
    metrics.observeSessions(() => [['stomp', 'websocket', 2]])
    metrics.observeRoutes(() => [['inbound', 'topic:{*name}', 2]])
    metrics.observeReconnects(() => [['publisher', 1]])
    metrics.sessionEnded({ protocol: 'raw', transport: 'websocket', reason: 'client', closeCode: 1000, seconds: 1 })
    metrics.httpAnswered('/health', 200)
    metrics.refused('no-route')
    const ours = (await metrics.snapshot()).filter(({ name }) => name.startsWith('stomp_bridge_'))
    const labelsOf = (values: (typeof ours)[number]['values']) =>
      [...new Set(values.flatMap(({ labels }) => Object.keys(labels)))].filter((label) => label !== 'le')
    const labelled = ours.map(({ name, values }) => [name, labelsOf(values)] as const)
    expect(new Map(labelled.filter(([, labels]) => labels.length > 0))).toEqual(METRIC_LABELS)
  })

  it('tell a close code that a client has made up from none of its kind', async () => {
    const metrics = newMetrics()
    for (const closeCode of [1000, 3001, 4999]) {
      metrics.sessionEnded({ protocol: 'raw', transport: 'websocket', reason: 'client', closeCode, seconds: 1 })
    }
    const lines = (await samples(metrics)).filter((line) => line.includes('sessions_closed_total'))
    const labels = 'protocol="raw",transport="websocket",reason="client"'
    expect(lines).toEqual([
      `stomp_bridge_sessions_closed_total{${labels},close_code="1000"} 1`,
      `stomp_bridge_sessions_closed_total{${labels},close_code="other"} 2`,
    ])
  })

  it('say once for several processes what runs', async () => {
    const snapshots = [1, 2].map(() => {
      const metrics = newMetrics()
      metrics.describe({ version: '1.2.3', runtime: 'bun', runtimeVersion: '1.4.5', commit: 'abc' })
      return metrics.snapshot()
    })
    expect((await renderSnapshots(await Promise.all(snapshots))).split('\n')).toContain(
      'stomp_bridge_build_info{version="1.2.3",runtime="bun",runtime_version="1.4.5",commit="abc"} 1',
    )
  })

  it('include those of the process, and name the Prometheus text format', async () => {
    const metrics = newMetrics()
    expect(await metrics.render()).toMatch(/^process_cpu_seconds_total \d/m)
    expect(metrics.contentType).toMatch(/^text\/plain; version=0\.0\.4/)
  })
})
