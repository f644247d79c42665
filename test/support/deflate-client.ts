/**
 * A WebSocket client on `ws` that says what was negotiated and how much came over the wire, and can send frames that
 * `ws` would not: for tests of permessage-deflate.
 */
import type { IncomingMessage } from 'node:http'
import { constants, deflateRawSync } from 'node:zlib'
import { WebSocket, type PerMessageDeflateOptions } from 'ws'
import { Inbox } from './clients/inbox.ts'

export interface DeflateClient {
  /** The answered `Sec-WebSocket-Extensions`; undefined if there was none. */
  readonly extensions: string | undefined
  /** Bytes read since the upgrade, as they came. */
  wireBytes(): number
  /** Text messages, decompressed. */
  readonly messages: Inbox<string>
  send(text: string): void
  /** Compressed text messages with these payloads, whatever they are, in one write; each in so many fragments. */
  sendCompressed(payloads: readonly Buffer[], fragments?: number): void
  stopReading(): void
  startReading(): void
  /** Resolves with the close code. */
  readonly closed: Promise<number>
  terminate(): void
}

/** `offer` is what `ws` takes; false offers nothing. */
export function connectDeflateClient(wsUrl: string, offer: boolean | PerMessageDeflateOptions): Promise<DeflateClient> {
  const ws = new WebSocket(wsUrl, { perMessageDeflate: offer })
  const messages = new Inbox<string>('message')
  ws.on('message', (data: Buffer) => messages.put(data.toString()))
  const closed = new Promise<number>((resolve) => ws.on('close', resolve))
  let answer: IncomingMessage | undefined
  ws.on('upgrade', (response) => (answer = response))
  return new Promise((resolve, reject) => {
    ws.on('error', reject) // once open it changes nothing: 'close' follows
    ws.on('open', () => {
      const { socket, headers } = answer!
      const readBefore = socket.bytesRead
      resolve({
        extensions: headers['sec-websocket-extensions'],
        wireBytes: () => socket.bytesRead - readBefore,
        messages,
        send: (text) => ws.send(text),
        sendCompressed: (payloads, fragments = 1) =>
          void socket.write(Buffer.concat(payloads.flatMap((payload) => framesOf(payload, fragments)))),
        stopReading: () => ws.pause(),
        startReading: () => ws.resume(),
        closed,
        terminate: () => ws.terminate(),
      })
    })
  })
}

/** What permessage-deflate makes of some bytes (RFC 7692 section 7.2.1). */
export function deflate(data: string | Uint8Array): Buffer {
  return deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
}

/** A payload that gives so many mebibytes of spaces, without ever being so long here. */
export function bomb(mebibytes: number): Buffer {
  // A full flush ends on a byte and forgets: so a part can be repeated.
  const part = deflateRawSync(Buffer.alloc(1_048_576, ' '), { level: 9, finishFlush: constants.Z_FULL_FLUSH })
  const all = Buffer.concat(Array.from({ length: mebibytes }, () => part))
  return all.subarray(0, -4)
}

/** RSV1 is in the first frame alone (RFC 7692 section 6.1); a mask of zeros is a mask. */
function framesOf(payload: Buffer, fragments: number): Buffer[] {
  const size = Math.ceil(payload.length / fragments)
  return Array.from({ length: fragments }, (_, i) => {
    const part = payload.subarray(i * size, (i + 1) * size)
    const { length } = part
    const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
    header[0] = (i === 0 ? 0x41 : 0x00) | (i === fragments - 1 ? 0x80 : 0)
    header[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127)
    if (header.length === 4) header.writeUInt16BE(length, 2)
    if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2)
    return Buffer.concat([header, Buffer.alloc(4), part])
  })
}
