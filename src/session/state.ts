/** The states of a session, and what takes it to its end in its turn. */

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

/** Markers for the effect queue: not errors of the client, but what ends the session when their turn comes. */
export class Disconnected {
  readonly expectsReceipt: boolean
  constructor(expectsReceipt: boolean) {
    this.expectsReceipt = expectsReceipt
  }
}
export class ShutDown {}
