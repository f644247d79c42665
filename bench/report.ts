/** What a run leaves behind: everything it measured, and on what machine. */
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
