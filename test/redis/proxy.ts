/** A TCP proxy in front of Redis that can let single connections go silent, as a broken network does, or be slow. */
import { once } from 'node:events'
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'

interface Link {
  readonly client: Socket
  readonly server: Socket
  /** What `CLIENT SETNAME` said. */
  name: string
  isSilent: boolean
}

export interface Proxy {
  readonly url: string
  /** The connections of that role stay open, and nothing passes in either direction any more; later ones are well. */
  silence(role: 'publisher' | 'subscriber'): void
  /** From now on what Redis says comes in pieces of so many bytes, one every so many milliseconds. */
  slowDown(bytes: number, everyMs: number): void
  /** Later connections lead to that port; those that are there stay. */
  leadTo(port: number): void
  /** Ends all connections that there are. */
  cut(): void
  close(): Promise<void>
}

export async function startProxy(firstPort: number): Promise<Proxy> {
  let port = firstPort
  let slow: { readonly bytes: number; readonly everyMs: number } | undefined
  const links = new Set<Link>()
  const server = createServer((client) => {
    const link: Link = { client, server: connect(port, '127.0.0.1'), name: '', isSilent: false }
    links.add(link)
    client.on('data', (data) => {
      link.name ||= /stomp-bridge-\w+-(\w+)/.exec(data.toString('latin1'))?.[1] ?? ''
      if (!link.isSilent) link.server.write(data)
    })
    link.server.on('data', (data) => {
      if (link.isSilent) return
      if (!slow) return client.write(data)
      const { bytes, everyMs } = slow
      link.server.pause()
      const send = (from: number): void => {
        client.write(data.subarray(from, from + bytes))
        if (from + bytes >= data.length) link.server.resume()
        else setTimeout(send, everyMs, from + bytes)
      }
      send(0)
    })
    for (const [end, other] of [
      [client, link.server],
      [link.server, client],
    ] as const) {
      end.on('error', () => {})
      end.on('close', () => {
        links.delete(link)
        other.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    silence(role) {
      const silenced = [...links].filter(({ name }) => name === role)
      if (silenced.length === 0) throw new Error(`No connection of the ${role}`)
      for (const link of silenced) link.isSilent = true
    },
    slowDown(bytes, everyMs) {
      slow = { bytes, everyMs }
    },
    leadTo(later) {
      port = later
    },
    cut() {
      for (const link of links) link.client.destroy()
    },
    async close() {
      for (const link of links) link.client.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
