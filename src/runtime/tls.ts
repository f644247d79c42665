/** TLS for listeners on Node's own servers, which all three runtimes have for TCP. */
import type { Server as NetServer, Socket as NetSocket } from 'node:net'
import type { Certificate } from '../socket.ts'

/** How long a client may take for the handshake, in milliseconds. */
const HANDSHAKE_TIMEOUT_MS = 10_000

/** Returns what a server of `node:tls` or `node:https` is made with. */
export function tlsOptions({ cert, key }: Certificate) {
  return { cert, key, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_TIMEOUT_MS } as const
}

/** Returns what drops the connections that are in the middle of a handshake: the server does not know them yet. */
export function handshakesOf(server: NetServer): { destroy(): void } {
  const connections = new Set<NetSocket>()
  server.on('connection', (connection) => {
    connections.add(connection)
    connection.once('close', () => connections.delete(connection))
  })
  return {
    destroy() {
      for (const connection of connections) connection.destroy()
    },
  }
}
