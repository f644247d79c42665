/**
 * Owns how a problem in the configuration reads: its words, where it came from, and the error that carries all of
 * them. It never quotes what may be a secret.
 */
import type * as z from 'zod'
import { isGroup } from './group.ts'
import {
  describeSettings,
  expectation,
  ownKeys,
  schemaAt,
  shapeIndex,
  shapeOf,
  shapesOf,
  type SchemaNode,
} from './settings.ts'

export type SettingPath = readonly PropertyKey[]

/** A problem before it is known where the value came from. */
export interface Finding {
  readonly path: SettingPath
  /** A phrase that continues the path: `must be …`. */
  readonly text: string
}

/** One thing to put right. */
export interface ConfigProblem {
  /** Path of the setting, such as `limits.maxFrameBytes`; `""` when it is about the whole file. */
  readonly path: string
  /** The file, environment variable or option that it came from; undefined for a default or an embedded object. */
  readonly origin: string | undefined
  /** The whole line for a person: origin, path and what is wrong. */
  readonly line: string
}

/** Thrown when a configuration cannot be used; carries every problem, not only the first. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super([`The configuration has ${count}:`, ...problems.map((problem) => `  ${problem.line}`)].join('\n'))
    this.problems = problems
  }
}

/** Writes a path as people do: `routes.outbound[0].codec`. */
export function pathText(path: SettingPath): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? String(key) : `.${String(key)}`))
    .join('')
}

/** Turns what zod found into findings in our words. `input` is what zod was given. */
export function findingsOf(error: z.ZodError, input: unknown): Finding[] {
  const findings = error.issues.flatMap((issue) => issueFindings(issue, input))
  // One value can break two rules of zod that are one in our words: whole, and within a range.
  const lines = findings.map((finding) => `${pathText(finding.path)} ${finding.text}`)
  return findings.filter((_, index) => lines.indexOf(lines[index] ?? '') === index)
}

function issueFindings(issue: z.core.$ZodIssue, input: unknown): Finding[] {
  const { path } = issue
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], text: unknownSetting(path, key, input) }))
    case 'custom':
    case 'invalid_format':
      return [{ path, text: issue.message }]
    case 'invalid_union':
      return shapeIssues(issue, input).flatMap((each) => issueFindings(each, input))
    default:
      return [{ path, text: wrongValue(path, input) ?? issue.message }]
  }
}

/** What is wrong with the shape that was meant; all of it is one mistake where that cannot be told. */
function shapeIssues(issue: z.core.$ZodIssueInvalidUnion, input: unknown): z.core.$ZodIssue[] {
  const { path } = issue
  const index = shapeIndex(shapesOf(schemaAt(path, input) ?? {}), valueAt(input, path))
  const issues = issue.errors[index]
  if (issues) return issues.map((each) => ({ ...each, path: [...path, ...each.path] }))
  return [{ code: 'invalid_type', expected: 'object', path, message: issue.message, input: undefined }]
}

function wrongValue(path: SettingPath, input: unknown): string | undefined {
  const node = marksAt(path, input) ?? schemaAt(path, input)
  const value = valueAt(input, path)
  if (!node) return undefined
  const wanted = `must be ${expectation(node)}`
  if (value === undefined) return `is missing and ${wanted}`
  if (value === null) return `has nothing after it and ${wanted}`
  if (node.type === 'string' && !node.enum && typeof value !== 'string') return `${wanted}: put it in quotes`
  // A whole section or list is not shown: somebody may have written redis: redis://user:password@host.
  if (node.writeOnly || node.properties || node.items || shapesOf(node).length > 0) return wanted
  return `${wanted}, not ${shown(value)}`
}

/** Quotes a value, short and without credentials. */
function shown(value: unknown): string {
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a group'
  const text = String(JSON.stringify(value)).replace(/:\/\/\S*@/, '://***@')
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text
}

/** The key that says which shape a group has: what it may be is spread over the shapes. */
function marksAt(path: SettingPath, input: unknown): SchemaNode | undefined {
  const parent = path.slice(0, -1)
  const key = String(path.at(-1))
  const shapes = shapesOf(schemaAt(parent, input) ?? {})
  const marks = shapes.map(({ properties }) => properties?.[key]?.const)
  return marks.length > 0 && marks.every((mark) => typeof mark === 'string') ? { enum: marks } : undefined
}

function valueAt(input: unknown, path: SettingPath): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], input)
}

function unknownSetting(parent: SettingPath, key: string, input: unknown): string {
  const node = schemaAt(parent, input) ?? {}
  const value = valueAt(input, parent)
  const shape = shapeOf(node, value)
  const beside = ownKeys(shapesOf(node), shape).find((own) => isGroup(value) && value[own] !== undefined)
  if (beside !== undefined && shapesOf(node).some(({ properties = {} }) => Object.hasOwn(properties, key)))
    return `must not be there beside ${beside}`
  const siblings = Object.keys(shape.properties ?? shape.items?.properties ?? {})
  const elsewhere = describeSettings().filter((row) => row.path.endsWith(`.${key}`))
  const suggestion = nearest(key, siblings) ?? elsewhere[0]?.path
  return suggestion === undefined ? 'is not a setting' : `is not a setting; did you mean ${suggestion}?`
}

/** Returns the candidate that a mistyped word probably meant; undefined when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const plain = (each: string) => each.toLowerCase().replace(/[-_]/g, '')
  const wanted = plain(word)
  let best: string | undefined
  // Two letters that changed places count as two; a very short word has no room for that.
  let bestDistance = (wanted.length < 4 ? 1 : Math.max(2, Math.floor(wanted.length / 4))) + 1
  for (const candidate of candidates) {
    const distance = editDistance(wanted, plain(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein distance, row by row. */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    above = row
  }
  return above[b.length] ?? 0
}
