/**
 * The log carries history: what was sent to a destination, in order, each entry with its offset. Beside the bus, and like
 * it in two implementations that keep one contract (one suite runs on both): Redis, and an embedded one for a single
 * process. Knows destinations and payloads; what is in a payload is the matter of whoever writes and reads it.
 */
import type { BusMessage } from '../bus/bus.ts'
import type { SettledEntries } from '../bus/queue-adder.ts'
import type { Position } from '../position.ts'

/** Where a message is kept, and for how long. */
export interface LogTarget {
  readonly destination: string
  /** Entries that are held at least; a few more may be. */
  readonly size: number
  /** Counts from the last message. */
  readonly ttlSeconds: number
}

/** How a message becomes an entry of a stream. */
export interface StreamEntry {
  /** Entries that the stream holds at least; a few more may be. */
  readonly maxLength: number
  /** Is the stream a work queue? Then it holds no more than that, and nothing goes to make room. */
  readonly isQueue?: boolean
  /** Consumer groups that are created, from its beginning on, if there is no such stream. */
  readonly groups: readonly string[]
  /** Without a value: the payload. */
  readonly fields: readonly (readonly [name: string, value: string | undefined])[]
}

/** A payload for the bus, which is also kept if it says where. What is kept must be the text of a JSON object. */
export interface LoggedMessage extends BusMessage {
  readonly target?: LogTarget | undefined
  /** The payload also becomes the value of the key that is named as the channel, for so many seconds. */
  readonly valueTtlSeconds?: number | undefined
  /** Not published, but added to the stream that `channel` names. Only in Redis, but for work queues. */
  readonly entry?: StreamEntry | undefined
  /** What was published under this name within the last five minutes is not published again. */
  readonly once?: string | undefined
}

/** Returns how much a message holds in memory, in bytes and characters. */
export function lengthOf({ payload, entry }: LoggedMessage): number {
  return entry ? entry.fields.reduce((sum, [, value]) => sum + (value?.length ?? 0), payload.length) : payload.length
}

/** One message of a log. */
export interface LogEntry {
  /** `<milliseconds since 1970>-<number>`; the numbers of a destination are without a gap. */
  readonly offset: string
  /** Offset of the one before, also if that is no longer held. */
  readonly previous: string
  readonly payload: string
}

/** What a log says of itself, with some of its entries. */
export interface LogPage {
  readonly epoch: string
  /** Offset of the newest message that there ever was; its number is 0 if there was none. */
  readonly newest: string
  /** Offset of the one before the oldest that is held; undefined if none is. */
  readonly before: string | undefined
  /** How long what is held stays without another message, in milliseconds. */
  readonly expiresInMs: number
  /** Oldest first. */
  readonly entries: readonly LogEntry[]
}

/** Which entries to read. */
export type ReadFrom =
  | { readonly kind: 'none' }
  /** What is held. */
  | { readonly kind: 'oldest' }
  /** The oldest entry that is held, without its payload. */
  | { readonly kind: 'first' }
  | { readonly kind: 'after'; readonly offset: string }
  /** Milliseconds since 1970, by the clock of the log: what is strictly later. */
  | { readonly kind: 'later'; readonly thanMs: number }
  | { readonly kind: 'newest'; readonly count: number }
  /** The page that ends just before this one. */
  | { readonly kind: 'before'; readonly offset: string }

export interface ReadOptions {
  readonly from: ReadFrom
  /** Entries and characters of one page, about; the first entry comes in any case. */
  readonly maxEntries: number
  readonly maxLength: number
  /** Begin the log if there is none, so that its epoch can be told; it is forgotten again after so many seconds without a message. */
  readonly beginForSeconds?: number
  /** What was heard of it: if the log has gone back behind that, its epoch changes. */
  readonly heard?: Position | undefined
}

/** A payload that came over the bus without a log, to be kept by one node. */
export interface Unrecorded {
  /** JSON object, as it goes over the bus. */
  readonly payload: string
  /** Says which payload it was: the same on every node. */
  readonly source: string
}

export type RecordOutcome =
  /** All of them; so many have been by now. */
  | { readonly kind: 'recorded'; readonly recorded: number }
  /** Another node does it, for so many milliseconds more at least. */
  | { readonly kind: 'held'; readonly forMs: number }
  /**
   * It is another number than was known here: nothing was written. The destination is told on the channel of this node,
   * behind all that was recorded.
   */
  | { readonly kind: 'behind'; readonly recorded: number }

/** Names of what the log puts into a payload that it keeps. */
export const LOG_FIELDS = {
  offset: 'offset',
  epoch: 'epoch',
  previous: 'previous',
  recorded: 'recorded',
  source: 'source',
}

export interface HistoryLog {
  /** Called when it can be reached for the first time: of what was before this no log knows that it was nothing. Rejects as `publish`. */
  begin(): Promise<void>
  /**
   * Keeps, publishes and adds to streams, all or none, in order, in one step: what is kept goes over the bus with its offset, the epoch and
   * the offset of the one before in its payload. With it goes what is settled, which also makes room for what is added. Resolves
   * when that is done. Rejects as `Bus.publish`, and with QueueFullError.
   */
  publish(messages: readonly LoggedMessage[], settled?: readonly SettledEntries[]): Promise<void>
  /**
   * The same for payloads that were on the bus already, if nobody else does it and `recorded` is how many have been recorded so.
   * Rejects as `publish`; then it may have been done.
   */
  record(channel: string, target: LogTarget, payloads: readonly Unrecorded[], recorded: number): Promise<RecordOutcome>
  /** Undefined if there is no log, and none was to be begun. Rejects as `publish`. */
  read(destination: string, options: ReadOptions): Promise<LogPage | undefined>
  /** The value of the key that is named as this channel; undefined if there is none. Rejects as `publish`. */
  value(channel: string): Promise<Uint8Array | undefined>
  /** Forgets all entries, and begins another epoch. Resolves to what is then its position. Rejects as `publish`. */
  clear(destination: string, ttlSeconds: number): Promise<Position>
}

/** Returns the number in an offset of a log. */
export function numberOf(offset: string): number {
  return Number(offset.slice(offset.indexOf('-') + 1))
}

/** Returns the milliseconds since 1970 in an offset of a log. */
export function timeOf(offset: string): number {
  return Number(offset.slice(0, offset.indexOf('-')))
}
