/**
 * What somebody types into the filter of the console, read: `order 7 -apples /id: \d+/ destination:/topic/x size>1k`.
 * Words beside each other are searched as they stand; all parts must fit, those with a minus must not.
 */
import { headOf, RecordKind, toText, type FrameRecord } from './frame-record.ts'
import { Pattern, type Range } from './pattern.ts'
import { PatternError } from './pattern-syntax.ts'

export interface LogQuery {
  readonly matches: (record: FrameRecord) => boolean
  /** What is wrong with a part, which then filters nothing. */
  readonly problem: string | undefined
  /** Where a text has what is searched for, in order and apart from each other. `header`: the text is its value. */
  readonly rangesIn: (text: string, header?: string) => readonly Range[]
  /** Is there anything that `rangesIn` could find? */
  readonly hasRanges: boolean
}

type Find = (text: string) => readonly Range[]

interface Part {
  readonly isNot: boolean
  /** `text` is made once for all parts, and only if one asks. */
  readonly fits: (record: FrameRecord, text: () => string) => boolean
  readonly find?: Find
  /** Found in the value of this header alone. */
  readonly header?: string
}

/** Marked in one text. */
const MAX_RANGES = 1_000

/** Of an expression, up to the slash that ends it. */
const SOURCE = String.raw`(?:[^\\/[]|\\.|\[(?:[^\]\\]|\\.)*\])+`
/** A bracket that is not closed would swallow the slash; read so, the expression says what is wrong with it. */
const OPEN = String.raw`[^\s/[]*\[[^\s\]]*`
const PATTERN = String.raw`\/(${SOURCE}|${OPEN})\/([ims]{0,3})`
/** With other flags it counts as an expression only if it has a sign of one: `/topic/x` is a destination. */
const ODD_PATTERN = String.raw`\/((?=[^/]*[\\()[\]{}*+?^$|])${SOURCE})\/([a-z]+)`
const QUOTED = String.raw`"([^"]*)"`
const SIZE = String.raw`size(>=|<=|>|<|=)(\S*)`
const HEADER = String.raw`([A-Za-z][\w.-]*):(?!\/\/)(?:"([^"]*)"|([^\s"{[]\S*))`
/** One part with the blanks after it; what is none of the first is a word. */
const PART = new RegExp(
  String.raw`(-?)(?:${PATTERN}|${ODD_PATTERN}|${QUOTED}|${SIZE}|${HEADER})(?=\s|$)|(-?)(\S+)`,
  'gi',
)

/** The query of a text; one that is empty fits everything. */
export function parseQuery(text: string): LogQuery {
  const parts: Part[] = []
  let problem: string | undefined
  let phrase: Range | undefined
  const endPhrase = () => {
    if (phrase) parts.push(textPart(text.slice(phrase.from, phrase.to), false))
    phrase = undefined
  }
  for (const match of text.matchAll(PART)) {
    const [minus, word] = match.slice(12)
    if (word !== undefined && minus === '') {
      phrase = { from: phrase?.from ?? match.index, to: match.index + word.length }
      continue
    }
    endPhrase()
    const part = readPart(match)
    if (typeof part === 'string') problem ??= part
    else parts.push(part)
  }
  endPhrase()
  const finds = parts.filter(({ isNot, find }) => !isNot && find)
  return {
    matches: matcherOf(parts),
    problem,
    hasRanges: finds.length > 0,
    rangesIn: (shown, header) =>
      merge(
        finds
          .filter((part) => part.header === undefined || part.header === header?.toLowerCase())
          .flatMap(({ find }) => find!(shown)),
      ),
  }
}

function matcherOf(parts: readonly Part[]): LogQuery['matches'] {
  if (parts.length === 0) return () => true
  return (record) => {
    let text: string | undefined
    const textOnce = () => (text ??= toText(record.raw))
    return parts.every(({ isNot, fits }) => fits(record, textOnce) !== isNot)
  }
}

