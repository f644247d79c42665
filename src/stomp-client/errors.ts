/** What can go wrong, as the application is told: ERROR frames of the server, and the client's own troubles. */
import type { IFrame, StompHeaders } from '@stomp/stompjs'

/** Codes of the client's own errors; all others are the header `code` of an ERROR frame. */
export const ClientErrorCode = {
  /** The function for credentials has thrown. */
  CREDENTIALS_FAILED: 'credentials-failed',
  /** There was no connection, or it ended before CONNECTED. */
  UNREACHABLE: 'unreachable',
  /** No CONNECTED in time. */
  TIMEOUT: 'timeout',
  /** Not connected, or no longer: a receipt that was waited for does not come. */
  DISCONNECTED: 'disconnected',
  /** A callback of the application has thrown. */
  CALLBACK_FAILED: 'callback-failed',
  /** An ERROR frame without a code, from another server than the bridge. */
  UNKNOWN: 'unknown',
} as const
export type ClientErrorCode = (typeof ClientErrorCode)[keyof typeof ClientErrorCode]

/**
 * Refusals that the next connection meets again, as it asks for the same: connecting and subscribing are what the
 * client repeats. A rate, a Redis that is away or a node that stops are other matters.
 */
const LASTING = new Set(
  (
    'not-authenticated not-authorized token-expired revoked unsupported-version no-history bad-header ' +
    'bad-destination missing-header too-many-subscriptions'
  ).split(' '),
)

export interface ClientErrorOptions extends ErrorOptions {
  readonly headers?: StompHeaders
  readonly body?: string
  readonly destination?: string | undefined
}

/** Says by `code` what has happened, and by `isFatal` whether the client has given up. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  /** Of docs/protocol.md, or one of {@link ClientErrorCode}. */
  readonly code: string
  /** Of the ERROR frame. */
  readonly headers: StompHeaders
  /** Of the ERROR frame: other servers than the bridge give the reason there. */
  readonly body: string
  /** Of the subscription that was refused, where it was one. */
  destination: string | undefined
  /** The client has stopped: what it was refused, it will be refused again. */
  isFatal = false

  constructor(code: string, message: string, options: ClientErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.headers = options.headers ?? {}
    this.body = options.body ?? ''
    this.destination = options.destination
  }

  /** Would the same again be refused again? */
  get isLasting(): boolean {
    return LASTING.has(this.code)
  }

  /** The least time until the next attempt; 0 where the server has said nothing. */
  get retryAfterMs(): number {
    return Math.max(0, Number(this.headers['retry-after'])) * 1000 || 0
  }
}

export function errorOf({ headers, body }: IFrame): ClientError {
  const text = headers['message'] || body || 'The server has sent an ERROR frame'
  return new ClientError(headers['code'] || ClientErrorCode.UNKNOWN, text, { headers, body })
}
