/**
 * Owns `GET /api/bridge`: the whole bridge as one answer, for a page that draws it. What belongs to one process is asked
 * for and may be of several; the rest is set up once and handed in.
 */
import { createRoute } from '@hono/zod-openapi'
import type { Handler } from 'hono'
import type { HttpEnv } from '../http/json-error.ts'
import { debugErrors } from './errors.ts'
import type { Inspect } from './inspection.ts'
import { bridgeSchema, type BridgeView } from './schema.ts'

/** What of a bridge is known at its start, or by its parts. */
export interface BridgeFacts extends Pick<BridgeView, 'version' | 'runtime' | 'node' | 'isOpen' | 'prefixes'> {
  /** Those that are one number are shown. */
  readonly limits: Readonly<Record<string, unknown>>
  /** But for TCP. */
  readonly endpoints: Omit<BridgeView['endpoints'], 'tcp'>
  readonly routes: readonly Omit<BridgeView['routes'][number], 'messages'>[]
  /** Where STOMP over TCP is spoken; null where it is not. */
  tcp(): BridgeView['endpoints']['tcp']
  bus(): BridgeView['bus']
  nodes(): Promise<BridgeView['nodes']>
}

/** The operation, as the OpenAPI document shows it. */
export const bridgeRoute = createRoute({
  method: 'get',
  path: '/api/bridge',
  operationId: 'getBridge',
  tags: ['Debugger'],
  summary: 'See the bridge',
  description:
    'Routes, nodes, numbers and limits. Numbers count from the start. With several workers they are sums, and "workers" ' +
    'says how many workers have answered.',
  responses: {
    200: {
      description: 'The bridge now',
      content: { 'application/json': { schema: bridgeSchema, example: exampleOf() } },
    },
    ...debugErrors,
  },
})

/** Makes the handler. */
export function createBridgeHandler(
  facts: BridgeFacts,
  inspect: Inspect,
  notReadyReasons: () => readonly string[] | Promise<readonly string[]>,
): Handler<HttpEnv> {
  return async (c) => {
    const [view, nodes, reasons] = await Promise.all([inspect('process', null), facts.nodes(), notReadyReasons()])
    const { version, runtime, node, isOpen, prefixes, limits, endpoints } = facts
    const bridge: BridgeView = {
      version,
      runtime,
      node,
      startedAt: view.startedAt,
      now: Date.now(),
      isOpen,
      ready: { isReady: reasons.length === 0, reasons: [...reasons] },
      bus: facts.bus(),
      nodes,
      workers: view.workers,
      endpoints: { ...endpoints, tcp: facts.tcp() },
      prefixes,
      routes: facts.routes.map((route, i) => ({ ...route, messages: view.routeMessages[i] ?? 0 })),
      totals: view.totals,
      errors: [...view.errors],
      histories: [...view.histories],
      streamLagSeconds: view.streamLagSeconds,
      destinations: [...view.destinations],
      limits: numbersOf(limits),
    }
    return c.json(bridge, 200, { 'Cache-Control': 'no-store' })
  }
}

function numbersOf(limits: Readonly<Record<string, unknown>>): Record<string, number> {
  const isNumber = (entry: [string, unknown]): entry is [string, number] => typeof entry[1] === 'number'
  return Object.fromEntries(Object.entries(limits).filter(isNumber))
}

function exampleOf(): BridgeView {
  return {
    version: '1.0.0',
    runtime: 'bun 1.4.5',
    node: 'k3x9ab',
    startedAt: 1_790_000_000_000,
    now: 1_790_000_001_000,
    isOpen: true,
    ready: { isReady: true, reasons: [] },
    bus: { kind: 'redis', description: 'Redis at localhost:6379', unavailableReason: null, unavailableSince: null },
    nodes: [{ id: 'k3x9ab', isThis: true, address: '127.0.0.1:5123', ageSeconds: 1 }],
    workers: 1,
    endpoints: { stomp: '/stomp', tcp: null, raw: '/raw', sse: '/sse', configured: [] },
    prefixes: {
      broker: ['/topic'],
      application: ['/app'],
      broadcastChannel: 'BROADCAST-CHANNEL',
      distribution: 'shared',
    },
    routes: [
      {
        direction: 'outbound',
        kind: 'channel',
        destination: '/app/greet',
        channel: 'GREETING_CHANNEL_OUTBOUND',
        codec: 'json-string',
        isConvention: false,
        messages: 12,
      },
    ],
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
      broadcastPublished: 3,
      broadcastReceived: 3,
    },
    errors: [{ code: 'no-route', count: 1 }],
    histories: [{ rule: '/topic/news/**', messages: 100, ageSeconds: 3600 }],
    streamLagSeconds: null,
    destinations: [{ destination: '/topic/greetings', subscriptions: 2 }],
    limits: { maxFrameBytes: 65_536 },
  }
}
