import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSampleWatch } from '../../web-debugger/api/sample-watch.ts'
import type { Sample } from '../../web-debugger/api/types.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const sample = (at: number): Sample => ({
  ...{ at, sessions: 0, subscriptions: 0, unsentBytes: 0, memoryBytes: 0, published: 0, received: 0 },
  ...{ delivered: 0, errors: 0, loopDelaySeconds: 0 },
})

describe('the last hour', () => {
  it('is asked for at once and every ten seconds, until nobody looks; what was last stays meanwhile', async () => {
    let asked = 0
    let isAway = false
    const watch = createSampleWatch({
      samples: async () => {
        asked++
        if (isAway) throw new Error('away')
        return { everySeconds: 10, samples: [sample(asked)] }
      },
    })
    const stop = watch.start()
    await vi.advanceTimersByTimeAsync(0)
    expect(watch.samples.value).toEqual([sample(1)])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(watch.samples.value).toEqual([sample(2)])
    isAway = true
    await vi.advanceTimersByTimeAsync(10_000)
    expect([asked, watch.samples.value]).toEqual([3, [sample(2)]])
    stop()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toBe(3)
  })
})
