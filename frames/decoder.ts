/**
 * From bytes to frames. Used by the server's sessions, the debugger and anyone who imports `stomp-bridge/frames`.
 * The scan of a head is resumable, so that a frame that arrives a byte at a time costs no more than one that arrives
 * whole; a chunk of plain ASCII, the ordinary case, is not scanned at all but searched as text.
 */
import { FrameError, FrameErrorCode } from './errors.ts'
import { unescapeHeader } from './escape.ts'
import { FrameHeaders, hasEscapedHeaders, mayHaveBody, type Frame } from './frame.ts'
import { decodeAscii, decodeLenient, decodeUtf8, encodeUtf8 } from './utf8.ts'
import { Version } from './version.ts'

/** Largest sizes taken, in bytes; a line's length is counted without its EOL. */
export interface DecoderLimits {
  /** The whole frame, from the command to the NUL. */
  readonly maxFrameBytes: number
  readonly maxHeaders: number
  /** One header line, or the command line. */
  readonly maxHeaderBytes: number
}

export const DEFAULT_DECODER_LIMITS: DecoderLimits = { maxFrameBytes: 65_536, maxHeaders: 64, maxHeaderBytes: 8_192 }

const NUL = 0
const LF = 10
const CR = 13
const EMPTY = new Uint8Array(0)

/** Longer chunks are not decoded as a whole: one large body would cost more than that saves. */
const MAX_TEXT_BYTES = 16_384

/**
 * Decodes STOMP frames from a byte stream that may be cut anywhere.
 *
 * Shape:  `push` any chunk (text is taken as UTF-8), then `next` until it gives undefined. A `body` is a view of the
 *         input, which the caller must not change afterwards; the decoder itself never overwrites it.
 * Units:  lengths in bytes.
 * Errors: `next` throws FrameError, from then on always the same one, which does not depend on where the input was cut;
 *         `push` then takes no more. "Not enough bytes yet" is no error.
 * Source: STOMP 1.0, 1.1, 1.2 "Frames"; 1.2 "Value Encoding", "Size Limits", "Repeated Header Entries".
 *
 * Until `agree` is called the version is unknown: EOL may be CR LF, and nothing is unescaped.
 */
export class FrameDecoder {
  #limits: DecoderLimits
  #version: Version | undefined

  // unread bytes are #buffer[#start, #end); the frame being read begins at #start
  #buffer: Uint8Array = EMPTY
  #start = 0
  #end = 0
  /** The whole #buffer as text, if it is ASCII and what is left of it may well be ordinary frames. */
  #text: string | undefined
  /** Head and NUL-terminated body are scanned up to here. */
  #scan = 0
  /** Where the line being scanned began: complete lines are [#start, #lineStart). */
  #lineStart = 0
  // once the head is complete:
  #head: { command: string; headers: FrameHeaders } | undefined
  #bodyStart = 0
  /** -1: up to the first NUL. */
  #bodyLength = -1
  #failure: FrameError | undefined

  constructor(limits: DecoderLimits = DEFAULT_DECODER_LIMITS, version?: Version) {
    this.#limits = limits
    this.#version = version
  }

  /** Bytes pushed and not yet given out. */
  get bufferedBytes(): number {
    return this.#end - this.#start
  }

  /** From here on: the version agreed for the session, and the limits that go with it. Call it between frames. */
  agree(version: Version, limits: DecoderLimits = this.#limits): void {
    this.#version = version
    this.#limits = limits
  }

