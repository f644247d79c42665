import { randomBytes } from 'node:crypto'
import { constants, inflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { WebSocketMessage } from '../../src/runtime/websocket-message.ts'

/** First byte and payload, by RFC 6455 section 5.2. */
function read(frame: Uint8Array): { firstByte: number; payload: Buffer } {
  const buffer = Buffer.from(frame)
  const short = buffer[1]!
  const [start, length] =
    short < 126 ? [2, short] : short === 126 ? [4, buffer.readUInt16BE(2)] : [10, Number(buffer.readBigUInt64BE(2))]
  expect(buffer).toHaveLength(start + length)
  return { firstByte: buffer[0]!, payload: buffer.subarray(start) }
}

/** RFC 7692 section 7.2.2. */
function inflate(payload: Buffer): Buffer {
  const tail = Buffer.from([0, 0, 0xff, 0xff])
  return inflateRawSync(Buffer.concat([payload, tail]), { finishFlush: constants.Z_SYNC_FLUSH })
}

describe('an outgoing message', () => {
  it.each([0, 1, 125, 126, 65_535, 65_536, 70_000])('of %d bytes is one frame', (length) => {
    const text = 'é'.repeat(length / 2).padEnd(length - Math.floor(length / 2), 'x')
    const bytes = Buffer.from(text)
    expect(bytes).toHaveLength(length)
    expect(read(new WebSocketMessage(text).plain)).toEqual({ firstByte: 0x81, payload: bytes })
    expect(read(new WebSocketMessage(bytes).plain)).toEqual({ firstByte: 0x82, payload: bytes })
  })

  it.each([10, 500, 70_000, 50_000_000])('of %d times the same letter is one compressed frame', (length) => {
    const text = 'x'.repeat(length)
    const ofText = read(new WebSocketMessage(text, 1).compressed)
    expect(ofText.firstByte).toBe(0xc1)
    expect(ofText.payload.length).toBeLessThan(length)
    expect(inflate(ofText.payload).equals(Buffer.from(text))).toBe(true)
    const ofBytes = read(new WebSocketMessage(Buffer.from(text), 1).compressed)
    expect(ofBytes.firstByte).toBe(0xc2)
    expect(ofBytes.payload.equals(ofText.payload)).toBe(true)
  })

  it('is compressed from the given number of bytes on, not of characters', () => {
    const message = new WebSocketMessage('x'.repeat(99), 100)
    expect(message.compressed).toBe(message.plain)
    expect(read(new WebSocketMessage('x'.repeat(100), 100).compressed).firstByte).toBe(0xc1)
    expect(read(new WebSocketMessage('é'.repeat(50), 100).compressed).firstByte).toBe(0xc1)
  })

  it('is left as it is when it would not get shorter, and without a length to begin with', () => {
    for (const message of [
      new WebSocketMessage(randomBytes(5_000), 1),
      new WebSocketMessage('', 0),
      new WebSocketMessage('x'.repeat(5_000)),
    ]) {
      expect(message.compressed).toBe(message.plain)
    }
  })

  it('is built once, however many take it', () => {
    const message = new WebSocketMessage('x'.repeat(5_000), 1)
    expect(message.compressed).toBe(message.compressed)
    expect(message.plain).toBe(message.plain)
    expect(message.plain).not.toBe(message.compressed)
  })
})
