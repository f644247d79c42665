/** What a subscriber may ask of the history of its destination, and what is answered. */
import { numberOf, timeOf, type LogPage, type ReadFrom } from '../history/log.ts'
import { compareOffsets, isOffset, type Position } from '../position.ts'

export type Ask =
  | { readonly kind: 'since'; readonly position: Position }
  /** What is strictly later than this, in milliseconds since 1970. */
  | { readonly kind: 'time'; readonly ms: number }
  /** `withRetained`: and what is retained, as who does not ask gets it. */
  | { readonly kind: 'last'; readonly count: number; readonly withRetained?: true }

/** Where a subscription begins to read. */
export interface Start {
  /** The one before the first that follows. */
  readonly offset: string
  readonly recovered: boolean | undefined
  readonly missed: number | undefined
}

/** Which entries answer an ask. `size`: more are not given. */
export function readFor(ask: Ask, size: number): ReadFrom {
  switch (ask.kind) {
    case 'since':
      return { kind: 'after', offset: ask.position.offset }
    case 'time':
      return { kind: 'later', thanMs: ask.ms }
    case 'last':
      return { kind: 'newest', count: Math.min(ask.count, size) }
  }
}

/**
 * Returns where to begin, of a page that was read for the ask; undefined if what is asked for is of another story than the
 * log, and all that is held has to be read.
 */
export function startOf(ask: Ask, page: LogPage): Start | undefined {
  const [first] = page.entries
  if (ask.kind === 'last') return { offset: first?.previous ?? page.newest, recovered: undefined, missed: undefined }
  if (ask.kind === 'time') {
    const offset = first?.previous ?? page.newest
    // Is the one before the first that is later still held, or else known to be no later?
    const isHeld = first !== undefined && first.previous !== page.before
    return { offset, recovered: isHeld || timeOf(offset) <= ask.ms, missed: undefined }
  }
  const { offset, epoch } = ask.position
  const number = numberIn(offset)
  const newest = numberOf(page.newest)
  if (epoch !== page.epoch || isBeyond(offset, page.newest)) return undefined
  if (number === 0 && newest === 0) return { offset: page.newest, recovered: true, missed: undefined }
  if (number === newest) return offset === page.newest ? { offset, recovered: true, missed: undefined } : undefined
  if (!first) return { offset: page.newest, recovered: false, missed: newest - number }
  const isNext = first.previous === offset || (number === 0 && numberOf(first.previous) === 0)
  if (isNext) return { offset: first.previous, recovered: true, missed: undefined }
  const missed = numberOf(first.previous) - number
  return missed > 0 ? { offset: first.previous, recovered: false, missed } : undefined
}

/** Returns where all that is held begins. */
export function startOfAll({ before, newest }: Pick<LogPage, 'before' | 'newest'>): Start {
  return { offset: before ?? newest, recovered: false, missed: undefined }
}

/** Is this (maybe invented) offset behind the newest of a log? */
export function isBeyond(offset: string, newest: string): boolean {
  return numberIn(offset) > numberOf(newest) || compareOffsets(offset, newest) > 0
}

/** Clients may ask for any offset: those without a number are before all that have one. */
export function numberIn(offset: string): number {
  return offset.includes('-') ? numberOf(offset) : 0
}

/** Names by which a subscriber asks: of headers, or of parameters in a query. */
export const ASK_NAMES = ['since', 'epoch', 'since-time', 'last'] as const

/** The most messages that can be asked for; there are never more than the history holds. */
const MAX_LAST = 1_000_000
/** Longest epoch, in characters. */
const MAX_EPOCH_LENGTH = 128

/** Returns what is asked for, why it cannot be (as a sentence), or undefined if nothing is. */
export function parseAsk(valueOf: (name: (typeof ASK_NAMES)[number]) => string | undefined): Ask | string | undefined {
  const since = valueOf('since')
  const epoch = valueOf('epoch')
  const time = valueOf('since-time')
  const last = valueOf('last')
  // Nearly every SUBSCRIBE.
  if ((since ?? epoch ?? time ?? last) === undefined) return undefined
  if (epoch !== undefined && since === undefined && (time ?? last) !== undefined) return '"epoch" goes with "since"'
  const asks = [since, time, last].filter((value) => value !== undefined)
  if (asks.length > 1) return 'Ask in one way: "since", "since-time" or "last"'
  if (since !== undefined || epoch !== undefined) {
    if (since === undefined || epoch === undefined) return '"since" and "epoch" go together'
    if (!isOffset(since)) return '"since" must be an offset, such as 1700000000000-5'
    if (epoch === '' || epoch.length > MAX_EPOCH_LENGTH) return '"epoch" must be that of a message or marker'
    return { kind: 'since', position: { offset: since, epoch } }
  }
  if (time !== undefined) {
    if (!/^\d{1,15}$/.test(time)) return '"since-time" must be milliseconds since 1970'
    return { kind: 'time', ms: Number(time) }
  }
  if (last === undefined) return undefined
  if (!/^\d{1,7}$/.test(last) || Number(last) > MAX_LAST) return `"last" must be a number from 0 to ${MAX_LAST}`
  return { kind: 'last', count: Number(last) }
}