  push(chunk: Uint8Array | string): void {
    if (this.#failure !== undefined) return
    const bytes = typeof chunk === 'string' ? encodeUtf8(chunk) : chunk
    const unread = this.#end - this.#start
    if (unread === 0) {
      this.#rebase(bytes, bytes.length)
      if (bytes.length > MAX_TEXT_BYTES) return
      if (typeof chunk !== 'string') this.#text = decodeAscii(chunk)
      else if (chunk.length === bytes.length) this.#text = chunk
      return
    }
    // Append behind what is unread. Never move bytes inside a buffer: bodies given out earlier are views of it.
    // Only a buffer of ours has room there.
    if (this.#buffer.length - this.#end >= bytes.length) {
      this.#buffer.set(bytes, this.#end)
      this.#end += bytes.length
      return
    }
    const grown = new Uint8Array(Math.max(256, 2 * (unread + bytes.length)))
    grown.set(this.#buffer.subarray(this.#start, this.#end))
    grown.set(bytes, unread)
    this.#rebase(grown, unread + bytes.length)
  }

  /** The next complete frame, or undefined until more bytes come. */
  next(): Frame | undefined {
    if (this.#failure !== undefined) throw this.#failure
    try {
      const isHeadRead = this.#head !== undefined || (this.#skipEols() && this.#readHead())
      return isHeadRead ? this.#readBody() : undefined
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.#failure = new FrameError(error.code, error.message, this.#findReceipt())
      this.#beginFrameAt(this.#end) // keeps nothing of it
      throw this.#failure
    }
  }

  /** Go on in another buffer, where the unread bytes are [0, end). */
  #rebase(buffer: Uint8Array, end: number): void {
    const shift = this.#start
    this.#scan -= shift
    this.#lineStart -= shift
    this.#bodyStart -= shift
    this.#start = 0
    this.#end = end
    this.#buffer = buffer
    this.#text = undefined
  }

  #beginFrameAt(offset: number): void {
    if (offset === this.#end) {
      // let go of the buffer: an idle connection holds none
      this.#buffer = EMPTY
      this.#end = 0
      this.#text = undefined
      offset = 0
    }
    this.#start = offset
    this.#scan = offset
    this.#lineStart = offset
    this.#head = undefined
  }

  /** Steps over EOLs between frames; inside a frame there is none at #start. False if nothing else is there yet. */
  #skipEols(): boolean {
    const buffer = this.#buffer
    const end = this.#end
    let at = this.#start
    for (; at < end; at++) {
      const byte = buffer[at]
      if (byte === LF) continue
      if (byte !== CR) break
      if (at + 1 === end) break // its LF may still come
      if (buffer[at + 1] !== LF) throw badLineEnding()
    }
    const isFrame = at < end && buffer[at] !== CR
    if (at > this.#start) this.#beginFrameAt(at)
    return isFrame
  }

  /** False if the head is not complete yet. */
  #readHead(): boolean {
    const head = this.#findOrdinaryHead()
    if (head === undefined) return this.#scanHead()
    this.#lineStart = this.#start + head.length
    return this.#parseHead(head, this.#lineStart + 1)
  }

  /** The head if it is all there, in ASCII, with LF for EOL, and surely within the limits. */
  #findOrdinaryHead(): string | undefined {
    if (this.#text === undefined) return undefined
    const { maxFrameBytes, maxHeaderBytes } = this.#limits
    const blank = this.#text.indexOf('\n\n', this.#start)
    const head = this.#text.slice(this.#start, blank + 1)
    const isWhole = blank > 0 && !head.includes('\r') && !head.includes('\0')
    const isWithinLimits = head.length <= maxHeaderBytes && head.length + 2 <= maxFrameBytes
    if (isWhole && isWithinLimits) return head
    this.#text = undefined // or each frame left in the chunk would search all of it again
    return undefined
  }

