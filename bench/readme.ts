/** The performance section of the README: what stands between its two markers is made from a report. Pure. */
import type { Report } from './report.ts'
import { resultTables, verdictTable } from './table.ts'

const BEGIN = '<!-- bench -->'
const END = '<!-- /bench -->'

/** Scenarios whose tables the README shows, with what it writes before their cases; all are in results.json. */
const SHOWN: Readonly<Record<string, string>> = {
  'fan-out': 'Redis to ',
  compression: 'permessage-deflate, off and on; Redis to ',
}

/** The README with the results between its markers. Errors: throws if the markers are not there. */
export function withResults(readme: string, report: Report): string {
  const begin = readme.indexOf(BEGIN)
  const end = readme.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`The README needs "${BEGIN}" and behind it "${END}"`)
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${fragment(report)}\n\n${readme.slice(end)}`
}

/** Chart, tables and what was left out, in Markdown. */
export function fragment(report: Report): string {
  const { date, cores, cpu, runtimes, leftOut, rows, verdicts } = report
  const versions = Object.entries(runtimes).map(([name, version]) => `${name} ${version}`)
  const parts = [
    '![Server CPU per delivered message](bench/results.svg)',
    `Made by \`npm run bench\` on ${date.slice(0, 10)}: ${cores} cores (${cpu}), ${versions.join(', ')}.`,
    resultTables(rows.filter(({ scenario }) => scenario in SHOWN)).replaceAll(
      /^([a-z-]+): (.*)$/gm,
      (_line, scenario: string, what: string) => `${SHOWN[scenario]}${what}:\n`,
    ),
    `What it has to reach:\n\n${verdictTable(verdicts)}`,
  ]
  if (leftOut.length > 0) parts.push(`Left out: ${leftOut.map(({ name, why }) => `${name} (${why})`).join('; ')}.`)
  return parts.join('\n\n')
}
