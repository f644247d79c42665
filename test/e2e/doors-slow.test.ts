/** A reader of a door that stops reading: it is closed, or loses messages where that is the policy, and delays nobody. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Redis } from 'ioredis'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { metric } from '../support/clients/backend.ts'
import { openEventStream } from '../support/clients/event-stream.ts'
import { openPlainWebSocket } from '../support/clients/plain-websocket.ts'
import type { BridgeProcess } from '../support/process.ts'
import { runtime } from '../support/runtime.ts'
import { eventually } from '../support/wait.ts'
import { startWorld } from '../support/world.ts'

const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]
/** More than the kernel takes for somebody who does not read. */
const BODY = 'x'.repeat(100_000)

describe(`readers of the doors on ${runtime} that stop reading`, () => {
  let backend: Redis
  let bridge: BridgeProcess
  beforeAll(async () => {
    const slowClients = [{ destination: '/topic/latest/**', policy: 'latest', maxAgeMs: 60_000 }]
    const env = {
      STOMP_BRIDGE_LIMITS_MAX_UNSENT_BYTES: String(1_000_000),
      STOMP_BRIDGE_LIMITS_MAX_UNSENT_MS: '2000',
      STOMP_BRIDGE_SHUTDOWN_LINGER_MS: '500',
      STOMP_BRIDGE_SLOW_CLIENTS: JSON.stringify(slowClients),
    }
    ;({ backend, bridge } = await startWorld({ runtime, env }))
  })

  /** A client that has the head of the answer, and reads nothing more. */
  async function stall(path: string, headers: readonly string[]): Promise<Socket> {
    const socket = connect(bridge.port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {}) // a reset is one way to be dropped
    socket.write([`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${bridge.port}`, ...headers, '', ''].join('\r\n'))
    let head = ''
    while (!head.includes('\r\n\r\n')) head += String((await once(socket, 'data'))[0])
    expect(head).toMatch(/^HTTP\/1\.1 (101|200) /)
    socket.pause()
    return socket
  }

  it.each([
    ['a plain WebSocket', '/raw/topic/slow', UPGRADE],
    ['an event stream', '/sse/topic/slow', []],
  ])('are dropped, and nobody waits for them: %s', async (_door, path, headers) => {
    const closed = await metric(bridge, 'stomp_bridge_slow_consumers_closed_total')
    const stalled = await stall(path, headers)
    const gone = once(stalled, 'close')
    const [plain, events] = [
      await openPlainWebSocket(`${bridge.url.replace('http', 'ws')}/raw/topic/slow`),
      await openEventStream(`${bridge.url}/sse/topic/slow`),
    ]
    let sent = 0
    await eventually(
      async () => {
        await backend.publish('topic:slow', JSON.stringify(`${sent++} ${BODY}`))
        // One at a time, so that those who read are never behind themselves.
        await Promise.all([plain.messages.next(), events.events.next()])
        expect(await metric(bridge, 'stomp_bridge_slow_consumers_closed_total')).toBe(closed + 1)
      },
      { timeoutMs: 20_000, intervalMs: 1 },
    )
    const numberOf = (text: unknown) => Number(String(text).split(' ', 1)[0])
    const wanted = Array.from({ length: sent }, (_, i) => i)
    expect(plain.messages.all.map(numberOf)).toEqual(wanted)
    expect(events.events.all.map(({ data }) => numberOf(data))).toEqual(wanted)
    // It takes nothing of what is left either, so its connection is cut.
    await eventually(async () => expect(await metric(bridge, 'stomp_bridge_sessions')).toBe(2))
    stalled.resume()
    await gone
    events.close()
    plain.close()
    await eventually(async () => expect(await metric(bridge, 'stomp_bridge_sessions')).toBe(0))
  })

  it('lose messages where that is the policy, and are told so', async () => {
    const dropped = await metric(bridge, 'stomp_bridge_messages_dropped_total')
    const stalled = await stall('/sse/topic/latest/x', [])
    let text = ''
    let sent = 0
    await eventually(
      async () => {
        await backend.publish('topic:latest/x', JSON.stringify(`${sent++} ${BODY}`))
        expect(await metric(bridge, 'stomp_bridge_messages_dropped_total')).toBeGreaterThan(dropped + 3)
      },
      { timeoutMs: 20_000, intervalMs: 1 },
    )
    await backend.publish('topic:latest/x', '"the newest"')
    stalled.on('data', (data) => (text += data.toString('latin1')))
    stalled.resume()
    await eventually(() => expect(text).toContain('data: the newest\n'), { timeoutMs: 10_000 })
    expect(text).toMatch(/event: dropped\ndata: \{"destination":"\/topic\/latest\/x","count":\d+\}\n\n/)
    expect(text.indexOf('event: dropped')).toBeLessThan(text.indexOf('data: the newest'))
  })
})
