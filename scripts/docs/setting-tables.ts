/** The settings as tables, from the schema: for docs/configuration.md. */
import { describeSettings, type SettingRow } from '../../src/config.ts'
import { schemaAt, type SchemaNode } from '../../src/config/settings.ts'
import { code, table } from './markdown.ts'

/** A default that is longer than this, in characters, would make the table unreadable. */
const MAX_DEFAULT = 20

/** Returns all settings but the limits. */
export function settingTable(): string {
  return settings(({ path }) => !path.startsWith('limits.'))
}

export function limitTable(): string {
  return settings(({ path }) => path.startsWith('limits.'))
}

function settings(isShown: (row: SettingRow) => boolean): string {
  return table(
    ['Setting', 'Default', 'Meaning'],
    describeSettings()
      .filter(isShown)
      .map(({ path, default: value, description }) => [code(path), defaultText(value), description]),
  )
}

/** Returns one table for each setting that is a list of objects. */
export function listTables(): string {
  return describeSettings()
    .flatMap(({ path }) => {
      const { properties, required = [] } = schemaAt([...path.split('.'), 0]) ?? {}
      if (!properties) return []
      const rows = Object.entries(properties).map(([name, node]) => [
        code(name),
        required.includes(name) ? 'required' : defaultText(node.default),
        meaning(node),
      ])
      return [`Each entry of \`${path}\`:\n\n${table(['Key', 'Default', 'Meaning'], rows)}`]
    })
    .join('\n\n')
}

function meaning({ description = '', enum: values }: SchemaNode): string {
  const choice = values ? `One of ${values.map(code).join(', ')}` : ''
  return [description, choice].filter((text) => text !== '').join('. ')
}

function defaultText(value: unknown): string {
  if (value === undefined) return ''
  const text = typeof value === 'string' ? value || "''" : JSON.stringify(value)
  return text.length > MAX_DEFAULT && typeof value === 'object' ? 'see below' : code(text)
}
