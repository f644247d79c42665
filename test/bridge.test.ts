/** What the composition root wires by itself: gauges that no part owns. On a runtime that only hands requests over. */
import { describe, expect, it } from 'vitest'
import { createBridge } from '../src/bridge.ts'
import { parseConfig } from '../src/config.ts'
import type { Runtime } from '../src/socket.ts'
import { startBridge } from './support/bridge-stage.ts'
import { FakeBus } from './support/fake-bus.ts'
import { turn } from './support/fake-turn.ts'

describe('bridge', () => {
  it('shows what is open, subscribed and unread, and whether the bus is there', async () => {
    const { bus, open, metric } = await startBridge()
    const gauges = () => Promise.all(['sessions', 'subscriptions', 'unsent_bytes', 'bus_available'].map(metric))
    expect(await gauges()).toEqual([0, 0, 0, 1])
    const [one, other] = [await open(), await open()]
    one.frame('SUBSCRIBE', { id: '1', destination: '/topic/a' })
    one.frame('SUBSCRIBE', { id: '2', destination: '/topic/b', ack: 'client' })
    await turn()
    other.socket.bufferedBytes = 17
    expect(await gauges()).toEqual([2, 2, 17, 1])
    one.frame('UNSUBSCRIBE', { id: '1' })
    other.close()
    bus.setReason('away')
    expect(await gauges()).toEqual([1, 1, 0, 0])
  })
})

it('a bridge on a bus of its own has no streams, and says so', () => {
  const outbound = [{ destination: '/app/test', stream: 'S' }]
  const config = parseConfig({ redis: { url: 'redis://localhost' }, routes: { outbound } })
  const runtime = {} as Runtime
  expect(() => createBridge({ config, runtime, version: '1', bus: new FakeBus() })).toThrow('needs Redis')
})
