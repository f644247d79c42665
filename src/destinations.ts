/**
 * Ant-style patterns over destinations, as Spring's simple broker takes them in SUBSCRIBE: `?` one character, `*` any
 * characters of one segment that is not empty, `**` any number of segments. Every match runs in bounded time: patterns come from clients.
 */

/** Longest destination taken, in characters, and its most segments; shorter for a pattern. Finding the subscribers of a
 * message costs the segments of its destination times those of all patterns, whoever sent and subscribed them. */
const MAX_LENGTH = 1_024
const MAX_SEGMENTS = 64
const MAX_PATTERN_LENGTH = 256
const MAX_PATTERN_SEGMENTS = 16

/** What separates, widens or ends something in a destination, a pattern or a channel; and what cannot be seen. */
const SPECIAL = /[%/:*?{}[\]\\\s\p{Cc}]/gu

const PRESENCE = '/presence'

const QUESTION_MARK = 63

/** Is this destination a pattern rather than an exact name? */
export function isPattern(destination: string): boolean {
  return destination.includes('*') || destination.includes('?')
}

/** Why a destination or pattern is not taken, as a phrase; undefined if it is. */
export function destinationProblem(destination: string): string | undefined {
  const [kind, maxLength, maxSegments] = isPattern(destination)
    ? ['a pattern', MAX_PATTERN_LENGTH, MAX_PATTERN_SEGMENTS]
    : ['a destination', MAX_LENGTH, MAX_SEGMENTS]
  if (destination.length > maxLength) return `${kind} may have at most ${maxLength} characters`
  // the first segment is what stands before the leading slash: nothing
  if (destination.split('/', maxSegments + 2).length > maxSegments + 1)
    return `${kind} may have at most ${maxSegments} segments`
  return undefined
}

/** Returns the destination whose attendance is watched below `/presence`; undefined for one that watches nothing. */
export function watchedBy(destination: string): string | undefined {
  return destination.startsWith(`${PRESENCE}/`) ? destination.slice(PRESENCE.length) : undefined
}

/** Returns a name as one segment of a destination: percent-encoded where it could be more than that. */
export function encodeSegment(name: string): string {
  return name.replace(SPECIAL, (char) => encodeURIComponent(char).replace('*', '%2A'))
}

/** The segments of a pattern, repeated `**` folded into one. */
export function patternSegments(pattern: string): string[] {
  const segments = pattern.split('/')
  return segments.filter((segment, i) => segment !== '**' || segments[i - 1] !== '**')
}

/** Does one segment match? What stands between two `*` is looked for from left to right, each piece once. */
export function segmentMatches(pattern: string, text: string): boolean {
  if (text === '') return pattern === ''
  if (pattern === '*') return true
  const [first = '', ...pieces] = pattern.split('*')
  const last = pieces.pop()
  if (last === undefined) return text.length === first.length && fitsAt(first, text, 0)
  const end = text.length - last.length
  let from = first.length
  if (from > end || !fitsAt(first, text, 0) || !fitsAt(last, text, end)) return false
  for (const piece of pieces) {
    const at = indexOfPiece(piece, text, from)
    from = at + piece.length
    if (at < 0 || from > end) return false
  }
  return true
}

/** As `indexOf`, with `?` for any character. */
function indexOfPiece(piece: string, text: string, from: number): number {
  if (!piece.includes('?')) return text.indexOf(piece, from)
  for (let at = from; at <= text.length - piece.length; at++) if (fitsAt(piece, text, at)) return at
  return -1
}

function fitsAt(piece: string, text: string, at: number): boolean {
  for (let i = 0; i < piece.length; i++) {
    const char = piece.charCodeAt(i)
    if (char !== QUESTION_MARK && char !== text.charCodeAt(at + i)) return false
  }
  return true
}

/** Can some destination that the template gives match the pattern? Errs on the side of yes. */
export function patternMeetsTemplate(pattern: string, template: string): boolean {
  return meets(
    pattern,
    template
      .split('/')
      .map((text) => ({ text, holds: text.includes('{*') ? 'rest' : text.includes('{') ? 'one' : 'text' })),
  )
}

/** Does the pattern match this destination, or this other pattern as it is written? */
export function patternMatches(pattern: string, destination: string): boolean {
  return meets(
    pattern,
    destination.split('/').map((text) => ({ text, holds: 'text' })),
  )
}

/** A segment to match: text as it stands, any one segment, or whatever follows. */
interface Segment {
  readonly text: string
  readonly holds: 'text' | 'one' | 'rest'
}

function meets(pattern: string, segments: readonly Segment[]): boolean {
  const patterns = patternSegments(pattern)
  const refuted = new Set<number>()
  const from = (p: number, t: number): boolean => {
    if (p === patterns.length) return t === segments.length
    const key = p * (segments.length + 1) + t
    if (refuted.has(key)) return false
    const found = here(p, t)
    if (!found) refuted.add(key)
    return found
  }
  const here = (p: number, t: number): boolean => {
    if (patterns[p] === '**') return from(p + 1, t) || (t < segments.length && from(p, t + 1))
    const segment = segments[t]
    if (segment === undefined) return false
    if (segment.holds === 'rest') return true
    return (segment.holds === 'one' || segmentMatches(patterns[p]!, segment.text)) && from(p + 1, t + 1)
  }
  return from(0, 0)
}
