/**
 * How a message stands in a queue's stream: fields `body`, `content-type`, and `headers` as a JSON object. Its trace is among
 * the headers, or in fields of its own.
 */
import { Message } from '../delivery/message.ts'
import { withoutReserved, type HeaderPair } from '../headers.ts'
import { bodyOf } from '../routes/payload.ts'
import { readTrace, traceHeaders, TRACEPARENT, TRACESTATE } from '../trace-context.ts'
import { REASON_FIELD, type Queue, type QueueEntry, type TakenEntry } from './queue.ts'

const utf8Decoder = new TextDecoder() // one for all: to make one costs more than to decode a short text
const TEXT = 'text/plain;charset=UTF-8'
const BINARY = 'application/octet-stream'

/**
 * Returns the fields but for `body`, which is the payload. The content type is always one of them, empty if there is none:
 * where a backend leaves it out, one is found.
 */
export function fieldsOf(headers: readonly HeaderPair[]): [name: string, value: string][] {
  let type: string | undefined
  const others: HeaderPair[] = []
  for (const [name, value] of headers) {
    if (name !== 'content-type') others.push([name, value])
    else type ??= value
  }
  const fields: [string, string][] = [['content-type', type ?? '']]
  // STOMP 1.2 "Repeated Header Entries": the first of a name counts.
  if (others.length > 0) fields.push(['headers', JSON.stringify(Object.fromEntries(others.reverse()))])
  return fields
}

/** Returns the id that a message has wherever and how often it is delivered. */
export function messageIdOf({ stream }: Queue, id: string): string {
  return `${stream}-${id}`
}

export function entryIdOf({ stream }: Queue, messageId: string): string {
  return messageId.slice(stream.length + 1)
}

/** Returns the message as its subscriber gets it; undefined for an entry that is none. */
export function takenMessage(queue: Queue, entry: TakenEntry): Message | undefined {
  const more: HeaderPair[] = [['delivery-count', String(entry.deliveries)]]
  if (entry.deliveries > 1) more.push(['redelivered', 'true'])
  return messageOf(queue, entry, more)
}

/** Returns a message that somebody looks at, with why it is dead if it is. */
export function peekedMessage(queue: Queue, entry: QueueEntry): Message {
  const reason = entry.fields.get(REASON_FIELD)
  const more: HeaderPair[] = reason ? [['reason', utf8Decoder.decode(reason)]] : []
  return (
    messageOf(queue, entry, more) ??
    new Message({ id: messageIdOf(queue, entry.id), destination: queue.destination, headers: more, body: '' })
  )
}

function messageOf(queue: Queue, { id, fields }: QueueEntry, more: readonly HeaderPair[]): Message | undefined {
  const octets = fields.get('body')
  if (!octets) return undefined
  const declared = fields.get('content-type')
  const contentType = declared && utf8Decoder.decode(declared)
  const body = bodyOf(octets, contentType)
  const type = contentType ?? (typeof body === 'string' ? TEXT : BINARY)
  // STOMP 1.2 "Repeated Header Entries": the first of a name counts, and ours is not to be hidden by one that was sent.
  const headers: HeaderPair[] = type === '' ? [...more] : [['content-type', type], ...more]
  headers.push(...ownHeaders(fields.get('headers')), ...traceOf(fields))
  return new Message({ id: messageIdOf(queue, id), destination: queue.destination, headers, body })
}

/** A backend may write it into fields of the entry; the headers, if they have it, come first and count. */
function traceOf(fields: QueueEntry['fields']): readonly HeaderPair[] {
  const octets = fields.get(TRACEPARENT)
  if (!octets) return []
  const [traceparent, tracestate] = [octets, fields.get(TRACESTATE)].map((each) => each && utf8Decoder.decode(each))
  const trace = readTrace(traceparent, tracestate)
  return trace ? traceHeaders(trace) : []
}

/** Of a backend they may be anything: what is no header is left out, and does not keep the body from being worked on. */
function ownHeaders(written: Uint8Array | undefined): readonly HeaderPair[] {
  if (!written) return []
  let value: unknown
  try {
    value = JSON.parse(utf8Decoder.decode(written))
  } catch {
    return []
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const pairs = Object.entries(value).flatMap(([name, each]): HeaderPair[] => {
    const isPlain = typeof each === 'string' || typeof each === 'number' || typeof each === 'boolean'
    return isPlain && name !== '' && name !== 'content-type' ? [[name, String(each)]] : []
  })
  return withoutReserved(pairs)
}
