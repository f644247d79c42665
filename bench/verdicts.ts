/** The targets against the rows of a run: measured, wanted, reached. Pure. */
import type { Row } from './row.ts'
import { medianRatio } from './statistics.ts'
import type { RowKey, Target } from './targets.ts'

export interface Verdict {
  readonly what: string
  readonly against: string
  /** The worst of the pairs; undefined if a row is not there, because something was left out. */
  readonly measured: number | undefined
  /** Every pair that was measured, with its case. */
  readonly each: readonly { readonly case: string; readonly measured: number }[]
  /** In words: `at most 1.25`. */
  readonly wanted: string
  readonly isReached: boolean | undefined
}

export function verdicts(targets: readonly Target[], rows: readonly Row[]): Verdict[] {
  return targets.map((target) => verdict(target, rows))
}

function verdict(target: Target, rows: readonly Row[]): Verdict {
  const each = target.pairs.flatMap(({ ours, theirs }) => {
    const mine = find(rows, ours)
    const other = theirs && find(rows, theirs)
    if (!mine || (theirs && !other)) return []
    return [{ case: ours.case, measured: other ? ratio(target, mine, other) : mine.value }]
  })
  const { what, against } = target
  const shortfalls = each.map(({ measured }) => shortfall(target, measured))
  const worst = Math.max(...shortfalls)
  const measured = each[shortfalls.indexOf(worst)]?.measured
  return {
    what,
    against,
    measured,
    each,
    wanted: wanted(target),
    isReached: measured === undefined ? undefined : worst <= 1,
  }
}

function ratio({ of = 'value' }: Target, ours: Row, theirs: Row): number {
  return of === 'value'
    ? medianRatio(ours.rounds, theirs.rounds)
    : medianRatio(ours.p50Rounds ?? [], theirs.p50Rounds ?? [])
}

/** 1 is just reached, more is not. */
function shortfall({ atMost, atLeast }: Target, measured: number): number {
  return Math.max(atMost === undefined ? 0 : measured / atMost, atLeast === undefined ? 0 : atLeast / measured)
}

function wanted({ atMost, atLeast }: Target): string {
  if (atMost !== undefined && atLeast !== undefined) return `${number(atLeast)} to ${number(atMost)}`
  return atMost !== undefined ? `at most ${number(atMost)}` : `at least ${number(atLeast!)}`
}

function find(rows: readonly Row[], key: RowKey): Row | undefined {
  return rows.find((row) => row.scenario === key.scenario && row.case === key.case && row.contender === key.contender)
}

/** Fractions as people write them: 1/7. */
export function number(value: number): string {
  const inverse = 1 / value
  const isFraction = inverse >= 2 && Math.abs(inverse - Math.round(inverse)) < 1e-9
  return isFraction ? `1/${Math.round(inverse)}` : value < 0.1 ? value.toFixed(3) : value.toFixed(value < 10 ? 2 : 1)
}
