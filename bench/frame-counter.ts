/** Counts messages that cannot be read, because they may be compressed, by the WebSocket frames that they come in. */
import { constants, inflateRawSync } from 'node:zlib'
import { MARKER_BYTE } from './body.ts'

/** Returns how many messages are in the payload of a WebSocket message. */
export type Look = (payload: Buffer, isCompressed: boolean) => number

/** RFC 7692 section 7.2.2. */
const TAIL = Buffer.from([0, 0, 0xff, 0xff])
const COMPRESSED = 0x40
const CONTROL = 0x08

/** Messages by their markers. */
export function countMarkers(payload: Buffer, isCompressed: boolean): number {
  const text = isCompressed
    ? inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH })
    : payload
  let count = 0
  for (let at = text.indexOf(MARKER_BYTE); at >= 0; at = text.indexOf(MARKER_BYTE, at + 1)) count++
  return count
}

/** Over all clients of a fleet, who all get the same frames: what is in them is known when the one that looks has it. */
export class FrameCounter {
  readonly #size: number
  /** How many messages each client has had after so many frames. */
  readonly #messagesAfter = [0]
  /** Frames over all clients. */
  #frames = 0

  constructor(size: number) {
    this.#size = size
  }

  /** As if every client had got the same share of the frames, rounded down to what all have. */
  get messages(): number {
    const frames = Math.min(Math.floor(this.#frames / this.#size), this.#messagesAfter.length - 1)
    return this.#messagesAfter[frames]! * this.#size
  }

  /** Returns what takes the bytes of one client; exactly one of them has to look. */
  client(look?: Look): (chunk: Buffer) => void {
    let rest: Buffer | undefined
    let skip = 0
    return (incoming) => {
      const chunk = rest ? Buffer.concat([rest, incoming]) : incoming
      rest = undefined
      let at = skip
      for (;;) {
        const header = headerAt(chunk, at)
        const end = at + header.length + header.payloadLength
        // the one that looks waits for all of a frame, the others for its header
        if (header.length === 0 || (look && end > chunk.length)) break
        if ((chunk[at]! & CONTROL) === 0) {
          this.#frames++
          if (look) this.#seen(look(chunk.subarray(at + header.length, end), (chunk[at]! & COMPRESSED) !== 0))
        }
        at = end
      }
      if (at < chunk.length) rest = chunk.subarray(at)
      skip = Math.max(0, at - chunk.length)
    }
  }

  #seen(messages: number): void {
    this.#messagesAfter.push(this.#messagesAfter.at(-1)! + messages)
  }
}

/** Of a server's frame, which is not masked; a length of 0 if the header is not all there. */
function headerAt(chunk: Buffer, at: number): { length: number; payloadLength: number } {
  const short = (chunk[at + 1] ?? 0) & 0x7f
  const length = short < 126 ? 2 : short === 126 ? 4 : 10
  if (at + length > chunk.length) return { length: 0, payloadLength: 0 }
  if (length === 2) return { length, payloadLength: short }
  return { length, payloadLength: length === 4 ? chunk.readUInt16BE(at + 2) : Number(chunk.readBigUInt64BE(at + 2)) }
}
