/**
 * A STOMP server as there were some ten years ago: it knows version 1.0, no sub-protocol, no `host`, no heart-beats.
 * Keeps every WebSocket message and the head of every upgrade, for tests that look at what the page says to a server.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import { Inbox } from '../../../support/clients/inbox.ts'

export interface OldServer {
  /** `ws://127.0.0.1:PORT` */
  readonly url: string
  /** What clients said, as text. */
  readonly received: Inbox<string>
  readonly upgrades: readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[]
}

/** Runs as long as the test. */
export async function startOldServer(): Promise<OldServer> {
  const received = new Inbox<string>('message to the old server')
  const upgrades: { path: string; headers: IncomingHttpHeaders }[] = []
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => false })
  onTestFinished(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  server.on('connection', (socket, request) => {
    upgrades.push({ path: request.url ?? '', headers: request.headers })
    socket.on('message', (data: Buffer) => {
      received.put(data.toString())
      answer(socket, data.toString())
    })
  })
  await once(server, 'listening')
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, received, upgrades }
}

function answer(socket: WebSocket, message: string): void {
  if (message.startsWith('CONNECT\n')) socket.send('CONNECTED\nsession:old\n\n\0')
  if (message.startsWith('SEND\n')) {
    // To whoever has subscribed, which is the sender here.
    socket.send(message.replace('SEND\n', 'MESSAGE\nmessage-id:1\n'))
  }
}
