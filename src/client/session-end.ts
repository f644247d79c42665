/** How a session has ended: why, in a word for programs, and as the WebSocket was closed. */
import type { ErrorDescription } from '../errors.ts'
import type { Log } from '../log.ts'

export interface SessionEnd {
  /** An error code, or one of `client`, `lost`, `too-large`, `too-many-sessions`. */
  readonly code: string
  readonly closeCode: number
  /** For people; empty if there is nothing to say. */
  readonly reason: string
}

/** RFC 6455 section 7.4.1: there was no close frame; a message was too big, which the runtime itself refuses. */
const ABNORMAL = 1006
const TOO_BIG = 1009

/** Returns the end of a session that the bridge did not begin to close, by the code that the runtime tells. */
export function endOfPeer(closeCode: number): SessionEnd {
  const code = closeCode === ABNORMAL ? 'lost' : closeCode === TOO_BIG ? 'too-large' : 'client'
  return { code, closeCode, reason: '' }
}

/** A fault of ours is logged with all that is known of it; what a client did wrong is in the line of its session. */
export function logFault(log: Log, session: string, error: unknown, { code }: ErrorDescription): void {
  if (code === 'internal') log.error({ session, error }, 'Internal error in a session')
}
