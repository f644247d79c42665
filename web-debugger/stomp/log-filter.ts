/** Which records of a log somebody wants to see. */
import { RecordKind, type FrameRecord } from './frame-record.ts'
import { parseQuery, type LogQuery } from './log-query.ts'

export interface LogFilter {
  /** What is typed: text and more, as `parseQuery` reads it. */
  readonly text: string
  /** In the destination, in any case. */
  readonly destination: string
  /** Empty is every one. */
  readonly command: string
  readonly direction: 'all' | 'in' | 'out'
  readonly hasHeartBeats: boolean
  /** Ids of subscriptions whose messages are left out. */
  readonly muted: ReadonlySet<string>
}

export const SHOW_ALL: LogFilter = {
  text: '',
  destination: '',
  command: '',
  direction: 'all',
  hasHeartBeats: true,
  muted: new Set(),
}

/** Does it leave anything out? */
export function isFiltering(filter: LogFilter): boolean {
  const { text, destination, command, direction, hasHeartBeats, muted } = filter
  return `${text}${destination}${command}` !== '' || direction !== 'all' || !hasHeartBeats || muted.size > 0
}

/** The filter as a function, made once for many records. `query` is its text, read. */
export function compileFilter(
  filter: LogFilter,
  query: LogQuery = parseQuery(filter.text),
): (record: FrameRecord) => boolean {
  if (!isFiltering(filter)) return () => true
  const { command, direction, hasHeartBeats, muted } = filter
  const destination = searcher(filter.destination)
  return (record) => {
    if (direction !== 'all' && record.direction !== direction) return false
    if (command !== '' && record.command !== command) return false
    if (!hasHeartBeats && record.kind === RecordKind.heartBeat) return false
    if (record.subscription !== undefined && muted.has(record.subscription)) return false
    if (destination && !destination.test(record.destination ?? '')) return false
    return query.matches(record)
  }
}

/** An expression ignores case without making a copy of every text. */
function searcher(text: string): RegExp | undefined {
  return text === '' ? undefined : new RegExp(text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), 'i')
}
