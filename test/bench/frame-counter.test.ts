import { describe, expect, it } from 'vitest'
import { MARKER } from '../../bench/body.ts'
import { countMarkers, FrameCounter } from '../../bench/frame-counter.ts'
import { WebSocketMessage } from '../../src/runtime/websocket-message.ts'

const text = (messages: number, bytes: number): string => `${MARKER}${'x'.repeat(bytes)}`.repeat(messages)
const plain = (messages: number, bytes = 10): Uint8Array => new WebSocketMessage(text(messages, bytes)).plain
const compressed = (messages: number): Uint8Array => new WebSocketMessage(text(messages, 500), 1).compressed
const PING = Uint8Array.of(0x89, 2, MARKER.charCodeAt(0), 0)

describe('frame counter', () => {
  const stream = Buffer.concat([plain(1), PING, compressed(3), plain(2, 300), plain(1, 70_000), compressed(1)])

  it.each([1, 2, 3, 7, 1_000, stream.length])('counts what is in frames that come in pieces of %d bytes', (size) => {
    const counter = new FrameCounter(2)
    const clients = [counter.client(countMarkers), counter.client()]
    for (const read of clients) {
      for (let at = 0; at < stream.length; at += size) read(stream.subarray(at, at + size))
    }
    expect(counter.messages).toBe(2 * 8)
  })

  it('knows nothing before the one that looks has it, and before the others have it too', () => {
    const counter = new FrameCounter(2)
    const [looking, other] = [counter.client(countMarkers), counter.client()]
    const frame = Buffer.from(compressed(5))
    other(frame)
    expect(counter.messages).toBe(0)
    looking(frame)
    expect(counter.messages).toBe(10)
    looking(frame)
    expect(counter.messages).toBe(10)
    other(frame)
    expect(counter.messages).toBe(20)
  })
})
