/**
 * One segment of an Ant pattern as a set of texts: does it take a text, does it hold all of another set, do two sets have
 * something in common? Here `*` takes no empty segment. Cost is bounded by the product of the lengths.
 */
import { segmentMatches } from '../destinations.ts'

export type Segment =
  | { readonly kind: 'text'; readonly text: string }
  /** `*`: any text but none. */
  | { readonly kind: 'any' }
  /** Text with `*` and `?`. Of wildcards side by side `?` comes first, and `*` at most once. */
  | { readonly kind: 'glob'; readonly text: string }
  /** `**`: any number of segments, also empty ones. */
  | { readonly kind: 'deep' }

const ANY: Segment = { kind: 'any' }
const DEEP: Segment = { kind: 'deep' }

/** Work that is done to judge one pattern of a client's, counted so that it can be ended. */
export interface Effort {
  steps: number
}

export function parseSegment(text: string): Segment {
  if (text === '**') return DEEP
  if (!/[*?]/.test(text)) return { kind: 'text', text }
  const glob = text.replace(/[*?]+/g, (run) => run.replaceAll('*', '') + (run.includes('*') ? '*' : ''))
  return glob === '*' || glob === '?*' ? ANY : { kind: 'glob', text: glob }
}

/** Not for `**`, which is no single segment. */
export function takesText(segment: Segment, text: string): boolean {
  if (segment.kind === 'text') return segment.text === text
  return text !== '' && (segment.kind === 'any' || (segment.kind === 'glob' && segmentMatches(segment.text, text)))
}

/** Is every text of `narrow` one of `wide`? May err on the side of no. Not for `**`. */
export function segmentCovers(wide: Segment, narrow: Segment, effort: Effort): boolean {
  effort.steps++
  if (narrow.kind === 'text') return countedTakes(wide, narrow.text, effort)
  if (wide.kind === 'any') return true
  return wide.kind === 'glob' && globCovers(wide.text, globOf(narrow), effort)
}

/** Is there a text that both take? Not for `**`. */
export function segmentsMeet(a: Segment, b: Segment, effort: Effort): boolean {
  effort.steps++
  if (a.kind === 'text') return countedTakes(b, a.text, effort)
  if (b.kind === 'text') return countedTakes(a, b.text, effort)
  return a.kind === 'any' || b.kind === 'any' || globsMeet(globOf(a), globOf(b), effort)
}

function countedTakes(segment: Segment, text: string, effort: Effort): boolean {
  if (segment.kind === 'glob') effort.steps += segment.text.length * text.length
  return takesText(segment, text)
}

function globOf(segment: Segment): string {
  return segment.kind === 'glob' ? segment.text : '?*'
}

/**
 * `wide` is matched against the text of `narrow`, whose wildcards are characters that only a wildcard takes: from the
 * end, `row[j]` says that the rest of `wide` takes all that `narrow` gives from `j` on.
 */
function globCovers(wide: string, narrow: string, effort: Effort): boolean {
  effort.steps += wide.length * narrow.length
  const end = narrow.length
  let row = Array.from({ length: end + 1 }, (_each, j) => j === end)
  // `??*` takes what is longer, too: so it takes a `*` and whatever of it has to be there after it
  let isOpen = false
  for (let i = wide.length - 1; i >= 0; i--) {
    const char = wide[i]!
    isOpen = char === '*' || (char === '?' && isOpen)
    const current = new Array<boolean>(end + 1).fill(false)
    for (let j = end; j >= 0; j--) {
      const rest = j < end
      if (char === '*') current[j] = row[j]! || (rest && current[j + 1]!)
      else if (char === '?') current[j] = rest && (narrow[j] === '*' ? isOpen && current[j + 1]! : row[j + 1]!)
      else current[j] = rest && narrow[j] === char && row[j + 1]!
    }
    row = current
  }
  return row[0]!
}

/** Two globs that both have a `*` meet if their ends fit: each takes the middle of the other there. */
function globsMeet(a: string, b: string, effort: Effort): boolean {
  effort.steps += a.length * b.length
  const [loose, fixed] = a.includes('*') ? [a, b] : [b, a]
  const pieces = loose.split('*')
  if (pieces.length === 1) return a.length === b.length && fit(a, b, 0)
  const [first, last] = [pieces[0]!, pieces.at(-1)!]
  if (fixed.includes('*')) {
    const end = fixed.slice(fixed.lastIndexOf('*') + 1)
    const common = Math.min(last.length, end.length)
    return fitCommon(first, fixed.slice(0, fixed.indexOf('*'))) && fitCommon(tail(last, common), tail(end, common))
  }
  const end = fixed.length - last.length
  let from = first.length
  if (from > end || !fit(first, fixed, 0) || !fit(last, fixed, end)) return false
  for (const piece of pieces.slice(1, -1)) {
    while (from + piece.length <= end && !fit(piece, fixed, from)) from++
    from += piece.length
    if (from > end) return false
  }
  return true
}

function tail(text: string, length: number): string {
  return text.slice(text.length - length)
}

/** Do two beginnings agree as far as both go? */
function fitCommon(a: string, b: string): boolean {
  return a.length <= b.length ? fit(a, b, 0) : fit(b, a, 0)
}

/** `?` on either side stands for any character. */
function fit(piece: string, text: string, at: number): boolean {
  for (let i = 0; i < piece.length; i++) {
    const [a, b] = [piece[i], text[at + i]]
    if (a !== b && a !== '?' && b !== '?') return false
  }
  return true
}
