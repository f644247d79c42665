/** The results as docs/performance.md shows them: tables made from a report. Pure; `npm run docs` writes them there. */
import type { Origin, Report } from './report.ts'
import { resultTables, verdictTable } from './table.ts'

/** Scenarios whose tables are shown, with what stands before their cases; all are in results.json. */
const SHOWN: Readonly<Record<string, string>> = {
  'fan-out': 'Redis to ',
  compression: 'permessage-deflate, off and on; Redis to ',
  access: 'Logins and rules: ',
  history: 'History: ',
  queue: 'Work queue: ',
  interest: 'Which node hears what: ',
}

/** Returns tables, targets and what was left out, in Markdown. */
export function fragment(report: Report): string {
  const { leftOut, elsewhere = {}, rows, verdicts } = report
  const parts = [
    `Made by \`npm run bench\` on ${origin(report)}.`,
    ...Object.entries(SHOWN).flatMap(([scenario, title]) => {
      const own = rows.filter((row) => row.scenario === scenario)
      if (own.length === 0) return []
      const other = elsewhere[scenario]
      const tables = resultTables(own).replaceAll(/^[a-z-]+: (.*)$/gm, (_line, what: string) => `${title}${what}:\n`)
      return other ? [`Measured apart from the others, on ${origin(other)}:`, tables] : [tables]
    }),
    `## Targets\n\n${verdictTable(verdicts)}`,
  ]
  if (leftOut.length > 0) parts.push(`Left out: ${leftOut.map(({ name, why }) => `${name} (${why})`).join('; ')}.`)
  return parts.join('\n\n')
}

function origin({ date, cores, cpu, runtimes }: Origin): string {
  const versions = Object.entries(runtimes).map(([name, version]) => `${name} ${version}`)
  return `${date.slice(0, 10)}: ${cores} cores (${cpu}), ${versions.join(', ')}`
}
