/** An app with the debug API on a bus that the test plays, called without a port. */
import { onTestFinished } from 'vitest'
import { Broker } from '../../src/broker/broker.ts'
import type { DebugApi } from '../../src/http/debug-endpoints.ts'
import type { Inspect, ProcessView, SessionsQuery } from '../../src/inspection.ts'
import { Metrics } from '../../src/metrics.ts'
import { RouteTable } from '../../src/routes/table.ts'
import { FakeBus, type FakeBusOptions } from '../support/fake-bus.ts'
import { FakeLog } from '../support/fake-log.ts'
import { testApp, type TestAppOptions } from './support.ts'

export const TOKEN = 'a-secret-of-enough-letters'

/** What the fake process says of itself. */
export const PROCESS: ProcessView = {
  workers: 2,
  startedAt: 1_790_000_000_000,
  totals: {
    sessions: 1,
    subscriptions: 2,
    unsentBytes: 3,
    framesReceived: 4,
    messagesReceived: 5,
    messagesPublished: 6,
    messagesDelivered: 7,
    sessionsOpened: 8,
    errors: 9,
  },
  routeMessages: [12, 3],
  destinations: [{ destination: '/topic/a', subscriptions: 2 }],
}

const ROUTES = {
  outbound: [{ destination: '/app/greet', channel: 'OUT', codec: 'json-string' }],
  inbound: [{ channel: 'IN', destination: '/topic/greetings', codec: 'json-string', subscribe: 'on-demand' }],
  convention: false,
  conventionCodec: 'json-string',
} as const

export interface DebugAppOptions {
  readonly access?: Partial<DebugApi['access']>
  readonly bus?: FakeBusOptions
  readonly keepAliveMs?: number
  readonly options?: TestAppOptions['options']
}

export function debugApp({
  access = {},
  bus: busOptions = {},
  keepAliveMs = 60_000,
  options: served = {},
}: DebugAppOptions = {}) {
  const bus = new FakeBus(busOptions)
  const table = new RouteTable(ROUTES, ['/app'], ['/topic'])
  const options = {
    prefixes: ['/topic'],
    applicationPrefixes: ['/app'],
    broadcastChannel: 'BROADCAST',
    joinFrames: true,
    releaseDelayMs: 0,
    slowClients: [],
  }
  const broker = new Broker(options, table, bus, 'node', new FakeLog(), new Metrics(), { wrote() {} })
  broker.start()
  onTestFinished(() => broker.close())
  const queries: SessionsQuery[] = []
  const closed: string[] = []
  const answers = {
    process: () => PROCESS,
    sessions: (query: SessionsQuery) => (queries.push(query), { total: 7, sessions: [] }),
    closeSession: (id: string) => id.startsWith('node-') && closed.push(id) > 0,
  }
  const inspect: Inspect = async (name, question) => answers[name](question as never)
  let tcp: { host: string; port: number } | null = null
  const debug: DebugApi = {
    access: { token: undefined, host: '127.0.0.1', allowedOrigins: [], ...access },
    facts: {
      version: '1.2.3',
      runtime: 'node 20',
      node: 'node',
      isOpen: true,
      stompPath: '/stomp',
      prefixes: { broker: ['/topic'], application: ['/app'], broadcastChannel: 'BROADCAST' },
      limits: { maxFrameBytes: 65_536 },
      routes: table.views(),
      tcp: () => tcp,
      bus: () => ({ kind: 'custom', description: bus.description, unavailableReason: bus.unavailableReason ?? null }),
      nodes: async () => null,
    },
    inspect,
    broker,
    tail: { keepAliveMs },
  }
  const app = testApp({ options: served, deps: { debug } })
  const request = (path: string, init: RequestInit = {}): Promise<Response> =>
    app.request(path, { ...init, headers: { Host: 'localhost:8080', ...init.headers } })
  return { ...app, request, bus, broker, queries, closed, listenTcp: (port: number) => (tcp = { host: '::1', port }) }
}
