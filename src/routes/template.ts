/**
 * Templates of destinations and channels: text with variables, read both ways. `{name}` is one segment, `{*name}` is
 * the rest. Pure; the route table builds on it.
 */
import { escapeGlob } from '../glob.ts'

export type Variables = ReadonlyMap<string, string>

/** A compiled template. */
export interface Template {
  readonly source: string
  readonly isFixed: boolean
  /** Of its variables, from left to right. */
  readonly names: readonly string[]
  /** The values with which the template gives this text, or undefined if it cannot. */
  match(text: string): Variables | undefined
  expand(variables: Variables): string
  /** The Redis PSUBSCRIBE pattern that covers everything the template can give. */
  readonly glob: string
}

/**
 * `separators`: characters that a `{name}` value must not hold, beside `/`. Needed where two variables stand side by
 * side, as in `a:{x}:{y}`, or else the values would be ambiguous, and finding them would take the square of the length.
 */
export function compileTemplate(source: string, separators = ''): Template {
  const parts = source.split(/(\{\*?[A-Za-z_][A-Za-z0-9_.]*\})/)
  const names = parts.filter((_, i) => i % 2 === 1).map((part) => part.replace(/[{}*]/g, ''))
  // What is taken from a payload stands in no channel, so nothing there limits it.
  const single = (part: string): string => (part.includes('.') ? '([^/]+)' : `([^/${escapeRegExp(separators)}]+)`)
  const expression = new RegExp(
    `^${parts.map((part, i) => (i % 2 === 0 ? escapeRegExp(part) : part.startsWith('{*') ? '(.+)' : single(part))).join('')}$`,
    's',
  )
  return {
    source,
    isFixed: names.length === 0,
    names,
    match(text) {
      const found = expression.exec(text)
      return found ? new Map(names.map((name, i) => [name, found[i + 1]!])) : undefined
    },
    expand: (variables) =>
      parts.map((part, i) => (i % 2 === 0 ? part : variables.get(part.replace(/[{}*]/g, ''))!)).join(''),
    glob: parts.map((part, i) => (i % 2 === 0 ? escapeGlob(part) : '*')).join(''),
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
