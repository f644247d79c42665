/**
 * Where a message stands in the history of its destination. An offset is digits, or digits, `-` and digits: it is compared
 * numerically, part by part. Within one epoch offsets rise; another epoch means that they began anew, or that something
 * was lost in between.
 */

export interface Position {
  /** Digits, maybe with `-` and more digits. */
  readonly offset: string
  /** Another one when offsets begin anew. */
  readonly epoch: string
}

const OFFSET = /^\d{1,20}(-\d{1,20})?$/

export function isOffset(text: string): boolean {
  return OFFSET.test(text)
}

/** Returns a negative number if `a` comes before `b`, 0 if they are the same, else a positive one. */
export function compareOffsets(a: string, b: string): number {
  if (a === b) return 0
  const aEnd = endOfFirst(a)
  const bEnd = endOfFirst(b)
  return compareNumbers(a, 0, aEnd, b, 0, bEnd) || compareNumbers(a, aEnd + 1, a.length, b, bEnd + 1, b.length)
}

function endOfFirst(offset: string): number {
  const dash = offset.indexOf('-')
  return dash < 0 ? offset.length : dash
}

const ZERO = 48

/** Digits [from, end) of two texts, in place: they may be larger than a number can be. None at all are 0. */
function compareNumbers(a: string, aFrom: number, aEnd: number, b: string, bFrom: number, bEnd: number): number {
  while (aFrom < aEnd && a.charCodeAt(aFrom) === ZERO) aFrom++
  while (bFrom < bEnd && b.charCodeAt(bFrom) === ZERO) bFrom++
  const length = Math.max(0, aEnd - aFrom)
  const longer = length - Math.max(0, bEnd - bFrom)
  if (longer !== 0) return longer
  for (let i = 0; i < length; i++) {
    const more = a.charCodeAt(aFrom + i) - b.charCodeAt(bFrom + i)
    if (more !== 0) return more
  }
  return 0
}
