/** An app with the debug API on a bus that the test plays, called without a port. */
import { debugGuard, type DebugAccess } from '../../src/debug/access.ts'
import { guardsOf, type BackendKeys } from '../../src/debug/guards.ts'
import { onTestFinished } from 'vitest'
import { debugEndpoints, type DebugApi } from '../../src/debug/endpoints.ts'
import type { Inspect, ProcessView, SessionsQuery } from '../../src/debug/inspection.ts'
import type { SamplesView, Wish } from '../../src/debug/schema.ts'
import type { FakeBusOptions } from '../support/fake-bus.ts'
import { FakeCore } from '../support/fake-core.ts'
import { MAX_BODY_BYTES, testApp, type TestAppOptions } from '../http/support.ts'

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
    recovered: 10,
    notRecovered: 11,
    gapsFilled: 12,
    gapsNotFilled: 13,
    historyReads: 14,
    broadcastPublished: 15,
    broadcastReceived: 16,
  },
  routeMessages: [12, 3],
  destinations: [{ destination: '/topic/a', subscriptions: 2 }],
  errors: [{ code: 'no-route', count: 9 }],
  histories: [{ rule: '/topic/kept/**', messages: 17, ageSeconds: 18 }],
  streamLagSeconds: 0.5,
}

/** What it remembers. */
export const SAMPLES: SamplesView = {
  everySeconds: 10,
  samples: [
    {
      at: 1_790_000_010_000,
      ...{ sessions: 1, subscriptions: 2, unsentBytes: 3, memoryBytes: 4, published: 5, received: 6, delivered: 7 },
      ...{ errors: 8, loopDelaySeconds: 0.009 },
    },
  ],
}

const ROUTES = {
  outbound: [{ destination: '/app/greet', channel: 'OUT', codec: 'json-string' }],
  inbound: [{ channel: 'IN', destination: '/topic/greetings', codec: 'json-string', subscribe: 'on-demand' }],
  convention: false,
  conventionCodec: 'json-string',
} as const

export interface DebugAppOptions {
  readonly access?: Partial<DebugAccess>
  readonly bus?: FakeBusOptions
  readonly keepAliveMs?: number
  readonly backends?: BackendKeys
  readonly notReadyReasons?: DebugApi['notReadyReasons']
  readonly options?: TestAppOptions['options']
}

export function debugApp({
  access = {},
  bus: busOptions = {},
  keepAliveMs = 60_000,
  backends,
  notReadyReasons = () => [],
  options: served = {},
}: DebugAppOptions = {}) {
  const core = new FakeCore({ wrote() {} }, { routes: ROUTES, releaseDelayMs: 0, bus: busOptions })
  const { bus, table, outbound, watches } = core
  onTestFinished(() => core.close())
  const queries: SessionsQuery[] = []
  const closed: string[] = []
  const wishes: Wish[] = []
  const answers = {
    process: () => PROCESS,
    samples: () => SAMPLES,
    sessions: (query: SessionsQuery) => (queries.push(query), { total: 7, sessions: [] }),
    closeSession: (id: string) => id.startsWith('node-') && closed.push(id) > 0,
  }
  const inspect: Inspect = async (name, question) => answers[name](question as never)
  let tcp: { host: string; port: number } | null = null
  const debug: DebugApi = {
    guardFor: guardsOf(debugGuard({ token: undefined, host: '127.0.0.1', allowedOrigins: [], ...access }), backends),
    closeSession: (id) => inspect('closeSession', id),
    facts: {
      version: '1.2.3',
      runtime: 'node 20',
      node: 'node',
      isOpen: true,
      endpoints: { stomp: '/stomp', raw: '/raw', sse: null, configured: ['/ws/{room}'] },
      prefixes: { broker: ['/topic'], application: ['/app'], broadcastChannel: 'BROADCAST', distribution: 'shared' },
      limits: { maxFrameBytes: 65_536 },
      routes: table.views(),
      tcp: () => tcp,
      bus: () => ({
        kind: 'custom',
        description: bus.description,
        unavailableReason: bus.unavailableReason ?? null,
        unavailableSince: bus.unavailableReason === undefined ? null : 1_790_000_005_000,
      }),
      nodes: async () => null,
    },
    inspect,
    explain: (wish) => (
      wishes.push(wish),
      wish.user === 'alice'
        ? { allowed: false, rule: 3, reason: 'so', problem: undefined }
        : { allowed: false, rule: undefined, reason: 'so', problem: 'not there' }
    ),
    outbound,
    watches,
    maxBodyBytes: MAX_BODY_BYTES,
    notReadyReasons: () => notReadyReasons(),
    tail: { keepAliveMs },
  }
  const app = testApp({ options: served, deps: { moreEndpoints: debugEndpoints(debug) } })
  const request = (path: string, init: RequestInit = {}): Promise<Response> =>
    app.request(path, { ...init, headers: { Host: 'localhost:8080', ...init.headers } })
  return {
    ...app,
    request,
    bus,
    watches,
    queries,
    closed,
    wishes,
    listenTcp: (port: number) => (tcp = { host: '::1', port }),
  }
}
