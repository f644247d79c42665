import { describe, expect, it } from 'vitest'
import { median, medianRatio, percentile } from '../../bench/statistics.ts'

describe('median', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[7], 7],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected)
  })

  it('of nothing is no number', () => {
    expect(median([])).toBeNaN()
  })

  it('leaves its input as it is', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })
})

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)

  it.each([
    [50, 50],
    [99, 99],
    [99.9, 100],
    [100, 100],
    [0, 1],
  ])('%d of 1 to 100 is %d', (percent, expected) => {
    expect(percentile(hundred, percent)).toBe(expected)
  })

  it('of nothing is no number', () => {
    expect(percentile([], 50)).toBeNaN()
  })

  it('takes more values than a call may have arguments', () => {
    expect(percentile(new Array<number>(1_000_000).fill(2), 99)).toBe(2)
  })
})

describe('medianRatio', () => {
  it('compares round with round, so that one that the machine slowed down for both does not count', () => {
    expect(medianRatio([1, 10, 1.2], [2, 20, 2])).toBe(0.5)
  })

  it('of rounds that are not there is no number', () => {
    expect(medianRatio([], [1])).toBeNaN()
  })
})
