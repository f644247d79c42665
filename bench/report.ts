/** What a run leaves behind: everything it measured, and on what machine; and what it takes over from a run before. */
import type { Row } from './row.ts'
import type { Verdict } from './verdicts.ts'

export interface Report {
  readonly date: string
  readonly cores: number
  readonly cpu: string
  readonly runtimes: Readonly<Record<string, string>>
  readonly isQuick: boolean
  /** Who was not there, and why. */
  readonly leftOut: readonly { readonly name: string; readonly why: string }[]
  readonly rows: readonly Row[]
  readonly verdicts: readonly Verdict[]
}

/**
 * Returns the report of a run of some scenarios, with what an earlier run on such a machine has measured of the others.
 * `order`: of the scenarios. Pure.
 */
export function withRowsOf(report: Report, earlier: Report, order: readonly string[]): Report {
  const isSame = (['cores', 'cpu', 'runtimes', 'isQuick'] as const).every(
    (part) => JSON.stringify(report[part]) === JSON.stringify(earlier[part]),
  )
  if (!isSame) return report
  const measured = new Set(report.rows.map(({ scenario }) => scenario))
  const kept = earlier.rows.filter(({ scenario }) => !measured.has(scenario))
  const placeOf = ({ scenario }: Row): number => order.indexOf(scenario)
  const rows = [...report.rows, ...kept].sort((a, b) => placeOf(a) - placeOf(b))
  const isThere = (name: string): boolean => rows.some(({ contender }) => contender === name)
  return { ...report, rows, leftOut: report.leftOut.filter(({ name }) => !isThere(name)) }
}
