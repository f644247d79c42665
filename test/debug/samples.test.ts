/** The last hour of a process, and of several. */
import { describe, expect, it } from 'vitest'
import { mergeSamples, Samples } from '../../src/debug/samples.ts'
import type { Sample } from '../../src/debug/schema.ts'
import { FakeClock } from '../support/fake-clock.ts'

const sampleOf = (each: number): Omit<Sample, 'at'> => ({
  ...{ sessions: each, subscriptions: each, unsentBytes: each, memoryBytes: each, published: each, received: each },
  ...{ delivered: each, errors: each, loopDelaySeconds: each },
})

/** Begins at 7 s past a full ten seconds. */
function stage() {
  const clock = new FakeClock()
  const wall = { aheadMs: 1_790_000_007_000 - clock.now() }
  let taken = 0
  const samples = new Samples({
    clock,
    dateNow: () => clock.now() + wall.aheadMs,
    take: () => sampleOf(++taken),
  })
  samples.start()
  return { clock, wall, samples, times: () => samples.view().samples.map(({ at }) => at) }
}

describe('the samples of a process', () => {
  it('are taken at full ten seconds', () => {
    const { clock, samples } = stage()
    expect(samples.view()).toEqual({ everySeconds: 10, samples: [] })
    clock.advance(3000 + 10_000)
    expect(samples.view().samples).toEqual([
      { at: 1_790_000_010_000, ...sampleOf(1) },
      { at: 1_790_000_020_000, ...sampleOf(2) },
    ])
  })

  it('are those of an hour, and no more', () => {
    const { clock, times } = stage()
    clock.advance(2 * 3_600_000)
    expect(times()).toHaveLength(360)
    expect(times().at(-1)! - times()[0]!).toBe(3_590_000)
  })

  it('stay in order when the clock on the wall is set back', () => {
    const { clock, wall, times } = stage()
    clock.advance(33_000)
    wall.aheadMs -= 20_000
    clock.advance(10_000)
    expect(times()).toEqual([...times()].sort((a, b) => a - b))
    expect(new Set(times()).size).toBe(times().length)
  })

  it('end with it', () => {
    const { clock, samples, times } = stage()
    samples.close()
    clock.advance(60_000)
    expect(times()).toEqual([])
    expect(clock.pending).toBe(0)
  })
})

describe('the samples of several processes', () => {
  it('are added up where they are of the same time; of delays the longest counts', () => {
    const merged = mergeSamples([
      { everySeconds: 10, samples: [{ at: 10, ...sampleOf(1) }, { at: 20, ...sampleOf(2) }] },
      { everySeconds: 10, samples: [{ at: 20, ...sampleOf(5) }, { at: 30, ...sampleOf(3) }] },
    ]) // prettier-ignore
    expect(merged.samples).toEqual([
      { at: 10, ...sampleOf(1) },
      { at: 20, ...sampleOf(7), loopDelaySeconds: 5 },
      { at: 30, ...sampleOf(3) },
    ])
  })
})
