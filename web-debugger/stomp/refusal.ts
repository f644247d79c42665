/** An ERROR of the server, as it is shown: what it says, and which frame it is about. */
import type { Frame } from '../../frames/index.ts'
import { toText } from './frame-record.ts'
import type { Cause, SentFrames } from './sent-frames.ts'

export interface Refusal {
  /** Of this bridge, and of servers that have codes too. */
  readonly code: string | undefined
  readonly message: string
  /** What the body says beyond the message; empty if that is nothing. */
  readonly details: string
  readonly cause: Cause | undefined
  /** How long the server wants to be left alone, ms. */
  readonly retryAfterMs: number
}

/** Longest body that is shown; the console has all of it. */
const MAX_DETAILS = 4_000

export function refusalOf(error: Frame, sent: SentFrames): Refusal {
  const { headers, body } = error
  const text = toText(body).trim()
  const said = headers.get('message')?.trim()
  const message = said || text.split('\n', 1)[0]!.trim() || 'no message'
  return {
    code: headers.get('code'),
    message,
    details: text === message ? '' : text.slice(0, MAX_DETAILS),
    cause: sent.causeOf(error, `${message} ${text}`),
    retryAfterMs: Math.max(0, Number(headers.get('retry-after'))) * 1000 || 0,
  }
}

/** Codes of what no frame has caused. */
const CAUSELESS = ['token-expired', 'revoked', 'closed-by-operator', 'shutting-down', 'internal', 'slow-consumer']

/** Which frame it was, in words; undefined if none was. */
export function causeWords({ code, cause }: Refusal): string | undefined {
  if (!cause || (code !== undefined && CAUSELESS.includes(code))) return undefined
  const { command, destination, id } = cause.frame
  const frame = [command, destination, id === undefined ? undefined : `(${id})`].filter(Boolean).join(' ')
  return cause.isNamed ? `${frame} caused it.` : `The last frame before it was ${frame}.`
}
