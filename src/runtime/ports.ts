/** Finding ports that several processes will share; on `node:net`, which all three runtimes have. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

export interface Place {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
}

/**
 * Returns a port for each place: its own, or a free one.
 *
 * Binds them all for a moment, for itself alone: those who share a port could not tell that a stranger shares it too.
 * Errors: rejects with that of `listen`, such as EADDRINUSE.
 */
export async function findPorts(places: readonly Place[]): Promise<number[]> {
  const servers = places.map(() => createServer())
  try {
    const ports: number[] = []
    for (const [i, { host, port }] of places.entries()) {
      const server = servers[i]!.listen({ host, port, exclusive: true })
      await once(server, 'listening')
      ports.push((server.address() as AddressInfo).port)
    }
    return ports
  } finally {
    const open = servers.filter((server) => server.listening)
    await Promise.all(open.map((server) => new Promise((closed) => server.close(closed))))
  }
}
