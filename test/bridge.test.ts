/** What the composition root wires by itself: gauges that no part owns. On a runtime that only hands requests over. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { createBridge } from '../src/bridge.ts'
import { parseConfig } from '../src/config.ts'
import type { FetchHandler, RequestEnv, Runtime } from '../src/socket.ts'
import { FakeBus } from './support/fake-bus.ts'
import { FakeNetwork, type FakeClient } from './support/fake-socket.ts'
import { turn } from './support/fake-turn.ts'

async function startBridge() {
  const network = new FakeNetwork()
  const bus = new FakeBus()
  let app!: FetchHandler
  const listener = { host: '127.0.0.1', port: 1, stopAccepting() {}, close: () => Promise.resolve() }
  const runtime: Runtime = {
    name: 'fake',
    version: '1',
    listen: async ({ fetch }) => {
      app = fetch
      return listener
    },
    listenTcp: async () => listener,
  }
  const bridge = createBridge({ config: parseConfig({}), runtime, version: '1.2.3', bus })
  onTestFinished(() => bridge.close())
  await bridge.start()
  let client: FakeClient | undefined
  const env: RequestEnv = {
    remoteAddress: '192.0.2.1',
    upgrade(_request, { open }) {
      client = network.connect(open, { closesAtOnce: true })
      return new Response()
    },
    stream: () => new Response(),
  }
  const get = (path: string, headers: Record<string, string> = {}) =>
    app(new Request(`http://localhost${path}`, { headers }), env)
  const open = async (): Promise<FakeClient> => {
    await get('/stomp', { Upgrade: 'websocket', Connection: 'Upgrade' })
    client!.connect()
    return client!
  }
  const gauges = async () => {
    const text = await (await get('/metrics')).text()
    const gauge = (name: string) => Number(new RegExp(`^stomp_bridge_${name} (\\S+)$`, 'm').exec(text)?.[1])
    return ['sessions', 'subscriptions', 'unsent_bytes', 'bus_available'].map(gauge)
  }
  return { bus, open, gauges }
}

describe('bridge', () => {
  it('shows what is open, subscribed and unread, and whether the bus is there', async () => {
    const { bus, open, gauges } = await startBridge()
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
