import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findPorts } from '../../src/runtime/ports.ts'

const host = '127.0.0.1'

async function listenOn(port: number): Promise<number> {
  const server = createServer().listen(port, host)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

describe('findPorts', () => {
  it('gives a free port for 0, another one for each, and leaves them free', async () => {
    const [one, two] = await findPorts([
      { host, port: 0 },
      { host, port: 0 },
    ])
    expect(one).not.toBe(two)
    expect([await listenOn(one!), await listenOn(two!)]).toEqual([one, two])
    expect(await findPorts([])).toEqual([])
  })

  it('keeps a port that is free', async () => {
    const [free] = await findPorts([{ host, port: 0 }])
    expect(await findPorts([{ host, port: free! }])).toEqual([free])
  })

  it('rejects as a listener would when a port is in use, and lets go of the others', async () => {
    const taken = await listenOn(0)
    const [free] = await findPorts([{ host, port: 0 }])
    const finding = findPorts([
      { host, port: free! },
      { host, port: taken },
    ])
    await expect(finding).rejects.toMatchObject({ code: 'EADDRINUSE', port: taken })
    expect(await listenOn(free!)).toBe(free)
  })
})
