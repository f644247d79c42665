/** SockJS sessions of clients that mean no good, or that are in trouble: nobody else is harmed, and nothing is kept of them. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Redis } from 'ioredis'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { metric } from '../../support/clients/backend.ts'
import { connectSockJs, TRANSPORTS, XhrRequests } from '../../support/clients/sockjs.ts'
import { connectStompjs7 } from '../../support/clients/stompjs7.ts'
import type { BridgeProcess } from '../../support/process.ts'
import type { RedisServer } from '../../support/redis.ts'
import { runtime } from '../../support/runtime.ts'
import { eventually } from '../../support/wait.ts'
import { startWorld } from '../../support/world.ts'

const MAX_SESSIONS = 60
const AT_ONCE = 10
/** More than the kernel takes for somebody who does not read. */
const BODY = 'x'.repeat(100_000)
/** With a session over HTTP that is left alone. */
const FORGOTTEN = { timeoutMs: 15_000, intervalMs: 100 }

describe(`SockJS on ${runtime}`, () => {
  let redis: RedisServer
  let backend: Redis
  let bridge: BridgeProcess
  beforeAll(async () => {
    ;({ redis, backend, bridge } = await startWorld({
      runtime,
      env: {
        STOMP_BRIDGE_DOORS_SOCKJS: 'true',
        STOMP_BRIDGE_LIMITS_MAX_SESSIONS: String(MAX_SESSIONS),
        STOMP_BRIDGE_LIMITS_MAX_UNSENT_MS: '2000',
        STOMP_BRIDGE_SHUTDOWN_LINGER_MS: '500',
      },
    }))
  })
  const sessions = () => metric(bridge, 'stomp_bridge_sessions')
  const session = (options = {}) => new XhrRequests(bridge.url, options)
  const untilSessions = (count: number) => eventually(async () => expect(await sessions()).toBe(count), FORGOTTEN)

  it('takes as many sessions as there may be, refuses more, and forgets those that are never polled again', async () => {
    await untilSessions(0)
    const statuses: number[] = []
    for (let i = 0; i < MAX_SESSIONS + 100; i += AT_ONCE) {
      const opened = await Promise.all(Array.from({ length: AT_ONCE }, () => session().request('xhr')))
      statuses.push(...opened.map(({ status }) => status))
    }
    // Those who were let in at the same moment and find no room any more are told when they ask again.
    expect(await sessions()).toBeLessThanOrEqual(MAX_SESSIONS + AT_ONCE)
    const refused = statuses.filter((status) => status === 503).length
    expect(refused).toBeGreaterThanOrEqual(100 - AT_ONCE)
    expect(statuses.filter((status) => status === 200)).toHaveLength(statuses.length - refused)
    await untilSessions(0)
    expect(await session().poll()).toBe('o\n')
  })

  it('knows no session by a wrong id, whatever is asked of it', async () => {
    const real = session()
    await real.poll()
    const guesses = await Promise.all(
      Array.from({ length: 200 }, () => session().send('SEND\ndestination:/topic/x\n\n\0')),
    )
    expect(new Set(guesses)).toEqual(new Set([404]))
    for (const id of ['__proto__', 'constructor', '%00', '%F0%9F%98%80', '*', 'a'.repeat(128)]) {
      expect(await session({ id }).send('x')).toBe(404)
    }
  })

  it('refuses what is too large, announced or not, and goes on', async () => {
    const one = session()
    await one.connect()
    const { lines } = await one.stream()
    expect((await lines.take(2))[1]).toContain('CONNECTED')
    expect((await one.request('xhr_send', { body: `["${'x'.repeat(5_000_000)}"]` })).status).toBe(413)
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new TextEncoder().encode('x'.repeat(100_000))),
    })
    const endless = one.request('xhr_send', { body, duplex: 'half' }).then(
      ({ status }) => status,
      () => 413, // the connection was cut while it still sent
    )
    expect(await endless).toBe(413)
    expect((await one.request('xhr_send', { body: '['.repeat(4_000_000) })).status).toBe(500)
    expect(await one.send('SUBSCRIBE\nid:0\nreceipt:r\ndestination:/topic/x\n\n\0')).toBe(204)
    expect(await lines.next()).toContain('RECEIPT')
  })

  it('ends a session that floods before CONNECT, or with a frame that is too large', async () => {
    for (const text of [`CONNECT\na:${'x'.repeat(100_000)}`, `CONNECT\n\n${'x'.repeat(1_000_000)}`]) {
      const one = session()
      await one.poll()
      await one.send(text)
      expect(await one.pollUntil('c[')).toMatch(/ERROR[\s\S]*c\[1/)
    }
  })

  /** A client that has the head of the answer, and reads nothing more. */
  async function stall(id: string, transport: string): Promise<Socket> {
    const socket = connect(bridge.port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {}) // a reset is one way to be dropped
    socket.write(`POST /stomp/000/${id}/${transport} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`)
    if (transport === 'xhr_streaming') await once(socket, 'data')
    socket.pause()
    return socket
  }

  it.each(['xhr', 'xhr_streaming'])(
    'closes a session whose client does not read, and nobody waits for it: %s',
    async (transport) => {
      const id = randomUUID()
      const one = session({ id })
      await one.connect()
      await one.pollUntil('CONNECTED')
      await one.send(`SUBSCRIBE\nid:0\nreceipt:r\ndestination:/topic/slow-${transport}\n\n\0`)
      await one.pollUntil('RECEIPT')
      const closed = await metric(bridge, 'stomp_bridge_slow_consumers_closed_total')
      const stalled = await stall(id, transport)
      const reader = await connectSockJs(bridge.url, 'websocket')
      const messages = await reader.subscribe(`/topic/slow-${transport}`)
      let sent = 0
      await eventually(
        async () => {
          await backend.publish(`topic:slow-${transport}`, JSON.stringify(`${sent++} ${BODY}`))
          await messages.next()
          expect(await metric(bridge, 'stomp_bridge_slow_consumers_closed_total')).toBe(closed + 1)
        },
        { timeoutMs: 20_000, intervalMs: 1 },
      )
      expect(messages.all.map(({ body }) => Number(body.split(' ', 1)[0]))).toEqual(
        Array.from({ length: sent }, (_, i) => i),
      )
      await reader.disconnect()
      stalled.resume()
    },
  )

  it('lets nobody take over a session beside its own connection, and ends it rather than lose messages', async () => {
    const one = session()
    const { lines } = await one.stream()
    await lines.take(2)
    for (let i = 0; i < 20; i++) expect(await one.poll()).toBe('c[2010,"Another connection still open"]\n')
    await one.send('CONNECT\naccept-version:1.2\n\n\0')
    expect(await lines.next()).toContain('CONNECTED')
    one.abort()
    await eventually(async () => expect(await one.poll()).toBe('c[1002,"Connection interrupted"]\n'))
  })

  it.each(TRANSPORTS)(
    'says that Redis is away as over WebSocket, and goes on when it is back: %s',
    async (transport) => {
      const client = await connectSockJs(bridge.url, transport)
      const messages = await client.subscribe(`/topic/away-${transport}`)
      await redis.crash()
      const refused = await connectStompjs7(bridge)
      await eventually(async () => expect((await fetch(`${bridge.url}/ready`)).status).toBe(503))
      await expect(refused.send('/topic/x', 'x')).rejects.toMatchObject({ headers: { code: 'bus-unavailable' } })
      await redis.restart()
      await eventually(async () => expect((await fetch(`${bridge.url}/ready`)).status).toBe(200), { timeoutMs: 15_000 })
      await client.send(`/topic/away-${transport}`, 'back')
      expect((await messages.next()).body).toBe('back')
      await client.disconnect()
    },
  )

  it('survives requests that are broken off at any moment', async () => {
    const attempts = Array.from({ length: 100 }, async (_, i) => {
      const socket = connect(bridge.port, '127.0.0.1')
      socket.on('error', () => {})
      await once(socket, 'connect')
      const text = `POST /stomp/000/${randomUUID()}/xhr_streaming HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`
      socket.write(text.slice(0, 20 + i * 2))
      socket.destroy()
      await once(socket, 'close')
    })
    await Promise.all(attempts)
    await untilSessions(0)
    expect((await fetch(`${bridge.url}/health`)).status).toBe(200)
  })
})
