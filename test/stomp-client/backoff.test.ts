import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Backoff } from '../../src/stomp-client/backoff.ts'

describe('the backoff', () => {
  it('doubles its cap up to the longest one, and begins anew after a reset', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 500 }, () => 1)
    expect([1, 2, 3, 4, 5].map(() => backoff.nextMs(0))).toEqual([100, 200, 400, 500, 500])
    backoff.reset()
    expect(backoff.nextMs(0)).toBe(100)
  })

  it('waits for any time from 0 to the cap, on top of the least time', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(60_000),
        fc.nat(100),
        (chance, leastMs, failures) => {
          const backoff = new Backoff({ firstMs: 100, maxMs: 500 }, () => chance)
          for (let i = 0; i < failures; i++) backoff.nextMs(0)
          const capMs = Math.min(500, 100 * 2 ** failures)
          expect(backoff.nextMs(leastMs)).toBeCloseTo(leastMs + chance * capMs, 6)
        },
      ),
    )
  })

  it('never asks a timer for more than it can do, however long it is told to wait', () => {
    const backoff = new Backoff({ maxMs: Infinity }, () => 1)
    expect(backoff.nextMs(1e15)).toBe(2 ** 31 - 1)
    for (let i = 0; i < 2000; i++) expect(backoff.nextMs(0)).toBeGreaterThan(0)
  })
})
