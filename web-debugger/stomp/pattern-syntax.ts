/**
 * Reads a regular expression as JavaScript writes it, and makes an automaton of it: nodes that a text is followed
 * through. Leaves out what cannot be followed in time that grows with the text alone: looks around, back references.
 */

/** What a place between two characters is next to. */
export const Side = {
  /** A line's start or end: of the text, of a line, of a frame. */
  line: 0,
  word: 1,
  other: 2,
} as const
export type Side = (typeof Side)[keyof typeof Side]

/** `next` and `other` are places in the list of nodes. */
export type PatternNode =
  | { readonly kind: 'char'; readonly has: (code: number) => boolean; readonly next: number }
  | { readonly kind: 'split'; next: number; readonly other: number }
  | { readonly kind: 'assert'; readonly holds: (before: Side, after: Side) => boolean; readonly next: number }
  | { readonly kind: 'match' }

export interface PatternProgram {
  readonly nodes: readonly PatternNode[]
  readonly start: number
}

/** What is wrong with an expression, for whoever typed it. */
export class PatternError extends Error {}

const MAX_LENGTH = 500
/** `(a{50}){50}` is short to type and long to follow. */
const MAX_NODES = 400

type Chars = (code: number) => boolean
type Tree =
  | { readonly kind: 'chars'; readonly has: Chars }
  | { readonly kind: 'all'; readonly parts: readonly Tree[] }
  | { readonly kind: 'any'; readonly parts: readonly Tree[] }
  | { readonly kind: 'repeat'; readonly part: Tree; readonly min: number; readonly max: number }
  | { readonly kind: 'assert'; readonly holds: (before: Side, after: Side) => boolean }

export interface PatternFlags {
  readonly ignoresCase: boolean
  /** `.` is a line's end too. */
  readonly dotIsAll: boolean
}

/** The automaton. Throws a PatternError. */
export function compilePattern(source: string, flags: PatternFlags): PatternProgram {
  if (source.length > MAX_LENGTH) throw new PatternError(`At most ${MAX_LENGTH} characters, please`)
  const tree = new Reader(source, flags).read()
  const nodes: PatternNode[] = [{ kind: 'match' }]
  return { nodes, start: addTree(nodes, tree, 0) }
}

function addNode(nodes: PatternNode[], node: PatternNode): number {
  if (nodes.length >= MAX_NODES) throw new PatternError('The expression is too large: repeat less')
  return nodes.push(node) - 1
}

/** Adds what leads through the tree to `next`, and returns where it begins. */
function addTree(nodes: PatternNode[], tree: Tree, next: number): number {
  switch (tree.kind) {
    case 'chars':
      return addNode(nodes, { kind: 'char', has: tree.has, next })
    case 'assert':
      return addNode(nodes, { kind: 'assert', holds: tree.holds, next })
    case 'all':
      return tree.parts.reduceRight((after, part) => addTree(nodes, part, after), next)
    case 'any':
      return tree.parts
        .map((part) => addTree(nodes, part, next))
        .reduceRight((other, start) => addNode(nodes, { kind: 'split', next: start, other }))
    case 'repeat':
      return addRepeat(nodes, tree.part, tree.min, tree.max, next)
  }
}

function addRepeat(nodes: PatternNode[], part: Tree, min: number, max: number, next: number): number {
  let start = next
  if (max === Infinity) {
    const loop = { kind: 'split' as const, next: 0, other: next }
    start = addNode(nodes, loop)
    loop.next = addTree(nodes, part, start)
  } else {
    for (let times = min; times < max; times++) {
      start = addNode(nodes, { kind: 'split', next: addTree(nodes, part, start), other: next })
    }
  }
  for (let times = 0; times < min; times++) start = addTree(nodes, part, start)
  return start
}

const isDigit: Chars = (code) => code >= 48 && code <= 57
export const isWord: Chars = (code) =>
  isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95
const isSpace: Chars = (code) => /\s/.test(String.fromCharCode(code))
const isLineEnd: Chars = (code) => code === 10 || code === 13 || code === 0x2028 || code === 0x2029
const not =
  (has: Chars): Chars =>
  (code) =>
    !has(code)

const CLASSES: Readonly<Record<string, Chars>> = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
}
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, '0': 0 }

class Reader {
  readonly #source: string
  readonly #flags: PatternFlags
  #at = 0

  constructor(source: string, flags: PatternFlags) {
    this.#source = source
    this.#flags = flags
  }

  read(): Tree {
    const tree = this.#any()
    if (this.#at < this.#source.length) throw new PatternError('A ")" has no "(" before it')
    return tree
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  #match(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#at
    const found = expression.exec(this.#source) ?? undefined
    if (found) this.#at += found[0].length
    return found
  }

  #any(): Tree {
    const parts = [this.#all()]
    while (this.#take('|')) parts.push(this.#all())
    return parts.length === 1 ? parts[0]! : { kind: 'any', parts }
  }

  #all(): Tree {
    const parts: Tree[] = []
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at]!)) parts.push(this.#repeated())
    return { kind: 'all', parts }
  }

