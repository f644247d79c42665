/** What a run leaves behind: everything it measured, and on what machine; and what it takes over from a run before. */
import type { Row } from './row.ts'
import type { Verdict } from './verdicts.ts'

/** When something was measured, and where. */
export interface Origin {
  readonly date: string
  readonly cores: number
  readonly cpu: string
  readonly runtimes: Readonly<Record<string, string>>
}

export interface Report extends Origin {
  readonly isQuick: boolean
  /** Who was not there, and why. */
  readonly leftOut: readonly { readonly name: string; readonly why: string }[]
  /** Scenarios that were measured at another time, maybe on another machine. */
  readonly elsewhere?: Readonly<Record<string, Origin>>
  readonly rows: readonly Row[]
  readonly verdicts: readonly Verdict[]
}

/**
 * Returns an earlier report with what a run of some scenarios has measured in place of its own rows of these; another
 * kind of run has no place in it, and is returned as it is. `order`: of the scenarios. Pure.
 */
export function withRowsOf(run: Report, earlier: Report, order: readonly string[]): Report {
  if (run.isQuick !== earlier.isQuick) return run
  const { date, cores, cpu, runtimes } = run
  const measured = new Set(run.rows.map(({ scenario }) => scenario))
  const elsewhere = Object.fromEntries([...measured].map((scenario) => [scenario, { date, cores, cpu, runtimes }]))
  const kept = earlier.rows.filter(({ scenario }) => !measured.has(scenario))
  const placeOf = ({ scenario }: Row): number => order.indexOf(scenario)
  const rows = [...run.rows, ...kept].sort((a, b) => placeOf(a) - placeOf(b))
  const isThere = (name: string): boolean => rows.some(({ contender }) => contender === name)
  const leftOut = run.leftOut.filter(({ name }) => !isThere(name))
  return { ...earlier, leftOut, elsewhere: { ...earlier.elsewhere, ...elsewhere }, rows }
}
