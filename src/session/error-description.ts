/** What a client is told of an error, and the close that follows. Faults of ours are "Internal error": nothing else leaves. */
import { FrameError } from '../../frames/index.ts'
import { ERRORS, ProtocolError } from '../errors.ts'

export interface ErrorDescription {
  readonly code: string
  readonly message: string
  /** More headers for the ERROR frame. */
  readonly headers: Readonly<Record<string, string>>
  /** WebSocket close code. */
  readonly closeCode: number
}

export function describeError(error: unknown): ErrorDescription {
  if (error instanceof ProtocolError) {
    return { code: error.code, message: error.message, headers: error.headers, closeCode: ERRORS[error.code].close }
  }
  if (error instanceof FrameError) return { code: error.code, message: error.message, headers: {}, closeCode: 1002 }
  return { code: 'internal', message: 'Internal error', headers: {}, closeCode: ERRORS.internal.close }
}

/** Text of the client's as it may stand in an error: short, printable ASCII. */
function printable(text: string, maxLength: number): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?')
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 3)}...` : clean
}

/** RFC 6455 section 5.5: a close reason has at most 123 bytes. */
export function closeReason(text: string): string {
  return printable(text, 123)
}
