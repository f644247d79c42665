/** What every STOMP session of a bridge is given: limits and times, and the objects they share. Types only. */
import type { DecoderLimits } from '../../frames/index.ts'
import type { Access } from '../access/access.ts'
import type { PaceLimits } from '../client/pace.ts'
import type { Deadlines } from '../clock.ts'
import type { TurnEnd } from '../delivery/turn-end.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Tracing } from '../tracing/tracing.ts'
import type { HeldLimits } from './inbox.ts'
import type { TransactionLimits } from './transactions.ts'

/** Limits and times of a session; bytes and milliseconds. */
export interface SessionOptions extends TransactionLimits {
  readonly beforeConnect: DecoderLimits
  readonly afterConnect: DecoderLimits
  readonly connectTimeoutMs: number
  readonly maxUnackedMessages: number
  /** Frames whose effect is pending; beyond it the socket is paused. */
  readonly maxInFlight: number
  /** Body bytes of frames whose effect is pending. */
  readonly maxInFlightBytes: number
  /** What may wait undecoded while the session is held back. */
  readonly heldBack: HeldLimits
  readonly heartBeat: {
    readonly outgoingMs: number
    readonly incomingMs: number
    readonly toleranceFactor: number
    readonly pongCounts: boolean
  }
  /** How quickly a client may send. */
  readonly pace: PaceLimits
  /** How long what is pending may take once the session ends. */
  readonly settleTimeoutMs: number
  /** How long the peer may take to close after ERROR or DISCONNECT. */
  readonly lingerMs: number
  /** Do all sessions go on after what they may not, whatever CONNECT says? */
  readonly softErrors: boolean
  /** For CONNECTED: `name/version`. */
  readonly server: string
}

/** What all sessions of a bridge share. */
export interface SessionServices {
  readonly options: SessionOptions
  readonly access: Access
  readonly deadlines: Deadlines
  readonly turnEnd: TurnEnd
  readonly metrics: Metrics
  /** Undefined where nobody wants spans. */
  readonly tracing?: Tracing | undefined
  readonly log: Log
}
