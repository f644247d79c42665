/**
 * Streams of backends, as a node reads them: what is added comes to who follows, in order, and what was before can be read.
 * Beside the bus, like the log. Knows ids and fields; what they mean is the matter of routes.
 */
import { compareOffsets } from '../position.ts'

export interface StreamEntry {
  /** `<milliseconds since 1970>-<number>`. */
  readonly id: string
  /** Of a name that comes twice the last value counts. */
  readonly fields: ReadonlyMap<string, Uint8Array>
}

/** What a stream says of itself. */
export interface StreamInfo {
  /** Id of the newest entry that there ever was; {@link NO_ENTRY} if there was none. */
  readonly newest: string
  /** Id of the oldest entry that is held; undefined if none is. */
  readonly oldest: string | undefined
  readonly length: number
  /** Entries that there ever were; undefined where that is not known (before Redis 7). */
  readonly added: number | undefined
  /** The highest id that was deleted by itself; undefined where that is not known. */
  readonly deleted: string | undefined
}

/** Who gets what is added to a stream. Calls are synchronous and must not throw. */
export interface StreamFollower {
  /** Where it stands: what is added behind this id comes. Called again when the ids have gone back. */
  stands(id: string): void
  entry(entry: StreamEntry): void
  /**
   * What comes next does not follow what has come: something was trimmed, or the ids began anew, and with them another story. It
   * goes on behind this id.
   */
  lost(id: string, isAnew: boolean): void
  /** Redis does not let it be read, for this reason; undefined when it does again. */
  refused(reason: string | undefined): void
}

export interface StreamSource {
  /** Before the start. Names are as the routes have them. */
  follow(stream: string, follower: StreamFollower): void
  start(): void
  /** Rejects as `Bus.publish`, and with {@link StreamRefusedError}. */
  info(stream: string): Promise<StreamInfo>
  /** Entries from this id on, the oldest first. Rejects as `info`. */
  forward(stream: string, from: string, count: number): Promise<StreamEntry[]>
  /** Entries up to this id, the newest first; `isBefore`: without the one that has it. Rejects as `info`. */
  backward(stream: string, to: string, isBefore: boolean, count: number): Promise<StreamEntry[]>
  close(): void
}

/** Redis will not let this stream be read, whenever it is asked: it is none, or its access rules forbid it. */
export class StreamRefusedError extends Error {
  override name = 'StreamRefusedError'
}

/** Before every entry. */
export const NO_ENTRY = '0-0'

/** Is nothing missing behind this id? What cannot be known counts as missing. */
export function isWholeBehind(id: string, { newest, oldest, length, added, deleted }: StreamInfo): boolean {
  const toNewest = compareOffsets(id, newest)
  if (toNewest >= 0) return toNewest === 0
  if (oldest !== undefined && compareOffsets(id, oldest) >= 0) {
    return deleted === undefined || compareOffsets(deleted, id) <= 0
  }
  return added === length
}
