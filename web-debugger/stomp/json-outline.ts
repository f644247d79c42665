/** JSON as lines that can be folded, each token with what it is. Numbers and escapes stay as they were typed. */

export type JsonKind = 'key' | 'string' | 'number' | 'word' | 'sign'

export interface JsonToken {
  readonly kind: JsonKind
  readonly text: string
}

export interface JsonLine {
  readonly depth: number
  readonly tokens: readonly JsonToken[]
  /** Where the object or array that begins here ends, as a place among the lines; undefined if none does. */
  end: number | undefined
  /** How many members it has. */
  members: number
}

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** The lines of a text that is JSON. */
export function outlineJson(text: string): JsonLine[] {
  const tokens = text.match(TOKENS) ?? []
  const lines: JsonLine[] = []
  /** Places of the lines whose object or array is not closed yet. */
  const open: number[] = []
  let line: JsonToken[] = []
  const endLine = (depth: number) => {
    lines.push({ depth, tokens: line, end: undefined, members: 0 })
    line = []
  }
  for (const [index, token] of tokens.entries()) {
    const isEmpty = (pair: string) => pair === '{}' || pair === '[]'
    const isOpening = /^[{[]$/.test(token) && !isEmpty(token + tokens[index + 1])
    const isClosing = /^[}\]]$/.test(token) && !isEmpty(tokens[index - 1] + token)
    if (isClosing) {
      // What was before it is the last member, and it begins a line of its own.
      endLine(open.length)
      const start = lines[open.pop()!]!
      start.members++
      start.end = lines.length
    }
    line.push({ kind: kindOf(token, tokens[index + 1]), text: token === ':' ? ': ' : token })
    if (token === ',') lines[open.at(-1)!]!.members++
    if (isOpening || token === ',') endLine(open.length)
    if (isOpening) open.push(lines.length - 1)
  }
  endLine(0)
  return lines
}

function kindOf(token: string, next: string | undefined): JsonKind {
  if (token.startsWith('"')) return next === ':' ? 'key' : 'string'
  if (/^[{}[\],:]$/.test(token)) return 'sign'
  return /^[-\d]/.test(token) ? 'number' : 'word'
}

const INDENT = '  '

/** A line as text, with its indent. */
export function textOfLine({ depth, tokens }: JsonLine): string {
  return INDENT.repeat(depth) + tokens.map(({ text }) => text).join('')
}
