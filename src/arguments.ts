/**
 * Owns how arguments are read into options and words, and how it is said in one line what is wrong with them. Knows no
 * command: each brings the options that it takes.
 */
import { parseArgs } from 'node:util'
import { nearest } from './config.ts'

export interface OptionShape {
  readonly type: 'string' | 'boolean'
  readonly short?: string
}

export interface ReadArguments<Name extends string> {
  /** What was given of each option, in order; '' for one that takes no value. */
  readonly given: Readonly<Partial<Record<Name, readonly string[]>>>
  readonly words: readonly string[]
}

/** What a person must be told: one line, exit code 2. */
export interface ArgumentProblem {
  readonly problem: string
}

/** Returns what the arguments hold, or the first that is wrong with them. */
export function readArguments<Name extends string>(
  argv: readonly string[],
  shapes: Readonly<Record<Name, OptionShape>>,
): ReadArguments<Name> | ArgumentProblem {
  // Not strict: each runtime words the errors of the strict mode differently, and none in one clear line.
  const { tokens } = parseArgs({
    args: [...argv],
    options: shapes,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const given: Partial<Record<Name, string[]>> = {}
  const words: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const problem = optionProblem(token, shapes)
    if (problem !== undefined) return { problem }
    ;(given[token.name as Name] ??= []).push(token.value ?? '')
  }
  return { given, words }
}

interface OptionToken {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}

function optionProblem(
  { name, rawName, value, inlineValue }: OptionToken,
  shapes: Readonly<Record<string, OptionShape>>,
): string | undefined {
  const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined
  if (!shape) {
    const known = Object.keys(shapes).map((each) => `--${each}`)
    return `Unknown option "${rawName}".${suggestion(rawName, known)}`
  }
  if (shape.type === 'boolean') return value === undefined ? undefined : `${rawName} takes no value.`
  if (!value || (!inlineValue && value.startsWith('-'))) return `${rawName} needs a value.`
  return undefined
}

/** Returns how a line goes on that says that a word is unknown. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return near === undefined ? ' See --help.' : ` Did you mean "${near}"?`
}
