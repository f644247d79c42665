/** What `tail` and `send` see of the process around them. Main implements it; tests do with arrays. */
import type { IStompSocket } from '@stomp/stompjs'

export interface Terminal {
  /** To standard output. */
  write(data: string | Uint8Array): void
  /** Bytes that whoever reads standard output has not taken. */
  readonly unwrittenBytes: number
  /** One line for people, to standard error. */
  note(text: string): void
  /** A line that the next one replaces; shown only on a terminal. */
  progress(text: string): void
  /** Does a person see standard output? */
  readonly isTerminal: boolean
  /** Does a person type standard input? */
  readonly isTyped: boolean
  readonly input: AsyncIterable<Uint8Array>
  openSocket(url: string, protocols: readonly string[]): IStompSocket
  /** Calls back on Ctrl+C, and when nobody reads standard output any more. */
  onEnd(callback: (reason: 'interrupted' | 'unread') => void): void
}

export const ExitCode = {
  DONE: 0,
  /** The server has refused. */
  REFUSED: 1,
  USAGE: 2,
  /** No connection, or not in time. */
  UNREACHABLE: 3,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]
