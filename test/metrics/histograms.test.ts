import { onTestFinished, describe, expect, it } from 'vitest'
import { Buckets } from '../../src/metrics/buckets.ts'
import { DeliveryDelay } from '../../src/metrics/delivery-delay.ts'
import { EventLoopDelay } from '../../src/metrics/event-loop-delay.ts'
import { Metrics, renderSnapshots } from '../../src/metrics.ts'
import { FakeClock } from '../support/fake-clock.ts'

function newMetrics(): Metrics {
  const metrics = new Metrics()
  onTestFinished(() => metrics.close())
  return metrics
}

describe('buckets', () => {
  it('count what is at most as large as each bound, and all', () => {
    const buckets = new Buckets([1, 10, 100])
    for (const value of [0, 1, 1.5, 10, 11, 1000]) buckets.add(value)
    expect(buckets.cumulative()).toEqual([2, 4, 5, 6])
    expect(buckets.sum).toBe(1023.5)
  })
})

describe('histograms', () => {
  it('have all their series from the start', async () => {
    const text = await newMetrics().render()
    expect(text).toContain('# TYPE stomp_bridge_message_bytes histogram\n')
    for (const series of [
      'message_bytes_count{direction="received"}',
      'message_bytes_count{direction="published"}',
      'delivery_seconds_count',
      'bus_round_trip_seconds_count',
      'session_duration_seconds_count{protocol="sse"}',
      'event_loop_delay_seconds_count',
    ]) {
      expect(text).toContain(`stomp_bridge_${series} 0\n`)
    }
  })

  it('are added up over processes, bucket by bucket', async () => {
    const snapshots = [100, 5000].map(async (bytes) => {
      const metrics = newMetrics()
      metrics.histograms.message_bytes.received.add(bytes)
      return JSON.parse(JSON.stringify(await metrics.snapshot()))
    })
    const lines = (await renderSnapshots(await Promise.all(snapshots))).split('\n')
    const name = 'stomp_bridge_message_bytes'
    expect(lines).toEqual(
      expect.arrayContaining([
        `${name}_bucket{le="64",direction="received"} 0`,
        `${name}_bucket{le="256",direction="received"} 1`,
        `${name}_bucket{le="16384",direction="received"} 2`,
        `${name}_bucket{le="+Inf",direction="received"} 2`,
        `${name}_sum{direction="received"} 5100`,
        `${name}_count{direction="received"} 2`,
        `${name}_count{direction="published"} 0`,
      ]),
    )
  })
})

describe('the delay of deliveries', () => {
  it('is measured of one message in sixteen, and by one topic of those that it goes to', () => {
    const seconds = new Buckets([10])
    const delay = new DeliveryDelay(seconds)
    for (let i = 0; i < 32; i++) {
      delay.arrived()
      const [first, second] = [delay.take(), delay.take()]
      expect(second).toBe(0)
      expect(first > 0).toBe(i % 16 === 15)
      if (first > 0) delay.written(first)
      delay.passed()
    }
    expect(seconds.cumulative()).toEqual([2, 2])
  })

  it('of a message that nobody wanted is not that of the next', () => {
    const delay = new DeliveryDelay(new Buckets([10]))
    for (let i = 0; i < 16; i++) delay.arrived()
    delay.passed()
    expect(delay.take()).toBe(0)
  })
})

describe('the delay of the event loop', () => {
  it('is how much later than due the timer comes', () => {
    const clock = new FakeClock()
    const seconds = new Buckets([0.001, 0.5])
    let isLate = 0
    const late = { ...clockOf(clock), now: () => clock.now() + isLate }
    const delay = new EventLoopDelay(late, seconds)
    delay.start()
    clock.advance(100)
    isLate = 300
    clock.advance(100)
    expect(seconds.cumulative()).toEqual([1, 2, 2])
    expect(seconds.sum).toBeCloseTo(0.3)
    delay.close()
    expect(clock.pending).toBe(0)
  })
})

/** Its calls, to be replaced one by one. */
function clockOf(clock: FakeClock) {
  return {
    setTimeout: (callback: () => void, delayMs: number) => clock.setTimeout(callback, delayMs),
    clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
  }
}
