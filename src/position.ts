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
  const [aFirst = '', aSecond = '0'] = a.split('-')
  const [bFirst = '', bSecond = '0'] = b.split('-')
  return compareNumbers(aFirst, bFirst) || compareNumbers(aSecond, bSecond)
}

/** Texts of digits: they may be larger than a number can be. */
function compareNumbers(a: string, b: string): number {
  const [x, y] = [withoutZeros(a), withoutZeros(b)]
  if (x.length !== y.length) return x.length - y.length
  return x < y ? -1 : x > y ? 1 : 0
}

function withoutZeros(digits: string): string {
  return digits.replace(/^0+(?=\d)/, '')
}
