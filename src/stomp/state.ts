/** The states of a session, and what takes it to its end when its turn has come. */

/** Where a session is in its life; it only goes forward. */
export const State = {
  /** Waiting for CONNECT, or for its answer. */
  connecting: 0,
  connected: 1,
  /** Nothing more is read; what was read is being finished. */
  finishing: 2,
  /** DISCONNECT is answered; the client has a moment to close first. */
  lingering: 3,
  /** We are closing; waiting for the socket to be gone. */
  closing: 4,
  closed: 5,
} as const
export type State = (typeof State)[keyof typeof State]

/** For the effect queue: no error of the client's, but what ends the session when its turn comes. */
export class Ending {
  readonly closeCode: number
  readonly reason: string
  /** See `SessionEnd.code`. */
  readonly code: string
  /** With a receipt the client closes when it has it; the server only sees to it that it happens. */
  readonly isLeftToClient: boolean

  constructor(closeCode: number, reason: string, code: string, isLeftToClient = false) {
    this.closeCode = closeCode
    this.reason = reason
    this.code = code
    this.isLeftToClient = isLeftToClient
  }

  get kind(): 'leave' | 'shutdown' {
    return this.code === 'client' ? 'leave' : 'shutdown'
  }
}
