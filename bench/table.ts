/** Results as tables in Markdown, which a terminal shows as well. Pure. */
import type { Row } from './row.ts'
import { medianRatio } from './statistics.ts'
import { number, type Verdict } from './verdicts.ts'

/** A table whose columns are as wide as their cells. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map((row) => row[column]!.length)))
  return [head, widths.map((width) => '-'.repeat(width)), ...rows]
    .map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`)
    .join('\n')
}

/** One table per case; the first row of a case is ours, and the others are compared with it. */
export function resultTables(rows: readonly Row[]): string {
  const cases = new Map<string, Row[]>()
  for (const row of rows) {
    const title = `${row.scenario}: ${row.case}`
    cases.set(title, [...(cases.get(title) ?? []), row])
  }
  return [...cases].map(([title, group]) => `${title}\n${resultTable(group)}`).join('\n\n')
}

function resultTable(rows: readonly Row[]): string {
  const columns: readonly (readonly [string, (row: Row) => string])[] = [
    ['', ({ contender }) => contender],
    [rows[0]!.unit, ({ value }) => value.toFixed(2)],
    ['compared', (row) => (row === rows[0] ? '' : `${number(medianRatio(row.rounds, rows[0]!.rounds))} ×`)],
    ['per second', ({ perSecond }) => (perSecond === undefined ? '' : Math.round(perSecond).toLocaleString('en-US'))],
    ['wire bytes', ({ wireBytes }) => (wireBytes === undefined ? '' : Math.round(wireBytes).toLocaleString('en-US'))],
    ['p50 ms', ({ latencyMs }) => latencyMs?.p50.toFixed(2) ?? ''],
    ['p99 ms', ({ latencyMs }) => latencyMs?.p99.toFixed(2) ?? ''],
    ['p99.9 ms', ({ latencyMs }) => latencyMs?.p999.toFixed(2) ?? ''],
    ['generator', ({ generatorLoad: load }) => (load === undefined ? '' : `${Math.round(load * 100)} %`)],
    ['note', ({ note }) => note ?? ''],
  ]
  const used = columns.filter(([, cell], at) => at < 2 || rows.some((row) => cell(row) !== ''))
  return markdownTable(
    used.map(([title]) => title),
    rows.map((row) => used.map(([, cell]) => cell(row))),
  )
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  return markdownTable(
    ['what', 'against', 'measured', 'wanted', 'reached'],
    verdicts.map(({ what, against, measured, each, wanted, isReached }) => [
      what,
      against,
      measured === undefined
        ? 'not measured'
        : each.length > 1
          ? `${number(measured)} (${each.map((pair) => number(pair.measured)).join(', ')})`
          : number(measured),
      wanted,
      isReached === undefined ? '' : isReached ? 'yes' : 'NO',
    ]),
  )
}
