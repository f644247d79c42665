/** Where frames outlive the page: pieces of a log, each of some records in a row. */
import type { NewRecord } from '../stomp/frame-record.ts'

export interface KeptPiece {
  /** Id of the page, which a reload keeps. */
  readonly page: string
  readonly tab: string
  /** Grows with each piece of a tab. */
  readonly number: number
  /** Milliseconds since 1970. */
  readonly savedAtMs: number
  readonly records: readonly NewRecord[]
}

/** Every method rejects where the browser refuses: no room, or a private window. */
export interface FrameStore {
  /** The pieces of a page, in order. */
  load(page: string): Promise<readonly KeptPiece[]>
  put(piece: KeptPiece): Promise<void>
  /** All pieces of a tab up to a number, that one too. */
  remove(page: string, tab: string, upTo: number): Promise<void>
  /** Those of all pages that were saved before. */
  removeBefore(savedAtMs: number): Promise<void>
  clear(): Promise<void>
}
