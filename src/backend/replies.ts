/** What goes back to the session that has asked: an envelope on the channel that its request names. Pure text. */
import { Buffer } from 'node:buffer'
import { requireText, shown, toJson } from './checks.ts'

/** A request of a client: the envelope as the bridge has published it, parsed. Only these two fields are looked at. */
export interface ReplyableRequest {
  /** Redis channel that reaches the session which has asked, without the key prefix. */
  readonly replyTo?: string | undefined
  readonly correlationId?: string | undefined
}

/** Headers of the MESSAGE that the client gets. `content-type` says what the body is, else the bridge does. */
export type ReplyHeaders = Readonly<Record<string, string | number | boolean>>

const CORRELATION_ID = 'correlation-id'
const CONTENT_TYPE = 'content-type'

/** Returns the channel and the payload of a reply. Errors: throws a TypeError. */
export function encodeReply(
  request: ReplyableRequest,
  body: unknown,
  headers: ReplyHeaders = {},
): { readonly channel: string; readonly payload: string } {
  if (typeof request !== 'object' || request === null) {
    throw new TypeError('Cannot reply: the request must be the envelope of a SEND, parsed')
  }
  const { replyTo, correlationId } = request
  requireText('Cannot reply', 'replyTo of the request', replyTo)
  const what = `Cannot reply on ${shown(replyTo)}`
  if (correlationId !== undefined) requireText(what, 'correlationId of the request', correlationId)
  requireHeaders(what, headers)
  const { [CONTENT_TYPE]: contentType, ...others } = headers
  const rest = {
    // The envelope has it beside the headers, and ignores one among them.
    [CONTENT_TYPE]: contentType === undefined ? undefined : String(contentType),
    headers: { ...others, ...(correlationId === undefined ? {} : { [CORRELATION_ID]: correlationId }) },
  }
  return { channel: replyTo, payload: `{${bodyMembers(what, body)},${JSON.stringify(rest).slice(1)}` }
}

/** The body as members of the envelope: octets as Base64, all else as it is in JSON. */
function bodyMembers(what: string, body: unknown): string {
  if (!(body instanceof Uint8Array)) return `"body":${toJson(what, 'the body', body)}`
  const octets = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  return `"body":${JSON.stringify(octets.toString('base64'))},"encoding":"base64"`
}

function requireHeaders(what: string, headers: unknown): asserts headers is ReplyHeaders {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw new TypeError(`${what}: the headers must be an object of names and values`)
  }
  for (const [name, value] of Object.entries(headers)) {
    requireText(what, 'the name of a header', name)
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw new TypeError(`${what}: the header ${shown(name)} must be text, a number or a boolean`)
    }
  }
}
