/**
 * A WebSocket message of the server as the frame that goes over the wire, plain and compressed, each built once for
 * however many sockets get it. For runtimes whose WebSockets let frames be written; knows no socket.
 */
import { Buffer } from 'node:buffer'
import { constants, deflateRawSync } from 'node:zlib'
import { concatenate } from './bytes.ts'

const FIN = 0x80
const RSV1 = 0x40
const TEXT = 0x1
const BINARY = 0x2

/** RFC 7692 section 7.2.1: what ends a flushed deflate stream is not sent. */
const TAIL_LENGTH = 4
const DEFLATE_OPTIONS = { finishFlush: constants.Z_SYNC_FLUSH }

export class WebSocketMessage {
  readonly #data: string | Uint8Array
  readonly #compressionMinBytes: number
  #plain: Uint8Array | undefined
  #compressed: Uint8Array | undefined

  constructor(data: string | Uint8Array, compressionMinBytes = Infinity) {
    this.#data = data
    this.#compressionMinBytes = compressionMinBytes
  }

  /** For who has not negotiated permessage-deflate. */
  get plain(): Uint8Array {
    this.#plain ??= buildFrame(this.#data)
    return this.#plain
  }

  /**
   * For who has negotiated it. Compressed by itself, without the context of earlier messages, so that the same bytes
   * are right for each client. The plain frame where compression does not pay: RFC 7692 section 6 leaves it to the sender.
   */
  get compressed(): Uint8Array {
    this.#compressed ??= this.#compress()
    return this.#compressed
  }

  #compress(): Uint8Array {
    const { plain } = this
    const payload = plain.subarray(headerLengthOf(plain))
    if (payload.length < this.#compressionMinBytes) return plain
    const deflated = deflateRawSync(payload, DEFLATE_OPTIONS)
    const length = deflated.length - TAIL_LENGTH
    return length < payload.length ? frameOf(plain[0]! | RSV1, deflated.subarray(0, length)) : plain
  }
}

/** Several messages as one write: their frames, one after the other. */
export class WebSocketMessages {
  readonly #messages: readonly WebSocketMessage[]
  #plain: Uint8Array | undefined
  #compressed: Uint8Array | undefined

  constructor(messages: readonly (string | Uint8Array)[], compressionMinBytes?: number) {
    this.#messages = messages.map((data) => new WebSocketMessage(data, compressionMinBytes))
  }

  /** As for {@link WebSocketMessage}. */
  get plain(): Uint8Array {
    this.#plain ??= concatenate(this.#messages.map(({ plain }) => plain))
    return this.#plain
  }

  get compressed(): Uint8Array {
    this.#compressed ??= concatenate(this.#messages.map(({ compressed }) => compressed))
    return this.#compressed
  }
}

/** A complete, unmasked message in one frame (RFC 6455 section 5.2). */
function buildFrame(data: string | Uint8Array): Uint8Array {
  if (typeof data !== 'string') return frameOf(FIN | BINARY, data)
  const frame = frameFor(FIN | TEXT, Buffer.byteLength(data))
  frame.write(data, headerLengthOf(frame))
  return frame
}

function frameOf(firstByte: number, payload: Uint8Array): Uint8Array {
  const frame = frameFor(firstByte, payload.length)
  frame.set(payload, frame.length - payload.length)
  return frame
}

/** With its header, and room for the payload. */
function frameFor(firstByte: number, length: number): Buffer {
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(headerLength + length)
  frame[0] = firstByte
  if (headerLength === 2) frame[1] = length
  else if (headerLength === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  return frame
}

function headerLengthOf(frame: Uint8Array): number {
  return frame[1] === 126 ? 4 : frame[1] === 127 ? 10 : 2
}
