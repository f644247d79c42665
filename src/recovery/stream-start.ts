/** Where in a stream somebody begins to read who asks, and how many messages follow: found by one bounded look back from its end. */
import { isWholeBehind, NO_ENTRY, type StreamEntry, type StreamSource } from '../history/stream.ts'
import { compareOffsets } from '../position.ts'
import type { Ask } from './ask.ts'

export interface StreamStart {
  /** Id of the newest entry that there ever was. */
  readonly newest: string
  /** Everything behind this id is to be read. */
  readonly cursor: string
  /** Id of the first entry that is; undefined if there is none yet. */
  readonly first: string | undefined
  /** Where whoever asks stands, if it remembers that and comes back with it. */
  readonly from: string
  /** Messages up to the newest entry. */
  readonly count: number
  readonly recovered: boolean | undefined
  /** The messages themselves, the oldest first, if one page had them all. */
  readonly entries: readonly StreamEntry[] | undefined
}

export interface StreamQuestion {
  readonly stream: string
  /** Undefined for all that is held. */
  readonly ask: Ask | undefined
  readonly maxScan: number
  /** Is it a message for the destination? */
  readonly matches: (entry: StreamEntry) => boolean
}

/** The highest number that an id can have. */
const MAX_NUMBER = '18446744073709551615'

/** Rejects as {@link StreamSource.info}. */
export async function findStart(source: StreamSource, question: StreamQuestion): Promise<StreamStart> {
  const { stream, ask, maxScan, matches } = question
  const info = await source.info(stream)
  const { newest } = info
  const asked = askedId(ask, stream, newest)
  let isWhole = asked !== undefined && (compareOffsets(asked, newest) >= 0 || isWholeBehind(asked, info))
  const lower = asked ?? NO_ENTRY
  const wanted = ask?.kind === 'last' ? ask.count : Infinity

  const size = new PageSize()
  let count = 0
  let scanned = 0
  let first: string | undefined
  let pages = 0
  let found: StreamEntry[] = []
  let isCut = false
  /** Is something held that is not behind what is asked for? Then nothing behind it was trimmed. */
  let hasPassed = false
  let to: string | undefined = compareOffsets(lower, newest) < 0 && wanted > 0 ? newest : undefined
  while (to !== undefined) {
    const most = Math.min(size.count, maxScan - scanned + 1)
    const entries: StreamEntry[] = await source.backward(stream, to, scanned > 0, most)
    size.note(entries)
    if (++pages > 1) found = []
    to = entries.length < most ? undefined : entries.at(-1)!.id
    for (const entry of entries) {
      hasPassed = compareOffsets(entry.id, lower) <= 0
      isCut = !hasPassed && count < wanted && scanned === maxScan
      if (hasPassed || isCut || count === wanted) {
        to = undefined
        break
      }
      scanned++
      if (!matches(entry)) continue
      count++
      first = entry.id
      if (pages === 1) found.push(entry)
    }
    if (count === wanted) to = undefined
  }

  // It may have been trimmed while it was looked through.
  if (isWhole && compareOffsets(lower, newest) < 0 && !hasPassed)
    isWhole = isWholeBehind(lower, await source.info(stream))
  const cursor = first === undefined ? newest : idBefore(first)
  const isAnswered = ask?.kind === 'since' || ask?.kind === 'time'
  const recovered = isAnswered ? isWhole && !isCut : isCut && ask ? false : undefined
  return {
    newest,
    cursor,
    first,
    from: recovered === true ? lower : cursor,
    count,
    recovered,
    entries: pages > 1 ? undefined : found.reverse(),
  }
}

/** Returns the id behind which everything is asked for; undefined if it is of another story, or nothing says where. */
function askedId(ask: Ask | undefined, stream: string, newest: string): string | undefined {
  switch (ask?.kind) {
    case 'since': {
      const { offset, epoch } = ask.position
      return epoch === stream && compareOffsets(offset, newest) <= 0 ? idOf(offset) : undefined
    }
    case 'time':
      return `${ask.ms}-${MAX_NUMBER}`
    default:
      return undefined
  }
}

/** As Redis takes it: clients may ask with numbers that it does not know. */
function idOf(offset: string): string {
  const [time = '0', number = '0'] = offset.split('-')
  return `${BigInt(time)}-${BigInt(number)}`
}

/** Returns the highest id below this one. */
function idBefore(id: string): string {
  const [time = '0', number = '0'] = id.split('-')
  if (BigInt(number) > 0n) return `${time}-${BigInt(number) - 1n}`
  return time === '0' ? NO_ENTRY : `${BigInt(time) - 1n}-${MAX_NUMBER}`
}

/** How many entries to read at once, so that a page takes no more memory than it should. */
export class PageSize {
  count = 32

  note(entries: readonly StreamEntry[]): void {
    if (entries.length === 0) return
    let bytes = 0
    for (const { fields } of entries) for (const value of fields.values()) bytes += value.length
    const fitting = Math.floor((entries.length * PAGE_BYTES) / (bytes + entries.length * ENTRY_BYTES))
    this.count = Math.min(Math.max(fitting, 1), this.count * 4, MAX_PAGE)
  }
}

/** Of a page, about; what an entry takes beside its values; and the most entries of one. */
const PAGE_BYTES = 256 * 1024
const ENTRY_BYTES = 200
const MAX_PAGE = 1000
