/**
 * What a channel's payload looks like, per route: four codecs, both ways, and the JSON of the broadcast channel.
 * Knows JSON and octets, nothing of frames or Redis.
 */
import { Buffer } from 'node:buffer'
import { ProtocolError, quoted } from '../errors.ts'
import { headerOf, type HeaderPair } from '../headers.ts'
import { isJson, memberTexts } from '../json-text.ts'
import { readTrace, traceHeaders, type TraceContext } from '../trace-context.ts'
import { fromBase64 } from './base64.ts'
import { CORRELATION_ID } from './replies.ts'

/** How a route writes a body into a channel and reads it back; the default is `json-string`. */
export type PayloadCodec = 'json-string' | 'raw' | 'json' | 'envelope'

/** A message on its way to subscribers: what MESSAGE adds to it is the broker's. */
export interface InboundMessage {
  /** Text where the octets are valid UTF-8 and not declared binary. */
  readonly body: string | Uint8Array
  readonly headers: readonly HeaderPair[]
}

/** A SEND on its way out, with who sent it. */
export interface OutboundMessage {
  readonly destination: string
  readonly body: Uint8Array
  /** User headers, `content-type` included; what belongs to the protocol has been taken out. Made when asked for. */
  readonly headers: readonly HeaderPair[]
  /** Undefined where it came by HTTP. */
  readonly session: string | undefined
  readonly user: string | undefined
  /** The channel on which an answer is wanted. Where a message has it, its route must carry it. */
  readonly replyTo?: string | undefined
  /** To which trace it belongs; among the headers too. */
  readonly trace?: TraceContext | undefined
}

/** A payload that its route's codec cannot read. For the log; the next payload is unaffected. */
export class PayloadError extends Error {
  override name = 'PayloadError'
}

const TEXT = 'text/plain;charset=UTF-8'
const JSON_TYPE = 'application/json'
const BINARY = 'application/octet-stream'

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const utf8Encoder = new TextEncoder()
const EMPTY = new Uint8Array()

function asText(octets: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(octets)
  } catch {
    return undefined
  }
}

/** Text if it may be sent as text: valid UTF-8 and not declared binary. */
export function bodyOf(octets: Uint8Array, contentType: string | undefined): string | Uint8Array {
  return isBinary(contentType) ? octets : (asText(octets) ?? octets)
}

function isBinary(contentType: string | undefined): boolean {
  return contentType?.startsWith(BINARY) ?? false
}

/**
 * Reads a channel's payload.
 * `contentType` overrides what the codec would say. Errors: PayloadError.
 */
export function decodePayload(codec: PayloadCodec, payload: Uint8Array, contentType?: string): InboundMessage {
  if (codec === 'raw') {
    const body = bodyOf(payload, contentType)
    return withType(body, contentType ?? (typeof body === 'string' ? TEXT : BINARY))
  }
  const text = asText(payload)
  if (text === undefined) throw new PayloadError('payload is not UTF-8')
  const value = parseJson(text)
  switch (codec) {
    case 'json':
      return withType(text, contentType ?? JSON_TYPE)
    case 'envelope':
      return decodeEnvelope(text, value, contentType)
    case 'json-string':
      // Jackson, which this codec is compatible with, also reads a bare number or boolean as its text.
      if (typeof value === 'number' || typeof value === 'boolean') return withType(text.trim(), contentType ?? TEXT)
      if (typeof value !== 'string') throw new PayloadError('payload is not a JSON string')
      return withType(value, contentType ?? TEXT)
  }
}

/** Writes a SEND as a channel's payload. Errors: ProtocolError `bad-body` if the codec cannot carry the body. */
export function encodePayload(codec: PayloadCodec, message: OutboundMessage): string | Uint8Array {
  if (codec === 'raw') return message.body
  const text = asText(message.body)
  switch (codec) {
    case 'json-string':
      if (text === undefined) throw badBody(message.destination, 'UTF-8 text')
      return JSON.stringify(text)
    case 'json':
      if (text === undefined || !isJson(text)) throw badBody(message.destination, 'JSON')
      return text
    case 'envelope':
      return encodeEnvelope(message, text)
  }
}

