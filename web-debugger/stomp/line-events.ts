/** What a line tells the connection that it belongs to, and what it is told. */
import type { Frame } from '../../frames/index.ts'
import type { NewRecord } from './frame-record.ts'

export interface LineEvents {
  /** Something happened that a log should tell. */
  onNote(text: string): void
  /** Everything on the wire, in order. */
  onRecord(record: NewRecord, frame: Frame | undefined): void
  /** From here on frames, or raw data, can be sent. */
  onConnected(): void
  /** From here on they cannot. Was it explained: did an ERROR say why? */
  onEnded(isExplained: boolean): void
}

/** What the server said before it closed. */
export interface Farewell {
  readonly message: string
  /** What tells it from other refusals: its code, where servers have codes. */
  readonly key: string
  /** It would say the same again, however often it is asked. */
  readonly isLasting: boolean
  readonly retryAfterMs: number
}
