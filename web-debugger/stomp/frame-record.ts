/**
 * One line of the log: a frame, a heart-beat, a message without STOMP, or a note of ours. A record keeps the data as it
 * was on the wire and the few facts that a row needs; the rest is read out of the data when somebody looks.
 */
import {
  decodeFrames,
  hasEscapedHeaders,
  isConnect,
  utf8Length,
  type Header,
  type Version,
} from '../../frames/index.ts'
import { toHex } from './body.ts'
import type { Origin } from './place.ts'
import type { Redelivery } from './redelivery.ts'

export type Direction = 'in' | 'out' | 'note'

export const RecordKind = {
  frame: 'frame',
  heartBeat: 'heart-beat',
  /** A text message of a connection without STOMP. */
  text: 'text',
  binary: 'binary',
  /** Data in which no frame could be found. */
  broken: 'broken',
  /** Something that happened, such as a close. */
  note: 'note',
} as const
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind]

/** What was on the wire: a string if the WebSocket message was text. */
export type WireData = string | Uint8Array

/** All of a record but its number, which the log gives. */
export interface NewRecord {
  /** Milliseconds since 1970, with a fraction. */
  readonly atMs: number
  readonly direction: Direction
  readonly kind: RecordKind
  /** The STOMP command, or a word in its place. */
  readonly command: string
  readonly destination: string | undefined
  /** Id of the subscription that a MESSAGE is for. */
  readonly subscription: string | undefined
  /** What a MESSAGE says of the history of its destination. */
  readonly origin: Origin | undefined
  /** Of a MESSAGE that somebody was given before. */
  readonly redelivery: Redelivery | undefined
  readonly raw: WireData
  readonly bytes: number
  /** The version whose escapes the headers have. */
  readonly version: Version | undefined
  /** What is wrong with it. */
  readonly problem: string | undefined
  /** Name of the log that it was imported from. */
  readonly importedFrom?: string
}

export interface FrameRecord extends NewRecord {
  /** Counts from 0, never used twice. */
  readonly seq: number
}

/** A record taken apart. */
export interface RecordParts {
  readonly headers: readonly Header[]
  readonly body: Uint8Array
  /** The body as text; undefined if it is no UTF-8. */
  readonly text: string | undefined
}

/** Nothing that came over a WebSocket is refused for its size: it is there already. */
export const UNLIMITED = { maxFrameBytes: 2 ** 31, maxHeaders: 1_000_000, maxHeaderBytes: 2 ** 31 }

const EMPTY = new Uint8Array(0)
const encoder = new TextEncoder()
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenientDecoder = new TextDecoder('utf-8', { ignoreBOM: true })

export function byteLength(data: WireData): number {
  return typeof data === 'string' ? utf8Length(data) : data.length
}

export function toBytes(data: WireData): Uint8Array {
  return typeof data === 'string' ? encoder.encode(data) : data
}

/** As text; bytes that are no UTF-8 become U+FFFD. */
export function toText(data: WireData): string {
  return typeof data === 'string' ? data : lenientDecoder.decode(data)
}

/** Undefined if the bytes are no UTF-8. */
export function toStrictText(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes)
  } catch {
    // The TypeError says no more.
    return undefined
  }
}

const WORDS: Readonly<Record<RecordKind, string>> = {
  frame: '',
  'heart-beat': 'heart-beat',
  text: 'TEXT',
  binary: 'BINARY',
  broken: 'unreadable',
  note: 'note',
}

/** A record of something that is no frame. */
export function plainRecord(
  atMs: number,
  direction: Direction,
  kind: RecordKind,
  raw: WireData,
  problem: string | undefined,
): NewRecord {
  return {
    atMs,
    direction,
    kind,
    command: WORDS[kind],
    destination: undefined,
    subscription: undefined,
    origin: undefined,
    redelivery: undefined,
    raw,
    bytes: kind === RecordKind.note ? 0 : byteLength(raw),
    version: undefined,
    problem,
  }
}

export function partsOf(record: FrameRecord): RecordParts {
  if (record.kind === RecordKind.frame) {
    const [frame] = decodeFrames(record.raw, record.version, UNLIMITED)
    if (frame) return { headers: [...frame.headers], body: frame.body, text: toStrictText(frame.body) }
  }
  if (record.kind === RecordKind.text || record.kind === RecordKind.binary) {
    const body = toBytes(record.raw)
    return { headers: [], body, text: toStrictText(body) }
  }
  return { headers: [], body: EMPTY, text: '' }
}

export function headerOf(parts: RecordParts, name: string): string | undefined {
  return parts.headers.find((header) => header[0] === name)?.[1]
}

/** The version to parse a frame with: what opens a session has no escapes yet. */
export function versionFor(command: string, agreed: Version | undefined): Version | undefined {
  return isConnect(command) || !hasEscapedHeaders(command) ? undefined : agreed
}

/** Bytes that a row looks through. */
const PREVIEW_BYTES = 4096
const PREVIEW_LENGTH = 200

/** Bytes of a row that are no text. */
const PREVIEW_HEX_BYTES = 24

/** What a row says of the data: the beginning of the body, or of the head where there is no body, on one line. */
export function previewOf(record: FrameRecord, raw: WireData = record.raw): string {
  const { kind, problem } = record
  if (problem !== undefined) return problem
  if (kind === RecordKind.heartBeat) return ''
  const text =
    typeof raw === 'string' ? raw.slice(0, PREVIEW_BYTES) : lenientDecoder.decode(raw.subarray(0, PREVIEW_BYTES))
  if (kind !== RecordKind.frame) return bytesOnOneLine(raw, text, 0) ?? onOneLine(text)
  const head = headOf(text)
  const body = text.slice(head.length).replace(/^\r?\n/, '')
  if (/^\0?[\r\n]*$/.test(body)) return headPreview(head)
  return bytesOnOneLine(raw, body, utf8Length(text.slice(0, text.length - body.length))) ?? onOneLine(body)
}

/** In hex, unless it is text. */
function bytesOnOneLine(raw: WireData, text: string, from: number): string | undefined {
  if (typeof raw === 'string' || !text.slice(0, PREVIEW_LENGTH).includes('\ufffd')) return undefined
  const bytes = raw.subarray(from, from + PREVIEW_HEX_BYTES + 1)
  // The last of a whole frame is its NUL.
  return toHex(
    bytes.length > PREVIEW_HEX_BYTES || from === 0 ? bytes.subarray(0, PREVIEW_HEX_BYTES) : bytes.subarray(0, -1),
  )
}

/** Headers that a row shows already, or that say nothing to a reader. */
const PLAIN_HEADERS = /^(destination|content-length|heart-beat|host)$/

function headPreview(head: string): string {
  const [, ...lines] = head.split(/\r?\n/)
  return onOneLine(lines.filter((line) => line !== '' && !PLAIN_HEADERS.test(line.split(':', 1)[0]!)).join('  '))
}

/** What would turn the text of a row around, or is not seen at all. The raw view shows which it is. */
const DISGUISES = /[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g

function onOneLine(text: string): string {
  return undisguised(text.slice(0, PREVIEW_LENGTH).replace(/\0[\r\n]*$/, ''))
}

/** The text as a row may show it: as long as it was, on one line, and in the order in which it was sent. */
export function undisguised(text: string): string {
  return text.replace(/\s/g, ' ').replace(DISGUISES, '\ufffd')
}

/** Command and headers, with the last line's end. */
export function headOf(text: string): string {
  const blank = /\n\r?\n/.exec(text)
  return blank ? text.slice(0, blank.index + 1) : text
}
