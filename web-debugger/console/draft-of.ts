/** A record as a message to send again, or to change first. */
import { isJson, toHex } from '../stomp/body.ts'
import { headerOf, type FrameRecord, type RecordParts } from '../stomp/frame-record.ts'
import type { Draft } from '../stomp/message-form.ts'

/** What the client, or the server, sets itself. */
const OWN_HEADERS = [
  'destination',
  'content-length',
  'message-id',
  'subscription',
  'ack',
  'receipt',
  'transaction',
  'timestamp',
]

export function draftOf(record: FrameRecord, parts: RecordParts): Draft {
  const { text, body } = parts
  const isTypeJson = /json/.test(headerOf(parts, 'content-type') ?? '')
  const bodyKind = text === undefined ? 'hex' : isTypeJson && isJson(text) ? 'json' : 'text'
  return {
    destination: record.destination ?? '',
    headers: parts.headers.filter(([name]) => !OWN_HEADERS.includes(name)).map(([name, value]) => ({ name, value })),
    bodyKind,
    text: text ?? toHex(body),
    file: undefined,
  }
}