  #repeated(): Tree {
    const part = this.#atom()
    const found = this.#match(/[*+?]|\{(\d+)(,(\d*))?\}/y)
    if (!found) return part
    // How much it takes makes no difference to whether it is found.
    this.#take('?')
    const [sign, from, comma, to] = found
    const min = from === undefined ? (sign === '+' ? 1 : 0) : Number(from)
    const upTo = to ? Number(to) : comma === undefined ? min : Infinity
    const max = from === undefined ? (sign === '?' ? 1 : Infinity) : upTo
    if (min > MAX_NODES || (max > MAX_NODES && max !== Infinity)) {
      throw new PatternError(`At most ${MAX_NODES} times, please`)
    }
    if (max < min) throw new PatternError(`"${sign}" has its numbers the wrong way round`)
    if (this.#match(/[*+?]/y)) throw new PatternError('Nothing to repeat: two signs such as * and + follow each other')
    return { kind: 'repeat', part, min, max }
  }

  #atom(): Tree {
    const sign = this.#source[this.#at++]!
    if (sign === '(') return this.#group()
    if (sign === '[') return this.#class()
    if (sign === '.') return chars(this.#flags.dotIsAll ? () => true : not(isLineEnd))
    if (sign === '^') return { kind: 'assert', holds: (before) => before === Side.line }
    if (sign === '$') return { kind: 'assert', holds: (_before, after) => after === Side.line }
    if (/[*+?]/.test(sign)) throw new PatternError(`Nothing to repeat before "${sign}"`)
    if (sign !== '\\') return this.#one(sign.charCodeAt(0))
    if (this.#take('b')) return { kind: 'assert', holds: isEdge }
    if (this.#take('B')) return { kind: 'assert', holds: (before, after) => !isEdge(before, after) }
    const escaped = this.#escape()
    return typeof escaped === 'number' ? this.#one(escaped) : chars(escaped)
  }

  #group(): Tree {
    if (this.#match(/\?<?[=!]/y)) throw new PatternError('(?=, (?!, (?<= and (?<! cannot be used here')
    if (!this.#match(/\?:|\?<[A-Za-z_$][\w$]*>/y) && this.#take('?')) throw new PatternError('"(?" is not understood')
    const tree = this.#any()
    if (!this.#take(')')) throw new PatternError('A "(" is not closed')
    return tree
  }

  #class(): Tree {
    const isNot = this.#take('^')
    const sets: Chars[] = []
    while (!this.#take(']')) {
      const from = this.#member()
      const isRange = /^-[^\]]/.test(this.#source.slice(this.#at, this.#at + 2))
      if (!isRange || typeof from !== 'number') {
        sets.push(typeof from === 'number' ? this.#range(from, from) : from)
        continue
      }
      this.#at++
      const to = this.#member()
      if (typeof to !== 'number') sets.push(this.#range(from, from), this.#range(45, 45), to)
      else if (to < from) throw new PatternError('A range in [ ] has its ends the wrong way round')
      else sets.push(this.#range(from, to))
    }
    const has: Chars = (code) => sets.some((set) => set(code))
    return chars(isNot ? not(has) : has)
  }

  #member(): number | Chars {
    if (this.#at >= this.#source.length) throw new PatternError('A "[" is not closed')
    if (!this.#take('\\')) return this.#source.charCodeAt(this.#at++)
    return this.#take('b') ? 8 : this.#escape()
  }

  /** What follows a backslash: a character, or a class of them. */
  #escape(): number | Chars {
    if (this.#at >= this.#source.length) throw new PatternError('It ends with a backslash')
    const code = this.#match(/x([0-9a-f]{2})|u([0-9a-f]{4})|u\{0*([0-9a-f]{1,4})\}/iy)
    if (code) return parseInt(code[1] ?? code[2] ?? code[3]!, 16)
    const letter = this.#source[this.#at++]!
    if (/[1-9k]/.test(letter)) throw new PatternError(`"\\${letter}" cannot be used here: it refers back`)
    const known = CLASSES[letter] ?? CONTROLS[letter]
    if (known !== undefined) return known
    if (/[A-Za-z]/.test(letter)) throw new PatternError(`"\\${letter}" is not understood`)
    return letter.charCodeAt(0)
  }

  #one(code: number): Tree {
    return chars(this.#range(code, code))
  }

  #range(from: number, to: number): Chars {
    const has: Chars = (code) => code >= from && code <= to
    return this.#flags.ignoresCase ? (code) => has(code) || has(swapCase(code)) : has
  }
}

function chars(has: Chars): Tree {
  return { kind: 'chars', has }
}

function isEdge(before: Side, after: Side): boolean {
  return (before === Side.word) !== (after === Side.word)
}

/** The same letter in the other case; itself where there is none. */
function swapCase(code: number): number {
  const letter = String.fromCharCode(code)
  const lower = letter.toLowerCase()
  const other = lower === letter ? letter.toUpperCase() : lower
  // ß becomes two letters in capitals.
  return other.length === 1 ? other.charCodeAt(0) : code
}
