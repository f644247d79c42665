/**
 * One table of everything that can go wrong for a client: code, WebSocket close code, HTTP status. The client's fault
 * is a {@link ProtocolError}; only a session turns it into an ERROR frame, only the HTTP app into a JSON error.
 */

interface ErrorKind {
  /** WebSocket close code after the ERROR frame. RFC 6455 section 7.4; 4500 as Spring uses it for its send limits. */
  readonly close: number
  /** HTTP status where the same fault can come in by HTTP. */
  readonly http: number
}

/** Every value that the `code` header of an ERROR frame can have, beside the codec's. HTTP has some of its own. */
export const ERRORS = {
  // connecting
  'connect-required': { close: 1002, http: 400 },
  'already-connected': { close: 1002, http: 400 },
  'connect-timeout': { close: 1002, http: 408 },
  'unsupported-version': { close: 1002, http: 400 },
  'heart-beat-timeout': { close: 1002, http: 408 },
  'not-authenticated': { close: 1008, http: 401 },
  'not-authorized': { close: 1008, http: 403 },
  'auth-unavailable': { close: 1013, http: 503 },
  'too-many-attempts': { close: 1008, http: 429 },
  'token-expired': { close: 1008, http: 401 },
  revoked: { close: 1008, http: 401 },
  // frames
  'unknown-command': { close: 1002, http: 400 },
  'missing-header': { close: 1002, http: 400 },
  'bad-header': { close: 1002, http: 400 },
  'bad-destination': { close: 1002, http: 400 },
  'bad-body': { close: 1002, http: 400 },
  'no-route': { close: 1002, http: 404 },
  'no-history': { close: 1002, http: 400 },
  'no-queue': { close: 1002, http: 404 },
  'duplicate-subscription': { close: 1002, http: 409 },
  'unknown-ack': { close: 1002, http: 404 },
  'duplicate-transaction': { close: 1002, http: 409 },
  'unknown-transaction': { close: 1002, http: 404 },
  // limits
  'too-many-subscriptions': { close: 1002, http: 429 },
  'too-many-transactions': { close: 1002, http: 429 },
  'transaction-too-large': { close: 1002, http: 413 },
  'queue-full': { close: 1002, http: 429 },
  'rate-limited': { close: 1008, http: 429 },
  flooding: { close: 1008, http: 429 },
  'slow-consumer': { close: 4500, http: 503 },
  // 1013, try again later: IANA's registry of WebSocket close codes
  'too-many-sessions': { close: 1013, http: 503 },
  'too-many-sessions-of-address': { close: 1013, http: 429 },
  'too-many-sessions-of-user': { close: 1013, http: 429 },
  'too-many-connects': { close: 1013, http: 429 },
  'node-busy': { close: 1013, http: 503 },
  // ours
  'bus-unavailable': { close: 1002, http: 503 },
  'bus-refused': { close: 1002, http: 502 },
  'source-unavailable': { close: 1013, http: 503 },
  'closed-by-operator': { close: 1008, http: 403 },
  'shutting-down': { close: 1001, http: 503 },
  internal: { close: 1011, http: 500 },
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof ERRORS

/** Longest text of a client's that an error quotes, in characters. */
const MAX_QUOTED = 64

/** Text of a client's as an error may show it: quoted, short, without control characters. */
export function quoted(text: string): string {
  const shown = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED - 3)}...` : text
  return `"${shown.replace(/\p{Cc}/gu, '?')}"`
}

/** A fault with a stable code. The message is written for the client: no internals, no secrets. */
export class ProtocolError extends Error {
  override name = 'ProtocolError'
  readonly code: ErrorCode
  /** More headers for the ERROR frame, for example `version`. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ErrorCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.code = code
    this.headers = headers
  }
}

/** What a client is told of an error, and the close that follows. */
export interface ErrorDescription {
  readonly code: string
  readonly message: string
  /** More headers for the ERROR frame. */
  readonly headers: Readonly<Record<string, string>>
  /** WebSocket close code. */
  readonly closeCode: number
}

/** Faults of ours are "Internal error": nothing else leaves. */
export function describeError(error: unknown): ErrorDescription {
  if (error instanceof ProtocolError) {
    return { code: error.code, message: error.message, headers: error.headers, closeCode: ERRORS[error.code].close }
  }
  return { code: 'internal', message: 'Internal error', headers: {}, closeCode: ERRORS.internal.close }
}

/** RFC 6455 section 5.5: a close reason has at most 123 bytes. Returns the text in printable ASCII, and short. */
export function closeReason(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?')
  return clean.length > 123 ? `${clean.slice(0, 120)}...` : clean
}
