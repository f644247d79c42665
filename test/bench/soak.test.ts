import { describe, expect, it } from 'vitest'
import { trendOf } from '../../bench/soak/trend.ts'

/** A sample each ten seconds of ten minutes. */
const samples = (valueAt: (seconds: number) => number) =>
  Array.from({ length: 61 }, (_, i) => ({ seconds: i * 10, value: valueAt(i * 10) }))

describe('the trend of a soak', () => {
  it('does not see the warm-up', () => {
    const trend = trendOf(samples((seconds) => Math.min(seconds, 190)))
    expect(trend).toEqual({ perHour: 0, median: 190, growth: 0, isFlat: true })
  })

  it('finds a leak, however small it is each second', () => {
    const trend = trendOf(samples((seconds) => 100 + seconds / 60))
    expect(trend.perHour).toBeCloseTo(60)
    expect(trend.growth).toBeCloseTo(400 / 60 / 106.67, 2)
    expect(trend.isFlat).toBe(false)
  })

  it('takes the teeth of a collector, and single peaks, for flat', () => {
    expect(trendOf(samples((seconds) => 100 + (seconds % 70))).isFlat).toBe(true)
    expect(trendOf(samples((seconds) => (seconds > 580 ? 500 : 100))).isFlat).toBe(true)
  })

  it('says that a run was too short', () => {
    expect(() => trendOf(samples(() => 1).slice(0, 3))).toThrow('too short')
  })
})