function encodeEnvelope(message: OutboundMessage, text?: string): string {
  const { destination, body, headers, session, user, replyTo } = message
  return JSON.stringify({
    ...packBody(body, text),
    destination,
    'content-type': headerOf(headers, 'content-type'),
    session,
    user,
    replyTo,
    correlationId: headerOf(headers, CORRELATION_ID),
    headers: Object.fromEntries(headers.filter(([name]) => name !== 'content-type').reverse()),
    timestamp: Date.now(),
  })
}

/** What goes over the broadcast channel: `{topic, message}` for a notification, with `headers` for a client's SEND. */
export interface Broadcast {
  readonly topic: string
  readonly message: InboundMessage
  /** Session that sent it; undefined for a notification, and where another program wrote it. */
  readonly sender: string | undefined
  /** Where it was kept; undefined if it was not. */
  readonly kept?: KeptFields | undefined
}

/** What the log has put into a payload. */
export interface KeptFields {
  readonly offset: string
  readonly epoch: string
  /** Offset of the one before. */
  readonly previous: string
  /** Says which payload it was, if that came without a log. */
  readonly source: string | undefined
}

/**
 * A notification, exactly as other bridges and Spring instances write it. `json`: the message as JSON, kept as it is written.
 * Where it belongs to a trace, two more fields say to which.
 */
export function encodeNotification(topic: string, json: string, trace?: TraceContext): string {
  const fields = trace ? traceHeaders(trace).map(([name, value]) => `,"${name}":${JSON.stringify(value)}`) : []
  return `{"topic":${JSON.stringify(topic)},"message":${json}${fields.join('')}}`
}

/** A client's SEND to a broker destination: the same JSON plus `headers`, its session as `sender`, and `encoding` for a binary body. */
export function encodeBroadcast({ destination, body, headers, session }: OutboundMessage): string {
  const content = bodyOf(body, headerOf(headers, 'content-type'))
  const { body: message, encoding } = packBody(body, typeof content === 'string' ? content : undefined)
  return JSON.stringify({ topic: destination, message, headers, encoding, sender: session })
}

/** Returns what came by a channel as it goes over the broadcast channel when it is kept. */
export function encodeKept(topic: string, { body, headers }: InboundMessage, sender: string | undefined): string {
  const isText = typeof body === 'string'
  const packed = packBody(isText ? EMPTY : body, isText ? body : undefined)
  return JSON.stringify({ topic, message: packed.body, headers, encoding: packed.encoding, sender })
}

/** Errors: PayloadError. */
export function decodeBroadcast(payload: Uint8Array | string): Broadcast {
  const text = typeof payload === 'string' ? payload : asText(payload)
  if (text === undefined) throw new PayloadError('payload is not UTF-8')
  const value = parseJson(text)
  if (!isRecord(value) || typeof value['topic'] !== 'string' || !('message' in value)) {
    throw new PayloadError('payload is not {"topic": …, "message": …}')
  }
  const { topic, message, headers, encoding } = value
  const sender = typeof value['sender'] === 'string' ? value['sender'] : undefined
  const kept = value['offset'] === undefined ? undefined : keptFields(value)
  const trace = traceFields(value)
  if (headers !== undefined) {
    if (!Array.isArray(headers) || !headers.every(isHeaderPair))
      throw new PayloadError('"headers" is not a list of [name, value]')
    const body = unpackBody(message, encoding, headerOf(headers, 'content-type'))
    return { topic, message: traced({ body, headers }, trace), sender, kept }
  }
  return { topic, message: traced(plainMessage(text, message, encoding), trace), sender, kept }
}

/** Returns a message that says nothing of itself but how it is packed, if it is. Errors: PayloadError. */
function plainMessage(payload: string, message: unknown, encoding: unknown): InboundMessage {
  if (isPacked(encoding)) {
    const body = unpackBody(message, encoding, undefined)
    return withType(body, typeof body === 'string' ? TEXT : BINARY)
  }
  return typeof message === 'string' ? withType(message, TEXT) : withType(memberText(payload, 'message'), JSON_TYPE)
}

/** What the fields beside a body say of its trace. */
function traceFields({ traceparent, tracestate }: Record<string, unknown>): TraceContext | undefined {
  return readTrace(traceparent, tracestate)
}

