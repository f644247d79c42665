/**
 * Where a reader of events stands, in one text: the id of an event, which browsers send when they come back. It has the
 * position at each destination of the stream, in order; `-` where there is no history.
 */
import type { Ask } from './ask.ts'
import { isOffset, type Position } from '../position.ts'

/** Before the epoch; no offset and no epoch has it. */
const SEPARATOR = '@'

export function positionsText(positions: readonly (Position | undefined)[]): string {
  return positions.map((each) => (each ? `${each.offset}${SEPARATOR}${each.epoch}` : '-')).join(',')
}

/** What is asked for where a text says nothing: everything that is held, as something that is not known to be whole. */
const UNKNOWN: Ask = { kind: 'since', position: { offset: '0', epoch: SEPARATOR } }

/** Returns from where to go on at each of so many destinations. */
export function asksOf(text: string, destinations: number): Ask[] {
  const parts = text.split(',')
  if (parts.length !== destinations) return Array.from({ length: destinations }, () => UNKNOWN)
  return parts.map((part) => {
    const at = part.indexOf(SEPARATOR)
    const offset = part.slice(0, at)
    const epoch = part.slice(at + 1)
    return at > 0 && epoch !== '' && isOffset(offset) ? { kind: 'since', position: { offset, epoch } } : UNKNOWN
  })
}
