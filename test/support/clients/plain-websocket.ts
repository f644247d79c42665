/** A plain WebSocket client, `ws`: what comes is kept as it came. */
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import WebSocket, { type ClientOptions, type RawData } from 'ws'
import { Inbox } from './inbox.ts'

export interface PlainWebSocket {
  /** Text as a string, binary as bytes. */
  readonly messages: Inbox<string | Uint8Array>
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  /** What was agreed; `""` for none. */
  readonly protocol: string
  send(data: string | Uint8Array): void
  close(): void
}

/** Opens one, which goes with the test. Errors: rejects when the upgrade is refused, with the status in the message. */
export async function openPlainWebSocket(
  url: string,
  { onOpen, ...options }: ClientOptions & { readonly protocols?: string[]; readonly onOpen?: () => void } = {},
): Promise<PlainWebSocket> {
  const socket = new WebSocket(url, options.protocols ?? [], options)
  const messages = new Inbox<string | Uint8Array>(`message of ${url}`)
  socket.on('message', (data: RawData, isBinary) => messages.put(isBinary ? bytesOf(data) : bytesOf(data).toString()))
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })
  onTestFinished(() => socket.terminate())
  // Before anything else can happen: what is done from here on must not be missed.
  if (onOpen) socket.once('open', onOpen)
  await once(socket, 'open')
  socket.on('error', () => {}) // a close follows
  return { messages, closed, protocol: socket.protocol, send: (data) => socket.send(data), close: () => socket.close() }
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? Buffer.from(data) : data
}
