/** Reads the JSON lines that a console exports. What they mask stays masked. */
import {
  Command,
  decodeFrames,
  encodeFrame,
  FrameError,
  type Frame,
  type FrameToEncode,
  type Header,
  type Version,
} from '../../frames/index.ts'
import { parseBase64 } from './body.ts'
import {
  byteLength,
  plainRecord,
  RecordKind,
  UNLIMITED,
  versionFor,
  type Direction,
  type NewRecord,
  type WireData,
} from './frame-record.ts'
import { originOf } from './place.ts'
import { redeliveryOf } from './redelivery.ts'

type Fields = Readonly<Record<string, unknown>>

const DIRECTIONS: readonly Direction[] = ['in', 'out', 'note']
/** Of one frame. Nobody exports more, and a file may hold anything. */
const MAX_HEADERS = 10_000

/** Undefined where the line is no record. */
export function readLogLine(line: string): NewRecord | undefined {
  const given = parse(line)
  const atMs = typeof given?.['time'] === 'string' ? Date.parse(given['time']) : NaN
  const direction = DIRECTIONS.find((each) => each === given?.['direction'])
  const kind = Object.values(RecordKind).find((each) => each === given?.['kind'])
  if (!given || Number.isNaN(atMs) || direction === undefined || kind === undefined) return undefined
  if (kind === RecordKind.frame) return readFrame(given, atMs, direction)
  const data = kind === RecordKind.note ? given['text'] : dataOf(given, 'data')
  if (typeof data !== 'string' && !(data instanceof Uint8Array)) return undefined
  const problem = typeof given['problem'] === 'string' ? given['problem'] : undefined
  return plainRecord(atMs, kind === RecordKind.note ? 'note' : direction, kind, data, problem)
}

function parse(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined
  } catch {
    // The caller counts what it cannot read.
    return undefined
  }
}

function dataOf(given: Fields, name: string): string | Uint8Array | undefined {
  const text = given[name]
  if (typeof text === 'string') return text
  const base64 = given[`${name}Base64`]
  if (typeof base64 !== 'string') return undefined
  const bytes = parseBase64(base64)
  return bytes.problem === undefined ? bytes.value : undefined
}

function readFrame(given: Fields, atMs: number, direction: Direction): NewRecord | undefined {
  const command = Object.values(Command).find((each) => each === given['command'])
  const headers = readHeaders(given['headers'])
  const body = dataOf(given, 'body') ?? ''
  if (command === undefined || headers === undefined || direction === 'note') return undefined
  // In any version that has escapes it is the same frame.
  const version = versionFor(command, '1.2')
  const encoded = encode({ command, headers, body }, version)
  if (!encoded) return undefined
  const { raw, frame } = encoded
  const isMessage = command === Command.MESSAGE
  return {
    ...plainRecord(atMs, direction, RecordKind.frame, raw, undefined),
    command,
    destination: frame.headers.get('destination'),
    subscription: isMessage ? frame.headers.get('subscription') : undefined,
    origin: isMessage ? originOf(frame) : undefined,
    redelivery: isMessage ? redeliveryOf(frame) : undefined,
    bytes: byteLength(raw),
    version,
  }
}

/** Undefined where there is no such frame, such as a CONNECT with a body. */
function encode(given: FrameToEncode, version: Version | undefined): { raw: WireData; frame: Frame } | undefined {
  try {
    const raw = encodeFrame(given, version)
    const [frame] = decodeFrames(raw, version, UNLIMITED)
    return frame && { raw, frame }
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    return undefined
  }
}

function readHeaders(value: unknown): Header[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_HEADERS) return undefined
  const headers: Header[] = []
  for (const each of value as unknown[]) {
    if (!Array.isArray(each) || typeof each[0] !== 'string' || typeof each[1] !== 'string') return undefined
    headers.push([each[0], each[1]])
  }
  return headers
}
