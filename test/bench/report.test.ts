import { describe, expect, it } from 'vitest'
import { withRowsOf, type Report } from '../../bench/report.ts'
import { Unit, type Row } from '../../bench/row.ts'

function row(scenario: string, contender: string, value: number): Row {
  return { scenario, case: 'x', contender, unit: Unit.perMessage, value, rounds: [value] }
}

function report(rows: readonly Row[], more: Partial<Report> = {}): Report {
  const machine = { date: '2026-01-01', cores: 2, cpu: 'x', runtimes: { Bun: '1' }, isQuick: false }
  return { ...machine, leftOut: [], verdicts: [], rows, ...more }
}

describe('the report of a run of some scenarios', () => {
  const order = ['fan-out', 'send', 'history']
  const earlier = report([
    row('fan-out', 'peer', 1),
    row('send', 'us', 2),
    row('send', 'gone', 2),
    row('history', 'us', 3),
  ])

  it('has the rows of the others from the run before, in their order', () => {
    const leftOut = [{ name: 'peer', why: 'not installed' }, { name: 'other', why: 'not installed' }] // prettier-ignore
    const whole = withRowsOf(report([row('send', 'us', 9)], { leftOut, date: '2026-02-02' }), earlier, order)
    expect(whole.rows).toEqual([row('fan-out', 'peer', 1), row('send', 'us', 9), row('history', 'us', 3)])
    expect(whole.date).toBe('2026-01-01')
    expect(whole.elsewhere).toEqual({ send: { date: '2026-02-02', cores: 2, cpu: 'x', runtimes: { Bun: '1' } } })
    expect(whole.leftOut.map(({ name }) => name)).toEqual(['other'])
  })

  it('is its own where the one before was of another kind', () => {
    const measured = report([row('send', 'us', 9)], { isQuick: true })
    expect(withRowsOf(measured, earlier, order)).toBe(measured)
  })
})