/** A part, or what is wrong with it. */
function readPart(match: RegExpExecArray): Part | string {
  const [, sign, pattern, flags = '', odd, oddFlags, quoted, operator, size, name, inQuotes, value, minus, word] = match
  const isNot = (sign ?? minus) === '-'
  if (odd !== undefined) return `/${odd}/${oddFlags}: only i, m and s can be behind it`
  if (pattern !== undefined) return patternPart(pattern, flags, isNot)
  if (operator !== undefined) return sizePart(operator, size!, isNot)
  if (name !== undefined) return headerPart(name.toLowerCase(), inQuotes ?? value ?? '', isNot)
  return textPart(quoted ?? word ?? '', isNot)
}

function textPart(text: string, isNot: boolean): Part {
  // An expression ignores case without making a copy of every text.
  const search = new RegExp(escapeText(text), 'gi')
  return {
    isNot,
    fits: (_record, textOf) => {
      search.lastIndex = 0
      return search.test(textOf())
    },
    find: (shown) => (text === '' ? [] : rangesOf(shown, search)),
  }
}

function rangesOf(text: string, search: RegExp): Range[] {
  const found: Range[] = []
  search.lastIndex = 0
  for (const match of text.matchAll(search)) {
    found.push({ from: match.index, to: match.index + match[0].length })
    if (found.length === MAX_RANGES) break
  }
  return found
}

function patternPart(source: string, flags: string, isNot: boolean): Part | string {
  try {
    const pattern = new Pattern(source, { ignoresCase: /i/i.test(flags), dotIsAll: /s/i.test(flags) })
    return {
      isNot,
      fits: (_record, textOf) => pattern.test(textOf()),
      find: (shown) => pattern.ranges(shown, MAX_RANGES),
    }
  } catch (error) {
    if (error instanceof PatternError) return `/${source}/: ${error.message}`
    throw error
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, kb: 1024, kib: 1024, m: 1 << 20, mb: 1 << 20 }

function sizePart(operator: string, typed: string, isNot: boolean): Part | string {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([a-z]*)$/i.exec(typed) ?? []
  const factor = UNITS[unit?.toLowerCase() ?? 'none']
  if (digits === undefined || factor === undefined)
    return 'size wants a number of bytes, such as size>100 or size<=1.5k'
  const bytes = Number(digits) * factor
  const compare: Readonly<Record<string, (size: number) => boolean>> = {
    '>': (size) => size > bytes,
    '<': (size) => size < bytes,
    '>=': (size) => size >= bytes,
    '<=': (size) => size <= bytes,
    '=': (size) => size === bytes,
  }
  const fits = compare[operator]!
  return { isNot, fits: (record) => record.kind !== RecordKind.note && fits(record.bytes) }
}

function headerPart(name: string, value: string, isNot: boolean): Part {
  const line = new RegExp(`^${escapeText(name)}:([^\\r\\n]*)`, 'gim')
  const inValue = new RegExp(escapeText(value), 'gi')
  const isIn = (found: string) => found.search(inValue) >= 0
  return {
    isNot,
    fits: (record, textOf) => {
      if (record.kind !== RecordKind.frame) return false
      const hasEscapes = record.version !== undefined && record.version !== '1.0'
      for (const [, found = ''] of headOf(textOf()).matchAll(line)) {
        if (isIn(hasEscapes ? unescapeValue(found) : found)) return true
      }
      return false
    },
    find: (shown) => rangesOf(shown, inValue),
    header: name,
  }
}

const UNESCAPED: Readonly<Record<string, string>> = { n: '\n', c: ':', r: '\r', '\\': '\\' }

/** STOMP 1.2 "Value Encoding"; what is wrong there stays as it is. */
function unescapeValue(value: string): string {
  return value.includes('\\') ? value.replace(/\\(.)/g, (all, letter: string) => UNESCAPED[letter] ?? all) : value
}

function escapeText(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/** In order; those that touch or lie over each other are one. */
function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = []
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1)
    if (last && range.from <= last.to) merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) }
    else merged.push(range)
  }
  return merged
}
