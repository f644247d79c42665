/**
 * `npm run docs`: writes the tables in docs/ that are made from the code, and bridge.schema.json. A test compares, so
 * that neither can fall behind. Each table stands between two comments that name it; the text around it is written by
 * hand.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fragment } from '../bench/fragment.ts'
import type { Report } from '../bench/report.ts'
import { configJsonSchema } from '../src/config.ts'
import { codeTables } from './docs/code-tables.ts'
import { metricTable } from './docs/metric-table.ts'
import { limitTable, listTables, settingTable } from './docs/setting-tables.ts'

const ROOT = new URL('../', import.meta.url)

/** What a file has between the comments of each name. */
type Parts = Readonly<Record<string, string>>

/** Returns every file that is made, whole or in part, with its parts. */
export async function generatedParts(): Promise<Readonly<Record<string, Parts>>> {
  const report = JSON.parse(readText('bench/results.json')) as Report
  return {
    'docs/configuration.md': { settings: settingTable(), limits: limitTable(), lists: listTables() },
    'docs/protocol.md': codeTables(),
    'docs/operations.md': { metrics: await metricTable() },
    'docs/performance.md': { results: fragment(report) },
  }
}

/** Returns bridge.schema.json as it should be. */
export function schemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`
}

/** Returns the text with each part as it should be. Errors: throws if a part has lost its comments. */
export function withParts(text: string, parts: Parts): string {
  return Object.entries(parts).reduce((whole, [name, part]) => {
    const begin = `<!-- ${name}: written by npm run docs -->`
    const end = `<!-- /${name} -->`
    const from = whole.indexOf(begin)
    const to = whole.indexOf(end)
    if (from < 0 || to < from) throw new Error(`The text needs "${begin}" and, below it, "${end}"`)
    return `${whole.slice(0, from + begin.length)}\n\n${part}\n\n${whole.slice(to)}`
  }, text)
}

export function readText(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, parts] of Object.entries(await generatedParts())) {
    writeFileSync(new URL(path, ROOT), withParts(readText(path), parts))
  }
  writeFileSync(new URL('bridge.schema.json', ROOT), schemaText())
}
