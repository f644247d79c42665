/**
 * Writes the tables of settings into README.md, between its two markers. Run as `npm run docs`; a test compares, so the
 * tables cannot fall behind the schema.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describeSettings, type SettingRow } from '../src/config.ts'

const README = fileURLToPath(new URL('../README.md', import.meta.url))
const BEGIN = /<!-- settings:.*-->\n/
const END = '<!-- /settings -->'

/** Two tables in Markdown, one row per setting: the limits apart. */
export function settingsTables(): string {
  const settings = describeSettings()
  const isLimit = ({ path }: SettingRow): boolean => path.startsWith('limits.')
  return [
    ...table(settings.filter((setting) => !isLimit(setting))),
    '',
    '### Limits',
    '',
    ...table(settings.filter(isLimit)),
  ].join('\n')
}

function table(settings: readonly SettingRow[]): string[] {
  const cell = (text: string): string => text.replaceAll('|', '\\|')
  const rows = settings.map(({ path, default: value, description }) => {
    const text = typeof value === 'string' ? value || "''" : JSON.stringify(value)
    const shown =
      value === undefined ? '' : Array.isArray(value) && text.length > 20 ? 'see above' : `\`${cell(text)}\``
    return `| \`${path}\` | ${shown} | ${cell(description)} |`
  })
  return ['| setting | default | meaning |', '|---|---|---|', ...rows]
}

/** README.md with the tables as they should be. Errors: throws if the markers are gone. */
export function withSettings(readme: string): string {
  const begin = BEGIN.exec(readme)
  const end = readme.indexOf(END)
  if (!begin || end < 0) throw new Error('README.md has lost the markers around its settings tables')
  return `${readme.slice(0, begin.index + begin[0].length)}\n${settingsTables()}\n\n${readme.slice(end)}`
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(README, withSettings(readFileSync(README, 'utf8')))
