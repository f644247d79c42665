/** A whole bridge on a bus that the test plays, and a runtime that only hands requests over. */
import { onTestFinished } from 'vitest'
import { createBridge } from '../../src/bridge.ts'
import type { BridgeOptions } from '../../src/bridge-api.ts'
import { parseConfig } from '../../src/config.ts'
import type { FetchHandler, RequestEnv, Runtime } from '../../src/socket.ts'
import { FakeBus } from './fake-bus.ts'
import { FakeLog } from './fake-log.ts'
import { FakeNetwork, type FakeClient } from './fake-socket.ts'

/** `settings`: any part of a configuration. */
export async function startBridge(settings: object = {}, options: Partial<BridgeOptions> = {}) {
  const network = new FakeNetwork()
  const bus = new FakeBus()
  const log = new FakeLog()
  let app!: FetchHandler
  const listener = {
    host: '127.0.0.1',
    port: 1,
    useCertificate() {},
    stopAccepting() {},
    close: () => Promise.resolve(),
  }
  const runtime: Runtime = {
    name: 'fake',
    version: '1',
    listen: async ({ fetch }) => {
      app = fetch
      return listener
    },
    listenTcp: async () => listener,
  }
  const bridge = createBridge({ config: parseConfig(settings), runtime, version: '1.2.3', bus, log, ...options })
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
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const json = { 'content-type': 'application/json', ...headers }
    return app(
      new Request(`http://localhost${path}`, { method: 'POST', headers: json, body: JSON.stringify(body) }),
      env,
    )
  }
  /** A client that has sent CONNECT. */
  const open = async (headers: Record<string, string> = {}): Promise<FakeClient> => {
    await get('/stomp', { Upgrade: 'websocket', Connection: 'Upgrade' })
    client!.connect(headers)
    return client!
  }
  /** The value of a metric without labels. */
  const metric = async (name: string): Promise<number> => {
    const text = await (await get('/metrics')).text()
    return Number(new RegExp(`^stomp_bridge_${name} (\\S+)$`, 'm').exec(text)?.[1])
  }
  return { bridge, bus, log, get, post, open, metric }
}
