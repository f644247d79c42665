/** Answers of the debug API and bodies of streams, for the tests of the page's model. Every part can be replaced. */
import { ApiError, type Api } from '../../web-debugger/api/client.ts'
import type { Bridge, Route } from '../../web-debugger/api/types.ts'

export const ROUTES: readonly Route[] = [
  {
    direction: 'outbound',
    destination: '/app/greet',
    channel: 'GREETING_CHANNEL_OUTBOUND',
    codec: 'json-string',
    kind: 'channel',
    isConvention: false,
    messages: 12,
  },
  {
    direction: 'inbound',
    destination: '/topic/greetings',
    channel: 'GREETING_CHANNEL_INBOUND',
    codec: 'json-string',
    kind: 'channel',
    isConvention: false,
    messages: 3,
  },
]

export const BRIDGE: Bridge = {
  version: '0.1.0',
  runtime: 'bun 1.4.5',
  node: 'k3x9ab',
  startedAt: 1_790_000_000_000,
  now: 1_790_000_010_000,
  isOpen: true,
  ready: { isReady: true, reasons: [] },
  bus: {
    kind: 'embedded',
    description: 'embedded, in this process only',
    unavailableReason: null,
    unavailableSince: null,
  },
  nodes: null,
  workers: 1,
  endpoints: { stomp: '/stomp', tcp: null, raw: '/raw', sse: '/sse', configured: [] },
  prefixes: {
    broker: ['/topic'],
    application: ['/app'],
    broadcastChannel: 'BROADCAST-CHANNEL',
    distribution: 'shared',
  },
  routes: ROUTES,
  totals: {
    sessions: 2,
    subscriptions: 3,
    unsentBytes: 0,
    framesReceived: 10,
    messagesReceived: 5,
    messagesPublished: 6,
    messagesDelivered: 9,
    sessionsOpened: 4,
    errors: 0,
    recovered: 0,
    notRecovered: 0,
    gapsFilled: 0,
    gapsNotFilled: 0,
    historyReads: 0,
    broadcastPublished: 0,
    broadcastReceived: 0,
  },
  errors: [],
  histories: [],
  streamLagSeconds: null,
  destinations: [],
  limits: { maxFrameBytes: 65_536 },
}

/** A stream that gives these chunks, then ends. */
export function streamOf(...chunks: readonly (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk)
      controller.close()
    },
  })
}

/** A bridge where nothing happens. */
export function fakeApi(overrides: Partial<Api> = {}): Api {
  return {
    about: async () => ({ version: '0.1.0', path: '/debugger', stompPath: '/stomp', api: true, tokenNeeded: false }),
    bridge: async () => BRIDGE,
    samples: async () => ({ everySeconds: 10, samples: [] }),
    explain: async () => ({ allowed: true, rule: null, reason: 'no access', problem: null }),
    sessions: async () => ({ total: 0, sessions: [] }),
    closeSession: async () => undefined,
    users: async () => ({ users: [] }),
    user: async (user) => ({ user, online: false, sessions: [] }),
    presence: async (destination) => ({ destination, sessions: 0, users: [] }),
    endSession: async () => undefined,
    closeUser: async () => 0,
    revoke: async () => undefined,
    history: async () => ({ epoch: 'e', offset: '0-0', messages: [] }),
    retained: () => Promise.reject(new ApiError('not-found', 404, 'Nothing is retained')),
    clearHistory: async () => undefined,
    queues: async () => [],
    queueMessages: async () => ({ messages: [], more: false }),
    redriveQueue: async () => 0,
    purgeQueue: async () => 0,
    notify: async () => undefined,
    publish: async (_channel, payload) => payload.length,
    tail: () => new Promise(() => undefined),
    ...overrides,
  }
}
