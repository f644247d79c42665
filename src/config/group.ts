/** A group of settings, as YAML and JSON give it: its values are not checked. */

export type Group = Readonly<Record<string, unknown>>

export function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
