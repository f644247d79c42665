/**
 * From a head, which is all lines before the blank one, to command, headers and the length of the body. For the decoder
 * alone, which has found where the head ends, and that it holds no NUL and no line that is too long.
 */
import { FrameError, FrameErrorCode } from './errors.ts'
import { unescapeHeader } from './escape.ts'
import { Command, FrameHeaders, hasEscapedHeaders } from './frame.ts'
import { decodeLenient, decodeUtf8 } from './utf8.ts'
import { Version } from './version.ts'

export interface Head {
  readonly command: string
  readonly headers: FrameHeaders
  /** What `content-length` announces; {@link NO_LENGTH} without such a header. */
  readonly bodyLength: number
}

export const NO_LENGTH = -1
const BAD_LENGTH = -2

const SPACE = 32
const CONTENT_LENGTH = 'content-length'

/** STOMP 1.2 "Augmented BNF": EOL is [CR] LF. In 1.0 and 1.1 a CR is part of the value. */
export function isCrLfEol(version: Version | undefined): boolean {
  return version === undefined || version === Version.V1_2
}

/**
 * Decodes and parses all lines of a head, each with its EOL.
 *
 * Errors: those of {@link parseHead}, and FrameError `bad-utf8`, `bad-line-ending`.
 */
export function decodeHead(lines: Uint8Array, version: Version | undefined, maxHeaders: number): Head {
  let text: string
  try {
    text = decodeUtf8(lines)
  } catch {
    // the TypeError says no more
    throw new FrameError(FrameErrorCode.badUtf8, 'Command and headers must be UTF-8')
  }
  if (isCrLfEol(version) && text.includes('\r')) {
    text = text.replaceAll('\r\n', '\n')
    if (version === Version.V1_2 && text.includes('\r')) throw badLineEnding()
  }
  return parseHead(text, 0, text.length, text.includes('\\'), version, maxHeaders)
}

/**
 * Parses the lines in [from, to) of the text, each with an LF at its end.
 *
 * `hasBackslash`: may there be one in those lines?
 * Errors: FrameError `bad-header`, `too-many-headers`, `bad-escape`, `bad-content-length`.
 * Source: STOMP 1.2 "Augmented BNF", "Value Encoding", "Repeated Header Entries".
 */
export function parseHead(
  text: string,
  from: number,
  to: number,
  hasBackslash: boolean,
  version: Version | undefined,
  maxHeaders: number,
): Head {
  const commandEnd = text.indexOf('\n', from)
  const command = commandIn(text, from, commandEnd)
  const isEscaped = hasBackslash && version !== undefined && hasEscapedHeaders(command)
  const flat: string[] = []
  let bodyLength = NO_LENGTH
  let lineStart = commandEnd + 1
  while (lineStart < to) {
    if (flat.length === 2 * maxHeaders) {
      throw new FrameError(FrameErrorCode.tooManyHeaders, `A frame may have at most ${maxHeaders} headers`)
    }
    const lineEnd = text.indexOf('\n', lineStart)
    const colon = text.indexOf(':', lineStart)
    if (colon < 0 || colon > lineEnd) {
      throw new FrameError(FrameErrorCode.badHeader, 'A header line must be "name:value"')
    }
    if (colon === lineStart) throw new FrameError(FrameErrorCode.badHeader, 'A header name must not be empty')
    let name = nameIn(text, lineStart, colon)
    let valueStart = colon + 1
    // 1.0's own examples pad values with a space
    if (version === Version.V1_0) while (text.charCodeAt(valueStart) === SPACE) valueStart++
    let value = text.slice(valueStart, lineEnd)
    if (isEscaped) {
      name = unescapeHeader(name, version)
      value = unescapeHeader(value, version)
    }
    // An escape would be longer, and no digit.
    if (bodyLength === NO_LENGTH && name.length === CONTENT_LENGTH.length && name === CONTENT_LENGTH) {
      bodyLength = parseLength(text, valueStart, lineEnd)
    }
    flat.push(name, value)
    lineStart = lineEnd + 1
  }
  if (bodyLength === BAD_LENGTH) {
    throw new FrameError(FrameErrorCode.badContentLength, 'Header "content-length" must be a non-negative integer')
  }
  return { command, headers: new FrameHeaders(flat), bodyLength }
}

/** Those that most frames have. */
const ORDINARY_NAMES = [
  'destination',
  CONTENT_LENGTH,
  'content-type',
  'receipt',
  'id',
  'ack',
  'message-id',
  'subscription',
  'transaction',
]

const COMMANDS_BY_LENGTH = byLength(Object.values(Command))
const NAMES_BY_LENGTH = byLength(ORDINARY_NAMES)

function byLength<Text extends string>(texts: readonly Text[]): readonly (readonly Text[] | undefined)[] {
  const table: Text[][] = []
  for (const text of texts) (table[text.length] ??= []).push(text)
  return table
}

/** A known command as the constant: comparing a slice of the input costs JSC more (one to twelve times 10 ns). */
function commandIn(text: string, from: number, to: number): string {
  const candidates = COMMANDS_BY_LENGTH[to - from]
  if (candidates !== undefined) for (const command of candidates) if (text.startsWith(command, from)) return command
  return text.slice(from, to)
}

/** The same for the name of a header, which is compared more than once. */
function nameIn(text: string, from: number, to: number): string {
  const candidates = NAMES_BY_LENGTH[to - from]
  if (candidates !== undefined) for (const name of candidates) if (text.startsWith(name, from)) return name
  return text.slice(from, to)
}

/** BAD_LENGTH unless [from, to) of the text is a plain decimal number below 10^15. */
function parseLength(text: string, from: number, to: number): number {
  if (from === to || to - from > 15) return BAD_LENGTH
  let length = 0
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return BAD_LENGTH
    length = 10 * length + digit
  }
  return length
}

/** The receipt of a frame that cannot be read, if its line can. `lines` are those of the head that are complete. */
export function findReceipt(lines: Uint8Array, version: Version | undefined): string | undefined {
  const line = /\nreceipt:([^\n\0]*)/.exec(decodeLenient(lines))?.[1]
  if (line === undefined || line.includes('\uFFFD')) return undefined
  const value = isCrLfEol(version) ? line.replace(/\r$/, '') : line
  if (version === undefined) return value
  if (version === Version.V1_0) return value.replace(/^ +/, '')
  try {
    return unescapeHeader(value, version)
  } catch {
    return undefined // its own escapes are what is wrong
  }
}

export function badLineEnding(): FrameError {
  return new FrameError(FrameErrorCode.badLineEnding, 'A carriage return must be followed by a line feed')
}
