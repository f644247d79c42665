/**
 * From frames to bytes. A frame whose body is text becomes a string (a WebSocket text message), any other becomes
 * bytes (a binary one). A MESSAGE for many subscribers is encoded once as a template and stamped per subscription.
 */
import { escapeHeader, escapeHeaderName, plainValue, stripHeader } from './escape.ts'
import { Command, hasEscapedHeaders, type Header } from './frame.ts'
import { utf8Length } from './utf8.ts'
import type { Version } from './version.ts'

/** A frame to encode. `content-length` is worked out here: leave it out of `headers`. */
export interface FrameToEncode {
  readonly command: Command
  readonly headers: Iterable<Header>
  readonly body?: string | Uint8Array
}

/** One LF: what an idle peer sends, alone in its message. STOMP 1.2 "Heart-beating". */
export const HEART_BEAT = '\n'

const utf8Encoder = new TextEncoder()

/**
 * Encodes one frame.
 *
 * Shape:  a string if `body` is text or absent, else bytes. `content-length` is always sent with a body.
 * `version`: the one agreed for the session; undefined before negotiation, when nothing can be escaped and what would
 *         need it is replaced by a space.
 * Source: STOMP 1.2 "Augmented BNF", "Value Encoding", "Header content-length".
 */
export function encodeFrame(frame: FrameToEncode, version: Version | undefined): string | Uint8Array {
  const { command, body = '' } = frame
  const isText = typeof body === 'string'
  const length = isText ? utf8Length(body) : body.length
  const head = `${command}\n${encodeHeaders(command, frame.headers, length, version)}\n`
  return isText ? `${head}${body}\0` : withBinaryBody(head, body)
}

function encodeHeaders(
  command: Command,
  headers: Iterable<Header>,
  bodyLength: number,
  version: Version | undefined,
): string {
  let text = ''
  const isEscaped = hasEscapedHeaders(command)
  const isPlain = version === undefined || !isEscaped
  const stripValue = isEscaped ? stripHeader : plainValue
  for (const [name, value] of headers) {
    const wireName = isPlain ? stripHeader(name) : escapeHeaderName(name, version)
    // Left out: what the version cannot carry, and a length that is not ours, which could end the frame too early.
    if (wireName !== '' && wireName !== 'content-length')
      text += `${wireName}:${isPlain ? stripValue(value) : escapeHeader(value, version)}\n`
  }
  return bodyLength > 0 ? `${text}content-length:${bodyLength}\n` : text
}

/** Head, body and NUL. */
function withBinaryBody(head: string, body: Uint8Array): Uint8Array {
  const headLength = utf8Length(head)
  const bytes = new Uint8Array(headLength + body.length + 1)
  utf8Encoder.encodeInto(head, bytes) // in place: a typed array more costs V8 0.6 µs
  bytes.set(body, headLength)
  return bytes
}

/** A MESSAGE for one version, encoded but for the `subscription` (and `ack`) header. Immutable. */
export class MessageTemplate {
  /** Without the stamp; characters of text, or bytes of a binary frame. */
  readonly length: number
  /** What follows the stamp, behind an empty text: joining the two puts the stamp between. Undefined for a binary frame. */
  readonly #text: readonly [string, string] | undefined
  /** What follows the stamp, up to the NUL. */
  readonly #bytes: Uint8Array | undefined

  /** `headers` must hold `destination` and `message-id`, and neither `subscription`, `ack` nor `content-length`. */
  constructor(headers: Iterable<Header>, body: string | Uint8Array, version: Version) {
    const length = typeof body === 'string' ? utf8Length(body) : body.length
    const head = `${encodeHeaders(Command.MESSAGE, headers, length, version)}\n`
    if (typeof body === 'string') {
      this.#text = ['', `${head}${body}\0`]
      this.length = this.#text[1].length
    } else {
      this.#bytes = withBinaryBody(head, body).subarray(0, -1)
      this.length = this.#bytes.length
    }
  }

  /** The complete frame. `stamp` comes from {@link messageStamp}, and may have more header lines. */
  stamp(stamp: string): string | Uint8Array {
    const head = `MESSAGE\n${stamp}`
    // One join makes one flat string; concatenation would leave a rope, to be flattened at each use.
    return this.#text ? this.#text.join(head) : withBinaryBody(head, this.#bytes!)
  }
}

/** The header lines that differ per subscriber. 1.0 has no `subscription` header unless an id was given. */
export function messageStamp(subscriptionId: string | undefined, ack: string | undefined, version: Version): string {
  const subscription = subscriptionId === undefined ? '' : `subscription:${escapeHeader(subscriptionId, version)}\n`
  return ack === undefined ? subscription : `${subscription}ack:${escapeHeader(ack, version)}\n`
}
