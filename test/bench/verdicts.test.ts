import { describe, expect, it } from 'vitest'
import { Unit, type Row } from '../../bench/row.ts'
import { markdownTable, resultTables, verdictTable } from '../../bench/table.ts'
import { targets, type Target } from '../../bench/targets.ts'
import { number, verdicts } from '../../bench/verdicts.ts'

function row(contender: string, ...rounds: number[]): Row {
  return { scenario: 's', case: 'c', contender, unit: Unit.perDelivery, value: rounds[0]!, rounds }
}

function key(contender: string): Target['pairs'][number]['ours'] {
  return { scenario: 's', case: 'c', contender }
}

function target(limits: Pick<Target, 'atMost' | 'atLeast'>, ...contenders: string[]): Target {
  return {
    what: 'w',
    against: 'a',
    pairs: contenders.map((contender) => ({ ours: key(contender), theirs: key('theirs') })),
    ...limits,
  }
}

describe('verdicts', () => {
  const rows = [row('theirs', 2, 2, 2), row('cheap', 1, 1, 1), row('dear', 3, 3, 3)]

  it.each([
    ['at the limit is reached', { atMost: 0.5 }, ['cheap'], 0.5, true],
    ['above it is not', { atMost: 1 }, ['dear'], 1.5, false],
    ['below the least is not reached', { atLeast: 1 }, ['cheap'], 0.5, false],
    ['the worst pair decides', { atMost: 1 }, ['cheap', 'dear'], 1.5, false],
    ['outside a range on the low side is not reached', { atLeast: 0.75, atMost: 1.75 }, ['cheap', 'dear'], 0.5, false],
    ['a pair that was left out does not count', { atMost: 1 }, ['cheap', 'absent'], 0.5, true],
  ] as const)('%s', (_name, limits, contenders, measured, isReached) => {
    expect(verdicts([target(limits, ...contenders)], rows)).toMatchObject([{ measured, isReached }])
  })

  it('say nothing where a row is not there', () => {
    expect(verdicts([target({ atMost: 1 }, 'absent')], rows)).toMatchObject([
      { measured: undefined, isReached: undefined, each: [] },
    ])
  })

  it('without another row look at the value itself', () => {
    const own: Target = { what: 'w', against: 'a', pairs: [{ ours: key('dear') }], atMost: 4 }
    expect(verdicts([own], rows)).toMatchObject([{ measured: 3, isReached: true }])
  })

  it('compare median latencies when asked to', () => {
    const withLatency = [
      { ...row('ours', 9), p50Rounds: [1, 3, 2] },
      { ...row('theirs', 1), p50Rounds: [2, 2, 2] },
    ]
    expect(verdicts([{ ...target({ atMost: 1.2 }, 'ours'), of: 'p50' }], withLatency)).toMatchObject([{ measured: 1 }])
  })
})

describe('targets', () => {
  it('each have a limit and rows to compare', () => {
    for (const each of targets({ subscribers: 1_000 })) {
      expect(each.pairs).not.toEqual([])
      expect(each.atMost ?? each.atLeast).toBeGreaterThan(0)
    }
  })
})

describe('number', () => {
  it.each([
    [1 / 7, '1/7'],
    [0.5, '1/2'],
    [0.0123, '0.012'],
    [0.8, '0.80'],
    [1, '1.00'],
    [47.25, '47.3'],
  ])('writes %d as %s', (value, text) => {
    expect(number(value)).toBe(text)
  })
})

describe('tables', () => {
  it('have columns as wide as their cells', () => {
    expect(markdownTable(['a', 'long head'], [['cell is long', 'b']])).toBe(
      '| a            | long head |\n| ------------ | --------- |\n| cell is long | b         |',
    )
  })

  it('compare the rows of a case with its first and leave out columns that nothing fills', () => {
    expect(resultTables([row('ours', 2), row('theirs', 3)])).toBe(
      [
        's: c',
        '|        | µs CPU/delivery | compared |',
        '| ------ | --------------- | -------- |',
        '| ours   | 2.00            |          |',
        '| theirs | 3.00            | 1.50 ×   |',
      ].join('\n'),
    )
  })

  it('say what was missed, and what was not measured', () => {
    const judged = verdicts(
      [target({ atMost: 1 }, 'dear'), target({ atMost: 1 }, 'absent')],
      [row('dear', 2), row('theirs', 1)],
    )
    const [, , missed, absent] = verdictTable(judged).split('\n')
    expect(missed).toMatch(/2\.00 .*at most 1\.00 \| NO/)
    expect(absent).toMatch(/not measured/)
  })
})