/** STOMP 1.2 "Repeated Header Entries": what the headers say themselves comes first, and counts. */
function traced(message: InboundMessage, trace: TraceContext | undefined): InboundMessage {
  return trace ? { ...message, headers: [...message.headers, ...traceHeaders(trace)] } : message
}

const LOG_OFFSET = /^\d{1,16}-\d{1,16}$/

function keptFields({ offset, epoch, previous, source }: Record<string, unknown>): KeptFields | undefined {
  const isWhole =
    typeof offset === 'string' && typeof epoch === 'string' && typeof previous === 'string' && epoch !== ''
  if (!isWhole || !LOG_OFFSET.test(offset) || !LOG_OFFSET.test(previous)) return undefined
  return { offset, epoch, previous, source: typeof source === 'string' ? source : undefined }
}

function packBody(octets: Uint8Array, text: string | undefined): { body: string; encoding?: 'base64' } {
  return text === undefined ? { body: Buffer.from(octets).toString('base64'), encoding: 'base64' } : { body: text }
}

/** Does a payload say how its body is packed? Those that write every field may write null. */
function isPacked(encoding: unknown): boolean {
  return encoding !== undefined && encoding !== null
}

/** Errors: PayloadError. */
function unpackBody(body: unknown, encoding: unknown, contentType: string | undefined): string | Uint8Array {
  if (typeof body !== 'string') throw new PayloadError('body is not a string')
  if (!isPacked(encoding)) return isBinary(contentType) ? utf8Encoder.encode(body) : body
  if (encoding !== 'base64') throw new PayloadError('"encoding" is not "base64"')
  const octets = fromBase64(body)
  if (!octets) throw new PayloadError('body is not Base64')
  return bodyOf(octets, contentType)
}

function decodeEnvelope(text: string, value: unknown, contentType: string | undefined): InboundMessage {
  if (!isRecord(value) || value['body'] === undefined) throw new PayloadError('envelope has no "body"')
  const { body, encoding, headers = {} } = value
  if (!isRecord(headers)) throw new PayloadError('"headers" of the envelope is not an object')
  const named = value['content-type']
  const declared = contentType ?? (typeof named === 'string' ? named : undefined)
  const isValue = typeof body !== 'string' && !isPacked(encoding)
  const content = isValue ? memberText(text, 'body') : unpackBody(body, encoding, declared)
  const type = declared ?? (isValue ? JSON_TYPE : typeof content === 'string' ? TEXT : BINARY)
  return traced({ body: content, headers: [['content-type', type], ...headerPairs(text, headers)] }, traceFields(value))
}

/** `envelope`: its text, because a number is taken as it is written. */
function headerPairs(envelope: string, headers: Record<string, unknown>): HeaderPair[] {
  const pairs: HeaderPair[] = []
  let written: ReadonlyMap<string, string> | undefined
  for (const [name, header] of Object.entries(headers)) {
    if (header === null || name === 'content-type') continue
    if (typeof header === 'number') {
      written ??= textsOf(memberText(envelope, 'headers'))
      pairs.push([name, written.get(name)!])
    } else if (typeof header === 'string' || typeof header === 'boolean') {
      pairs.push([name, String(header)])
    } else throw new PayloadError(`header ${quoted(name)} of the envelope is not text`)
  }
  return pairs
}

function withType(body: string | Uint8Array, contentType: string): InboundMessage {
  const isDeclaredBinary = typeof body === 'string' && isBinary(contentType)
  return { body: isDeclaredBinary ? utf8Encoder.encode(body) : body, headers: [['content-type', contentType]] }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new PayloadError('payload is not JSON', { cause: error })
  }
}

/** The text of a member that a parsed object has. */
function memberText(json: string, name: string): string {
  return textsOf(json).get(name)!
}

function textsOf(json: string): ReadonlyMap<string, string> {
  const texts = memberTexts(json)
  if (!texts) throw new PayloadError('payload is nested too deeply')
  return texts
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isHeaderPair(value: unknown): value is HeaderPair {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'string'
}

function badBody(destination: string, wanted: string): ProtocolError {
  return new ProtocolError('bad-body', `Cannot send to ${quoted(destination)}: the body must be ${wanted}`)
}
