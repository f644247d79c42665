/** Where a subscription is in the history of its destination. */
import type { StompHeaders } from '@stomp/stompjs'

/** May be stored as JSON, and given back. */
export interface Position {
  /** Digits, or digits, a hyphen and digits. */
  readonly offset: string
  /** Offsets of another epoch cannot be compared. */
  readonly epoch: string
}

const MAX_DIGITS = 20
const OFFSET = /^(\d{1,20})(?:-(\d{1,20}))?$/

/** Returns what headers, or a store, say; undefined where it is no position. */
export function readPosition({ offset, epoch }: Partial<Position> | StompHeaders): Position | undefined {
  return typeof offset === 'string' && typeof epoch === 'string' && OFFSET.test(offset) ? { offset, epoch } : undefined
}

/** In the same epoch: is `a` behind `b`? */
export function isLater(a: Position, b: Position): boolean {
  return sortKey(a.offset) > sortKey(b.offset)
}

/** A text that sorts as the offset does. Beyond 2^53 numbers are no longer exact. */
function sortKey(offset: string): string {
  const [, first = '', second = ''] = OFFSET.exec(offset)!
  return first.padStart(MAX_DIGITS, '0') + second.padStart(MAX_DIGITS, '0')
}
