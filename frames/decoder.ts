/**
 * From bytes to frames. Used by the server's sessions, the debugger and anyone who imports `stomp-bridge/frames`.
 * The scan of a head is resumable, so that a frame that arrives a byte at a time costs no more than one that arrives
 * whole; heads in ASCII at the beginning of a chunk, the ordinary case, are not scanned at all but searched as text.
 */
import { FrameError, FrameErrorCode } from './errors.ts'
import { mayHaveBody, type Frame } from './frame.ts'
import { badLineEnding, decodeHead, findReceipt, isCrLfEol, parseHead, type Head } from './head.ts'
import { allocateBytes, decodeLenient, encodeUtf8, isAscii, SHORT_UNITS, writeBytes, writeUtf8 } from './utf8.ts'
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
/** Nor are such short ones, which hold no frame that would be worth it. */
const MIN_TEXT_BYTES = 16

/** Size of the first buffer of our own. */
const MIN_CAPACITY = 256
/** Our buffer is given up when it is so many times larger than what it has to hold. */
const MAX_SPARE_FACTOR = 16

/**
 * Decodes STOMP frames from a byte stream that may be cut anywhere.
 *
 * Shape:  `push` any chunk (text is taken as UTF-8), then `next` until it gives undefined. A `body` may be a
 *         view of the input, which the caller must not change afterwards; the decoder itself never overwrites it.
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
  /** Size of #buffer if it is our own, which chunks are copied to; 0 if it is a chunk. */
  #capacity = 0
  /** The chunk in #buffer as text, if what is left of it may well be ordinary frames. */
  #text: string | undefined
  /** #text is known to be ASCII up to here, so that its offsets are those of #buffer. */
  #asciiEnd = 0
  // where these are next in #text, as seen from a frame that began before
  #nextCr = -1
  #nextBackslash = -1
  /** Head and NUL-terminated body are scanned up to here. */
  #scan = 0
  /** Where the line being scanned began: complete lines are [#start, #lineStart). */
  #lineStart = 0
  // once the head is complete:
  #head: Head | undefined
  #bodyStart = 0
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
    if (this.#start === this.#end) this.#begin(chunk)
    else if (typeof chunk === 'string' && chunk.length <= SHORT_UNITS) {
      this.#makeRoom(3 * chunk.length)
      this.#end += writeUtf8(chunk, this.#buffer, this.#end)
    } else {
      const bytes = typeof chunk === 'string' ? encodeUtf8(chunk).bytes : chunk // a long text has bytes of its own
      this.#makeRoom(bytes.length)
      writeBytes(bytes, this.#buffer, this.#end)
      this.#end += bytes.length
    }
  }

  /** The next complete frame, or undefined until more bytes come. */
  next(): Frame | undefined {
    if (this.#failure !== undefined) throw this.#failure
    try {
      return this.#head !== undefined || this.#readHead() ? this.#readBody() : undefined
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      const receipt = this.#head
        ? this.#head.headers.get('receipt')
        : findReceipt(this.#buffer.subarray(this.#start, this.#lineStart), this.#version)
      this.#failure = new FrameError(error.code, error.message, receipt)
      this.#beginFrameAt(this.#end) // keeps nothing of it
      throw this.#failure
    }
  }

  /** Nothing is unread: go on in the chunk itself. */
  #begin(chunk: Uint8Array | string): void {
    if (typeof chunk === 'string') {
      const { bytes, length } = encodeUtf8(chunk)
      this.#buffer = bytes
      this.#end = length
    } else {
      this.#buffer = chunk
      this.#end = chunk.length
    }
    const length = this.#end
    if (length > MAX_TEXT_BYTES || length < MIN_TEXT_BYTES) return
    const text = typeof chunk === 'string' ? chunk : decodeLenient(chunk)
    this.#text = text
    this.#asciiEnd = isAscii(text, length) ? length : 0
    this.#nextCr = -1
    this.#nextBackslash = -1
  }

  /** Sees to it that so many bytes can be written behind #end. */
  #makeRoom(length: number): void {
    if (this.#capacity - this.#end >= length) return
    const shift = this.#start
    const unread = this.#end - shift
    const needed = unread + length
    if (this.#capacity >= needed && this.#capacity <= MAX_SPARE_FACTOR * needed)
      this.#buffer.copyWithin(0, shift, this.#end)
    else {
      const grown = allocateBytes(Math.max(MIN_CAPACITY, 2 * needed))
      grown.set(this.#buffer.subarray(shift, this.#end))
      this.#buffer = grown
      this.#capacity = grown.length
    }
    this.#start = 0
    this.#end = unread
    this.#scan -= shift
    this.#lineStart -= shift
    this.#bodyStart -= shift
    this.#text = undefined
  }

  #beginFrameAt(offset: number): void {
    if (offset === this.#end) {
      // let go of the buffer: an idle connection holds none
      this.#buffer = EMPTY
      this.#end = 0
      this.#capacity = 0
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
    if (this.#scan === this.#start && !this.#skipEols()) return false
    return (this.#text !== undefined && this.#readOrdinaryHead(this.#text)) || this.#scanHead()
  }

  /** True if the head is all there, in ASCII, with LF for EOL, and surely within the limits. */
  #readOrdinaryHead(text: string): boolean {
    const start = this.#start
    const { maxFrameBytes, maxHeaderBytes, maxHeaders } = this.#limits
    const blank = text.indexOf('\n\n', start)
    const end = blank + 1
    const nul = text.indexOf('\0', start)
    if (this.#nextCr < start) this.#nextCr = indexOrEnd(text, '\r', start)
    const isWhole = blank > 0 && (nul < 0 || nul > end) && this.#nextCr > end && this.#isAsciiUpTo(end, text)
    const isWithinLimits = end - start <= maxHeaderBytes && end - start + 2 <= maxFrameBytes
    if (!isWhole || !isWithinLimits) {
      this.#text = undefined // or each frame left in the chunk would search all of it again
      return false
    }
    if (this.#nextBackslash < start) this.#nextBackslash = indexOrEnd(text, '\\', start)
    this.#lineStart = end // for an error's receipt
    return this.#takeHead(parseHead(text, start, end, this.#nextBackslash < end, this.#version, maxHeaders), end + 1)
  }

  /** A body need not be ASCII for the head before it to be an ordinary one. */
  #isAsciiUpTo(end: number, text: string): boolean {
    let at = this.#asciiEnd
    while (at < end && text.charCodeAt(at) <= 0x7f) at++
    this.#asciiEnd = at
    return at >= end
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
      isCrLfEol(this.#version) && at > lineStart && this.#buffer[at - 1] === CR ? at - 1 - lineStart : at - lineStart
    const { maxHeaderBytes } = this.#limits
    if (length <= maxHeaderBytes) return length
    throw new FrameError(FrameErrorCode.headerTooLong, `A header line may have at most ${maxHeaderBytes} bytes`)
  }

  /** The head is [#start, #lineStart). The blank line follows it, or is missing: then the body begins there too. */
  #decodeHead(bodyStart: number): true {
    const lines = this.#buffer.subarray(this.#start, this.#lineStart)
    return this.#takeHead(decodeHead(lines, this.#version, this.#limits.maxHeaders), bodyStart)
  }

  #takeHead(head: Head, bodyStart: number): true {
    const { command, bodyLength } = head
    if (bodyLength > 0 && !this.#mayHaveBody(command)) throw bodyNotAllowed(command)
    // refused before a byte of it is buffered
    if (bodyLength >= 0) this.#checkFrameSize(bodyStart - this.#start + bodyLength + 1)
    if (bodyStart === this.#lineStart && (bodyLength > 0 || mayHaveBody(command))) {
      throw new FrameError(FrameErrorCode.badHeader, 'A blank line must stand between headers and body')
    }
    this.#head = head
    this.#bodyStart = bodyStart
    this.#scan = bodyStart
    return true
  }

  /** STOMP 1.1/1.2 "Body"; 1.0 has no such rule. */
  #mayHaveBody(command: string): boolean {
    return mayHaveBody(command) || this.#version === Version.V1_0
  }

  /** Undefined if the body is not complete yet. */
  #readBody(): Frame | undefined {
    const { command, headers, bodyLength } = this.#head!
    const bodyStart = this.#bodyStart
    let bodyEnd: number
    if (bodyLength >= 0) {
      bodyEnd = bodyStart + bodyLength
      if (bodyEnd >= this.#end) return undefined
      if (this.#buffer[bodyEnd] !== NUL) {
        const text = `A NUL must follow the ${bodyLength} bytes that "content-length" announces`
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
    const body = bodyEnd === bodyStart ? EMPTY : this.#bytesOf(bodyStart, bodyEnd)
    this.#beginFrameAt(bodyEnd + 1)
    return { command, headers, body }
  }

  /** A view of a chunk; from our own buffer, which is written again, a copy. */
  #bytesOf(from: number, to: number): Uint8Array {
    const view = this.#buffer.subarray(from, to)
    if (this.#capacity === 0) return view
    const copy = allocateBytes(to - from)
    copy.set(view)
    return copy
  }

  #checkFrameSize(bytes: number): void {
    const { maxFrameBytes } = this.#limits
    if (bytes <= maxFrameBytes) return
    throw new FrameError(FrameErrorCode.frameTooLarge, `A frame may have at most ${maxFrameBytes} bytes`)
  }
}

function indexOrEnd(text: string, character: string, from: number): number {
  const index = text.indexOf(character, from)
  return index < 0 ? text.length : index
}

function bodyNotAllowed(command: string): FrameError {
  return new FrameError(FrameErrorCode.bodyNotAllowed, `A ${command} frame must not have a body`)
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
