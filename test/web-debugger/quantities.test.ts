/** What the chart of the bridge view draws. */
import { describe, expect, it } from 'vitest'
import type { Sample } from '../../web-debugger/api/types.ts'
import { pointsOf, QUANTITIES } from '../../web-debugger/bridge/quantities.ts'

const at = (seconds: number, more: Partial<Sample>): Sample => ({
  ...{ at: seconds * 1000, sessions: 0, subscriptions: 0, unsentBytes: 0, memoryBytes: 0, published: 0, received: 0 },
  ...{ delivered: 0, errors: 0, loopDelaySeconds: 0 },
  ...more,
})

describe('the quantities of the chart', () => {
  it('make rates of counts, by the time that has passed', () => {
    const samples = [
      at(10, { published: 5, delivered: 100 }),
      at(20, { published: 25, delivered: 100 }),
      at(50, { published: 55, delivered: 400 }),
    ]
    expect(pointsOf(QUANTITIES.messages, samples)).toEqual([
      { at: 20_000, values: [2, 0] },
      { at: 50_000, values: [1, 10] },
    ])
  })

  it('say nothing of the time in which a process began anew', () => {
    const samples = [at(10, { errors: 50 }), at(20, { errors: 3 }), at(30, { errors: 13 })]
    expect(pointsOf(QUANTITIES.errors, samples)).toEqual([{ at: 30_000, values: [1] }])
  })

  it('show the rest as it is, in units for people', () => {
    const [point] = pointsOf(QUANTITIES.memory, [at(10, {}), at(20, { memoryBytes: 3 * 1024 * 1024 })])
    expect(QUANTITIES.memory.format(point!.values[0]!)).toBe('3 MiB')
    const [delay] = pointsOf(QUANTITIES.delay, [at(10, {}), at(20, { loopDelaySeconds: 0.25 })])
    expect(QUANTITIES.delay.format(delay!.values[0]!)).toBe('250 ms')
    expect(pointsOf(QUANTITIES.sessions, [at(10, {}), at(20, { sessions: 2, subscriptions: 5 })])[0]!.values).toEqual([
      2, 5,
    ])
  })

  it('have nothing to draw of one sample', () => {
    expect(pointsOf(QUANTITIES.sessions, [])).toEqual([])
    expect(pointsOf(QUANTITIES.sessions, [at(10, {})])).toEqual([])
  })
})
