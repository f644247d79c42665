/** HTTP as bytes on a bare TCP socket: what no client library sends, and how the server ends a connection. */
import { once } from 'node:events'
import { connect } from 'node:net'

export interface RawConnection {
  /** Everything read so far, as Latin-1. */
  text(): string
  /** Resolves when what was read contains this, from there on; rejects when the connection ends before. */
  until(text: string, from?: number): Promise<void>
  write(bytes: string): void
  /** Writes a byte every so many milliseconds, until the connection is closed. */
  drip(byte: string, everyMs: number): void
  /** Resolves when the connection is gone, however it ended, with the milliseconds since it was opened. */
  readonly closed: Promise<number>
  /** Milliseconds since the last byte was read. */
  idleMs(): number
  destroy(): void
}

export async function connectRaw(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {}) // a reset is one way to be closed
  await once(socket, 'connect')
  const openedAt = performance.now()
  let lastReadAt = openedAt
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    text += chunk
    lastReadAt = performance.now()
  })
  // `once` of node:events would reject when there is an error before.
  const closed = new Promise<number>((resolve) => socket.once('close', () => resolve(performance.now() - openedAt)))
  return {
    text: () => text,
    async until(wanted, from = 0) {
      while (!text.includes(wanted, from)) {
        const ended = closed.then(() => 'closed' as const)
        if ((await Promise.race([once(socket, 'data'), ended])) === 'closed' && !text.includes(wanted, from)) {
          throw new Error(`The connection ended before ${JSON.stringify(wanted)} came: ${text}`)
        }
      }
    },
    write: (bytes) => void socket.write(bytes, 'latin1'),
    drip(byte, everyMs) {
      const timer = setInterval(() => socket.writable && socket.write(byte), everyMs)
      void closed.then(() => clearInterval(timer))
    },
    closed,
    idleMs: () => performance.now() - lastReadAt,
    destroy: () => void socket.destroy(),
  }
}

/** Sends this and reads until the server closes; for requests that end the connection. */
export async function exchange(port: number, bytes: string): Promise<string> {
  const connection = await connectRaw(port)
  connection.write(bytes)
  await connection.closed
  return connection.text()
}
