/** What a snapshot is whose source is a server: its answer as it is, and what to call it. */
import { utf8TextOf } from '../ask.ts'
import { isJson } from '../json-text.ts'
import { bodyOf, type InboundMessage } from '../routes/payload.ts'

const JSON_TYPE = 'application/json'

/**
 * Returns body and headers for what was answered. Text is JSON if the server says so, says nothing, or calls it something
 * else: many do not name a type for the JSON that they send. Anything else has the type of the answer, or none.
 */
export function answeredContent(octets: Uint8Array, contentType: string | undefined): InboundMessage {
  const text = utf8TextOf(octets)
  if (text !== undefined && (contentType === undefined || isJsonType(contentType) || isJson(text))) {
    return { body: text, headers: [['content-type', JSON_TYPE]] }
  }
  return {
    body: bodyOf(octets, contentType),
    headers: contentType === undefined ? [] : [['content-type', contentType]],
  }
}

function isJsonType(contentType: string): boolean {
  return contentType.split(';', 1)[0]!.trim().toLowerCase() === JSON_TYPE
}
