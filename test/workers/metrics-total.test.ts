import { describe, expect, it } from 'vitest'
import { Metrics, type MetricsSnapshot } from '../../src/metrics.ts'
import { MetricsTotal } from '../../src/workers/metrics-total.ts'

/** What a process with so many sessions says, as it comes through the channel. */
async function snapshot(sessions: number, { busAvailable = 1 } = {}): Promise<MetricsSnapshot> {
  const metrics = new Metrics()
  metrics.count.sessionsOpened = sessions * 10
  metrics.observe('sessions', () => sessions)
  metrics.observe('busAvailable', () => busAvailable)
  metrics.observe('workers', () => 1)
  const result = JSON.parse(JSON.stringify(await metrics.snapshot()))
  metrics.close()
  return result
}

async function reports(...rows: readonly [worker: number, sessions: number][]) {
  return new Map(await Promise.all(rows.map(async ([worker, sessions]) => [worker, await snapshot(sessions)] as const)))
}

/** Values by name and labels. */
function values(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

describe('the metrics of all workers', () => {
  it('are the sums of what each counts', async () => {
    const text = await new MetricsTotal().render(await reports([1, 1], [2, 2], [3, 4]))
    expect(values(text)).toMatchObject({
      stomp_bridge_sessions_opened_total: 70,
      stomp_bridge_sessions: 7,
      stomp_bridge_workers: 3,
      stomp_bridge_bus_available: 1,
    })
    expect(text).toMatch(/^# HELP stomp_bridge_sessions Open sessions.*\n# TYPE stomp_bridge_sessions gauge$/m)
    expect(text.match(/^# TYPE stomp_bridge_sessions gauge$/gm)).toHaveLength(1)
  })

  it('say that the bus is available only if it is for each', async () => {
    const some = new Map([
      [1, await snapshot(0)],
      [2, await snapshot(0, { busAvailable: 0 })],
    ])
    expect(values(await new MetricsTotal().render(some))).toMatchObject({ stomp_bridge_bus_available: 0 })
  })

  it('keep what the runtime counts of each process apart, in the order of the workers', async () => {
    const text = await new MetricsTotal().render(await reports([2, 0], [1, 0]))
    for (const name of ['process_cpu_seconds_total', 'process_start_time_seconds', 'nodejs_eventloop_lag_seconds']) {
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`))
      expect(lines.map((line) => line.slice(0, line.indexOf(' ')))).toEqual([
        `${name}{worker="1"}`,
        `${name}{worker="2"}`,
      ])
    }
    const labels = text.split('\n').filter((line) => /^(process|nodejs)_/.test(line))
    for (const line of labels) expect(line).toMatch(/worker="[12]"/)
  })

  it('show as no number what was none: JSON has no NaN', async () => {
    const metric = {
      name: 'nodejs_x',
      help: '',
      type: 'gauge',
      aggregator: 'average',
      values: [{ value: NaN, labels: {} }],
    }
    const report = JSON.parse(JSON.stringify([metric])) as MetricsSnapshot
    expect(values(await new MetricsTotal().render(new Map([[1, report]])))).toEqual({ 'nodejs_x{worker="1"}': NaN })
  })

  it('count no gauge of a worker that does not answer, and do not go back', async () => {
    const total = new MetricsTotal()
    await total.render(await reports([1, 1], [2, 2]))
    expect(values(await total.render(await reports([1, 1])))).toMatchObject({
      stomp_bridge_sessions_opened_total: 30,
      stomp_bridge_sessions: 1,
      stomp_bridge_workers: 1,
    })
    expect(values(await total.render(await reports([1, 1], [2, 3])))).toMatchObject({
      stomp_bridge_sessions_opened_total: 40,
      stomp_bridge_sessions: 4,
      stomp_bridge_workers: 2,
    })
  })

  it('keep what ended workers had counted, however many there were', async () => {
    const total = new MetricsTotal()
    for (let i = 0; i < 3; i++) {
      await total.render(await reports([1, 1], [2, 2]))
      total.retire(2)
    }
    total.retire(2)
    const gone = values(await total.render(await reports([1, 1])))
    expect(gone).toMatchObject({ stomp_bridge_sessions_opened_total: 70, stomp_bridge_sessions: 1 })
    expect(Object.keys(gone).filter((name) => name.includes('worker="2"'))).toEqual([])
    const replaced = values(await total.render(await reports([1, 1], [2, 0])))
    expect(replaced).toMatchObject({ stomp_bridge_sessions_opened_total: 70, stomp_bridge_workers: 2 })
  })

  it('keep the times of ended workers, and what was counted by labels', async () => {
    const metrics = new Metrics()
    metrics.took('callback', 'answered', 0.5)
    metrics.denied('send', 2)
    const report = new Map([[1, JSON.parse(JSON.stringify(await metrics.snapshot())) as MetricsSnapshot]])
    metrics.close()
    const total = new MetricsTotal()
    await total.render(report)
    total.retire(1)
    expect(values(await total.render(report))).toMatchObject({
      'stomp_bridge_denials_total{action="send",rule="3"}': 2,
      'stomp_bridge_callback_seconds_count{result="answered"}': 2,
      'stomp_bridge_callback_seconds_sum{result="answered"}': 1,
    })
  })

  it('retire a worker that never said anything', async () => {
    const total = new MetricsTotal()
    total.retire(1)
    expect(values(await total.render(await reports([1, 1])))).toMatchObject({ stomp_bridge_sessions_opened_total: 10 })
  })
})
