/** The settings as tables, from the schema: for docs/configuration.md. */
import { describeSettings, type SettingRow } from '../../src/config.ts'
import { ownKeys, schemaAt, shapesOf, type SchemaNode } from '../../src/config/settings.ts'
import { code, table } from './markdown.ts'

/** A default that is longer than this, in characters, would make the table unreadable. */
const MAX_DEFAULT = 30

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
    .flatMap(({ path }) => entryTables(schemaAt([...path.split('.'), 0]), `Each entry of ${code(path)}`))
    .join('\n\n')
}

/** The table of one entry, or of each shape that it may have, with those of the lists in it. */
function entryTables(node: SchemaNode = {}, title: string): string[] {
  const shapes = shapesOf(node).filter(({ properties }) => properties)
  if (shapes.length > 0) {
    return shapes.flatMap((shape) => {
      const kind = ownKeys(shapes, shape).map((key) => ` with ${code(key)}`)
      return entryTables(shape, title + kind.join(''))
    })
  }
  const { properties, required = [] } = node
  if (!properties) return []
  const keys = Object.entries(properties)
  const marks = keys.filter(([, { const: mark }]) => mark !== undefined)
  const others = keys.filter(([, { const: mark }]) => mark === undefined)
  const kind = marks.map(([name, { const: mark }]) => ` with ${code(`${name}: ${mark}`)}`).join('')
  const about = marks.map(([, { description = '' }]) => `. ${description}`).join('')
  const heading = `${title}${kind}${about}`
  const rows = others.map(([name, each]) => [
    code(name),
    required.includes(name) ? 'required' : defaultText(each.default),
    meaning(each),
  ])
  return [
    rows.length === 0
      ? `${heading}. It has no other key.`
      : `${heading}:\n\n${table(['Key', 'Default', 'Meaning'], rows)}`,
    ...others.flatMap(([name, { items }]) => entryTables(items, `Each of its ${code(name)}`)),
  ]
}

function meaning({ description = '', enum: values, items }: SchemaNode): string {
  const choice = values
    ? `One of ${values.map(code).join(', ')}`
    : items?.enum
      ? `A list of ${items.enum.map(code).join(', ')}`
      : ''
  return [description, choice].filter((text) => text !== '').join('. ')
}

function defaultText(value: unknown): string {
  if (value === undefined) return ''
  const text = typeof value === 'string' ? value || "''" : JSON.stringify(value)
  return text.length > MAX_DEFAULT && typeof value === 'object' ? 'see below' : code(text)
}
