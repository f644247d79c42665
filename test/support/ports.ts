/** Ports of this machine on which nobody listens. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

export function freePort(): Promise<number> {
  return listenOnce(0)
}

/** Does nobody listen on this port now? */
export function isFree(port: number): Promise<boolean> {
  return listenOnce(port).then(
    () => true,
    () => false,
  )
}

async function listenOnce(wanted: number): Promise<number> {
  const server = createServer().listen(wanted, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