  /** Advances over complete lines. */
  #scanHead(): boolean {
    const buffer = this.#buffer
    // What lies behind the largest frame has no say in which error it is.
    const end = Math.min(this.#end, this.#start + this.#limits.maxFrameBytes)
    let at = this.#scan
    for (; at < end; at++) {
      const byte = buffer[at]!
      if (byte > LF) continue
      if (byte === LF) {
        if (this.#lineLengthUpTo(at) === 0) return this.#decodeHead(at + 1)
        this.#lineStart = at + 1
      } else if (byte === NUL) {
        const isFirstLine = this.#lineStart === this.#start
        // The specification's own DISCONNECT and RECEIPT examples leave out the blank line.
        if (this.#lineLengthUpTo(at) === 0 && !isFirstLine) return this.#decodeHead(at)
        this.#lineStart = at + 1
        throw isFirstLine
          ? new FrameError(FrameErrorCode.badCommand, 'A command line must end with a line feed, not with a NUL')
          : new FrameError(FrameErrorCode.badHeader, 'A header line must end with a line feed, not with a NUL')
      }
    }
    this.#scan = at
    this.#lineLengthUpTo(at)
    this.#checkFrameSize(this.#end - this.#start)
    return false
  }

  /** Length of the line that began at #lineStart, without its EOL. Throws if it is too long. */
  #lineLengthUpTo(at: number): number {
    const lineStart = this.#lineStart
    const length =
      this.#crLfIsEol && at > lineStart && this.#buffer[at - 1] === CR ? at - 1 - lineStart : at - lineStart
    const { maxHeaderBytes } = this.#limits
    if (length <= maxHeaderBytes) return length
    throw new FrameError(FrameErrorCode.headerTooLong, `A header line may have at most ${maxHeaderBytes} bytes`)
  }

  /** STOMP 1.2 "Augmented BNF": EOL is [CR] LF. In 1.0 and 1.1 a CR is part of the value. */
  get #crLfIsEol(): boolean {
    return this.#version === undefined || this.#version === Version.V1_2
  }

  #decodeHead(bodyStart: number): true {
    let head: string
    try {
      head = decodeUtf8(this.#buffer.subarray(this.#start, this.#lineStart))
    } catch {
      // the TypeError says no more
      throw new FrameError(FrameErrorCode.badUtf8, 'Command and headers must be UTF-8')
    }
    return this.#parseHead(head, bodyStart)
  }

