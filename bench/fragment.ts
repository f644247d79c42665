/** The results as docs/performance.md shows them: tables made from a report. Pure; `npm run docs` writes them there. */
import type { Report } from './report.ts'
import { resultTables, verdictTable } from './table.ts'

/** Scenarios whose tables are shown, with what stands before their cases; all are in results.json. */
const SHOWN: Readonly<Record<string, string>> = {
  'fan-out': 'Redis to ',
  compression: 'permessage-deflate, off and on; Redis to ',
  access: 'Logins and rules: ',
  history: 'History: ',
}

/** Returns tables, targets and what was left out, in Markdown. */
export function fragment(report: Report): string {
  const { date, cores, cpu, runtimes, leftOut, rows, verdicts } = report
  const versions = Object.entries(runtimes).map(([name, version]) => `${name} ${version}`)
  const parts = [
    `Made by \`npm run bench\` on ${date.slice(0, 10)}: ${cores} cores (${cpu}), ${versions.join(', ')}.`,
    resultTables(rows.filter(({ scenario }) => scenario in SHOWN)).replaceAll(
      /^([a-z-]+): (.*)$/gm,
      (_line, scenario: string, what: string) => `${SHOWN[scenario]}${what}:\n`,
    ),
    `## Targets\n\n${verdictTable(verdicts)}`,
  ]
  if (leftOut.length > 0) parts.push(`Left out: ${leftOut.map(({ name, why }) => `${name} (${why})`).join('; ')}.`)
  return parts.join('\n\n')
}
