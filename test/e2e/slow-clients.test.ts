/** Policies for clients that are behind: what is dropped is told, the newest arrives, and nobody else is delayed. */
import type { Redis } from 'ioredis'
import { beforeAll, describe, expect, it } from 'vitest'
import { decodeFrames, type Frame } from '../../frames/index.ts'
import { metric } from '../support/clients/backend.ts'
import type { BridgeProcess } from '../support/process.ts'
import { runtime } from '../support/runtime.ts'
import { connectStalledClient } from '../support/stalled-client.ts'
import { bodyText, connectPeer, frameText } from '../support/stomp-peer.ts'
import { waitFor } from '../support/wait.ts'
import { startWorld } from '../support/world.ts'

const MAX_UNSENT_BYTES = 256 * 1024

describe(`slow clients on ${runtime}`, () => {
  let backend: Redis
  let bridge: BridgeProcess

  beforeAll(async () => {
    ;({ backend, bridge } = await startWorld({
      runtime,
      env: {
        STOMP_BRIDGE_LIMITS_MAX_UNSENT_BYTES: String(MAX_UNSENT_BYTES),
        STOMP_BRIDGE_LIMITS_MAX_UNSENT_MS: '1000',
        STOMP_BRIDGE_ROUTES_CONVENTION_CODEC: 'envelope',
        STOMP_BRIDGE_SLOW_CLIENTS: JSON.stringify([
          { destination: '/topic/prices/**', policy: 'latest', key: 'symbol', maxAgeMs: 60_000 },
          { destination: '/topic/log', policy: 'drop-oldest', maxBytes: 65_536, maxAgeMs: 60_000 },
        ]),
      },
    }))
  })

  const counter = (name: string): Promise<number> => metric(bridge, `stomp_bridge_${name}`)

  it.each([
    ['/topic/log', 'topic:log', 1],
    ['/topic/prices/x', 'topic:prices/x', 3],
  ])(
    '%s: a client that stops reading keeps its connection and gets the newest when it reads again',
    async (destination, channel, keys) => {
      const reader = await connectPeer({ url: bridge.wsUrl, timeoutMs: 20_000 })
      await reader.stompConnect()
      reader.send(frameText('SUBSCRIBE', { id: 'sub-0', destination, receipt: 'live' }))
      await reader.receipt('live')
      const stalled = await connectStalledClient(bridge.port)
      stalled.send(frameText('SUBSCRIBE', { id: 'sub-0', destination, receipt: 'live' }))
      await stalled.until('RECEIPT')
      stalled.stopReading()
      const [droppedBefore, closedBefore] = [
        await counter('messages_dropped_total'),
        await counter('slow_consumers_closed_total'),
      ]

      let sent = 0
      const filler = 'x'.repeat(4_000)
      const publish = (): Promise<number> => {
        const body = `${sent} ${filler}`
        return backend.publish(channel, JSON.stringify({ body, headers: { symbol: String(sent++ % keys) } }))
      }
      while ((await counter('messages_dropped_total')) < droppedBefore + 100) {
        expect(sent).toBeLessThan(20_000)
        await Promise.all(Array.from({ length: 20 }, publish))
      }
      const first = sent
      // The limit on age has passed by now, or does while this client reads nothing.
      await waitFor(async () => (await counter('unsent_bytes')) > 0)
      stalled.startReading()
      await waitFor(() => stalled.text().includes(`\n\n${first - 1} `), { timeoutMs: 20_000 })
      await waitFor(async () => (await counter('unsent_bytes')) === 0)
      await publish()
      await waitFor(() => stalled.text().includes(`\n\n${first} `), { timeoutMs: 20_000 })

      const messages = messagesOf(stalled.text())
      const numbers = messages.map((frame) => parseInt(bodyText(frame), 10))
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
      expect(new Set(numbers).size).toBe(numbers.length)
      const told = messages.reduce((sum, frame) => sum + Number(frame.headers.get('dropped') ?? 0), 0)
      expect(told).toBe(sent - numbers.length)
      expect(numbers.slice(-1 - keys)).toEqual(Array.from({ length: keys + 1 }, (_, i) => sent - 1 - keys + i))
      expect((await counter('messages_dropped_total')) - droppedBefore).toBe(told)
      expect(await counter('slow_consumers_closed_total')).toBe(closedBefore)

      // the other one got everything, and is told of nothing
      await waitFor(() => reader.frames.length === sent + 2, { timeoutMs: 20_000 })
      expect(reader.frames.slice(2).map((frame) => parseInt(bodyText(frame), 10))).toEqual(
        Array.from({ length: sent }, (_, i) => i),
      )
      expect(reader.frames.some((frame) => frame.headers.has('dropped'))).toBe(false)
      stalled.destroy()
      reader.terminate()
    },
  )
})

/** The MESSAGE frames in what a raw WebSocket client has read: WebSocket headers stand between frames. */
function messagesOf(text: string): Frame[] {
  return text
    .split('\0')
    .filter((part) => part.includes('MESSAGE\n'))
    .flatMap((part) => decodeFrames(`${part.slice(part.indexOf('MESSAGE\n'))}\0`, '1.2'))
}