  /** `head` is [#start, #lineStart) as text. The blank line follows it, or is missing: then the body begins there too. */
  #parseHead(head: string, bodyStart: number): true {
    const version = this.#version
    if (this.#crLfIsEol && head.includes('\r')) {
      head = head.replaceAll('\r\n', '\n')
      if (version === Version.V1_2 && head.includes('\r')) throw badLineEnding()
    }
    const commandEnd = head.indexOf('\n')
    const command = head.slice(0, commandEnd)
    // one search of the head, instead of one in each name and value
    const isPlain =
      version === Version.V1_0 ? !head.includes(': ') : !head.includes('\\') || !hasEscapedHeaders(command)
    const { maxHeaders } = this.#limits
    const headers = new FrameHeaders()
    for (let from = commandEnd + 1; from < head.length;) {
      if (headers.size === maxHeaders) {
        throw new FrameError(FrameErrorCode.tooManyHeaders, `A frame may have at most ${maxHeaders} headers`)
      }
      const lineEnd = head.indexOf('\n', from)
      const colon = head.indexOf(':', from)
      if (colon < 0 || colon > lineEnd) {
        throw new FrameError(FrameErrorCode.badHeader, 'A header line must be "name:value"')
      }
      if (colon === from) throw new FrameError(FrameErrorCode.badHeader, 'A header name must not be empty')
      const name = head.slice(from, colon)
      const value = head.slice(colon + 1, lineEnd)
      if (isPlain) headers.add(name, value)
      else headers.add(decodeName(name, version), decodeValue(value, version))
      from = lineEnd + 1
    }
    this.#bodyStart = bodyStart
    this.#bodyLength = this.#readContentLength(command, headers)
    if (bodyStart === this.#lineStart && (this.#bodyLength > 0 || mayHaveBody(command))) {
      throw new FrameError(FrameErrorCode.badHeader, 'A blank line must stand between headers and body')
    }
    this.#head = { command, headers }
    this.#scan = bodyStart
    return true
  }

  #readContentLength(command: string, headers: FrameHeaders): number {
    const value = headers.get('content-length')
    if (value === undefined) return -1
    const length = parseLength(value)
    if (length < 0) {
      throw new FrameError(FrameErrorCode.badContentLength, 'Header "content-length" must be a non-negative integer')
    }
    if (length > 0 && !this.#mayHaveBody(command)) throw bodyNotAllowed(command)
    // refused before a byte of it is buffered
    this.#checkFrameSize(this.#bodyStart - this.#start + length + 1)
    return length
  }

  /** STOMP 1.1/1.2 "Body"; 1.0 has no such rule. */
  #mayHaveBody(command: string): boolean {
    return mayHaveBody(command) || this.#version === Version.V1_0
  }

  /** Undefined if the body is not complete yet. */
  #readBody(): Frame | undefined {
    const { command, headers } = this.#head!
    const bodyStart = this.#bodyStart
    let bodyEnd: number
    if (this.#bodyLength >= 0) {
      bodyEnd = bodyStart + this.#bodyLength
      if (bodyEnd >= this.#end) return undefined
      if (this.#buffer[bodyEnd] !== NUL) {
        const text = `A NUL must follow the ${this.#bodyLength} bytes that "content-length" announces`
        throw new FrameError(FrameErrorCode.missingNul, text)
      }
    } else {
      const hasBody = bodyStart < this.#end && this.#buffer[bodyStart] !== NUL
      if (hasBody && !this.#mayHaveBody(command)) throw bodyNotAllowed(command)
      bodyEnd = this.#scan < this.#end ? this.#buffer.indexOf(NUL, this.#scan) : -1
      if (bodyEnd < 0 || bodyEnd >= this.#end) {
        this.#scan = this.#end
        this.#checkFrameSize(this.#end - this.#start)
        return undefined
      }
      this.#checkFrameSize(bodyEnd + 1 - this.#start)
    }
    const body = bodyEnd === bodyStart ? EMPTY : this.#buffer.subarray(bodyStart, bodyEnd)
    this.#beginFrameAt(bodyEnd + 1)
    return { command, headers, body }
  }

  #checkFrameSize(bytes: number): void {
    const { maxFrameBytes } = this.#limits
    if (bytes <= maxFrameBytes) return
    throw new FrameError(FrameErrorCode.frameTooLarge, `A frame may have at most ${maxFrameBytes} bytes`)
  }

  /** The receipt of the frame that cannot be read, if its line can, so that the ERROR can name it. */
  #findReceipt(): string | undefined {
    if (this.#head) return this.#head.headers.get('receipt')
    const lines = decodeLenient(this.#buffer.subarray(this.#start, this.#lineStart))
    const line = /\nreceipt:([^\n\0]*)/.exec(lines)?.[1]
    if (line === undefined || line.includes('\uFFFD')) return undefined
    try {
      return decodeValue(this.#crLfIsEol ? line.replace(/\r$/, '') : line, this.#version)
    } catch {
      return undefined // its own escapes are what is wrong
    }
  }
}

function decodeName(name: string, version: Version | undefined): string {
  return version === undefined ? name : unescapeHeader(name, version)
}

function decodeValue(value: string, version: Version | undefined): string {
  // 1.0's own examples pad values with a space
  return version === Version.V1_0 ? value.replace(/^ +/, '') : decodeName(value, version)
}

/** -1 unless the text is a plain decimal number below 10^15. */
function parseLength(text: string): number {
  if (text.length === 0 || text.length > 15) return -1
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return -1
    length = 10 * length + digit
  }
  return length
}

function bodyNotAllowed(command: string): FrameError {
  return new FrameError(FrameErrorCode.bodyNotAllowed, `A ${command} frame must not have a body`)
}

function badLineEnding(): FrameError {
  return new FrameError(FrameErrorCode.badLineEnding, 'A carriage return must be followed by a line feed')
}

/** Decodes a whole text or byte string at once: for tests, tools and the debugger. Left-over bytes are an error. */
export function decodeFrames(data: Uint8Array | string, version?: Version, limits?: DecoderLimits): Frame[] {
  const decoder = new FrameDecoder(limits, version)
  decoder.push(data)
  const frames: Frame[] = []
  for (let frame = decoder.next(); frame; frame = decoder.next()) frames.push(frame)
  if (decoder.bufferedBytes > 0) throw new FrameError(FrameErrorCode.missingNul, 'The last frame is not complete')
  return frames
}
