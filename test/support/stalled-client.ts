/** A WebSocket client on a bare TCP socket, which subscribes and can stop reading: what no client library does. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'

export interface StalledClient {
  /** Bytes that this client has read. */
  readonly bytesRead: number
  /** Resolves when the connection is gone, however it ended. */
  readonly closed: Promise<void>
  stopReading(): void
  startReading(): void
  /** Everything read so far, as Latin-1. */
  text(): string
  /** Wait until what was read contains this. */
  until(text: string): Promise<void>
  /** Send bytes as they are, masked as one text message. */
  send(text: string): void
  /** Send bytes without any WebSocket framing. */
  sendRaw(bytes: Uint8Array): void
  destroy(): void
}

/** Connects, upgrades, sends CONNECT without heart-beats, and waits for CONNECTED. */
export async function connectStalledClient(port: number, path = '/stomp'): Promise<StalledClient> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {}) // a reset is one way to be closed
  const closed = once(socket, 'close').then(() => undefined)
  const key = randomBytes(16).toString('base64')
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  )
  const text = (): string => Buffer.concat(chunks).toString('latin1')
  const until = async (wanted: string): Promise<void> => {
    while (!text().includes(wanted)) await once(socket, 'data')
  }
  await until(createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64'))
  const client: StalledClient = {
    get bytesRead() {
      return socket.bytesRead
    },
    closed,
    stopReading: () => void socket.pause(),
    startReading: () => void socket.resume(),
    text,
    until,
    send: (frame) => void socket.write(masked(Buffer.from(frame))),
    sendRaw: (bytes) => void socket.write(bytes),
    destroy: () => void socket.destroy(),
  }
  client.send('CONNECT\naccept-version:1.2\nheart-beat:0,0\n\n\0')
  await until('CONNECTED')
  return client
}

/** One client text message (RFC 6455 section 5.2); a mask of zeros is a mask. */
function masked(payload: Buffer): Buffer {
  const { length } = payload
  const header =
    length < 126 ? Buffer.from([0x81, 0x80 | length]) : Buffer.from([0x81, 0x80 | 126, length >> 8, length & 0xff])
  return Buffer.concat([header, Buffer.alloc(4), payload])
}
