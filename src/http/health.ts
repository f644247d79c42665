/**
 * Owns what operators and their tools ask: `/health` (does the process live), `/ready` (should it get clients) and
 * `/metrics`. Nothing here may be cached, and nothing here asks another server.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Handler } from 'hono'
import type { Metrics } from '../metrics.ts'
import type { HttpEnv } from './json-error.ts'

const NO_STORE = { 'Cache-Control': 'no-store' }

const healthSchema = z
  .object({
    status: z.literal('ok'),
    version: z.string().openapi({ description: 'Version of the bridge' }),
    runtime: z.string().openapi({ description: 'What it runs on' }),
    uptimeSeconds: z.int().min(0).openapi({ description: 'Whole seconds since start' }),
  })
  .openapi('Health')

const readySchema = z.object({ status: z.literal('ready') }).openapi('Ready')

const notReadySchema = z
  .object({
    status: z.literal('not-ready'),
    reasons: z.array(z.string()).openapi({ description: 'For people, at least one' }),
  })
  .openapi('NotReady')

function json<Schema extends z.ZodType>(schema: Schema, example: z.output<Schema>) {
  return { 'application/json': { schema, example } }
}

/** The operation, as the OpenAPI document shows it. */
export const healthRoute = createRoute({
  method: 'get',
  path: '/health',
  operationId: 'getHealth',
  tags: ['Operation'],
  summary: 'Check that the process is alive',
  description: 'Answers 200 as long as the process can answer, even without Redis. For liveness probes.',
  responses: {
    200: {
      description: 'Alive',
      content: json(healthSchema, { status: 'ok', version: '1.0.0', runtime: 'bun 1.4.5', uptimeSeconds: 3600 }),
    },
  },
})

/** The operation, as the OpenAPI document shows it. */
export const readyRoute = createRoute({
  method: 'get',
  path: '/ready',
  operationId: 'getReadiness',
  tags: ['Operation'],
  summary: 'Check that the bridge is ready for clients',
  description:
    'Answers 503 while the bus is unavailable, Redis refuses a channel that is always needed, or the node is stopping. ' +
    'With several workers it answers 200 only if all of them are ready. For load balancers.',
  responses: {
    200: { description: 'Ready', content: json(readySchema, { status: 'ready' }) },
    503: {
      description: 'Not ready, with the reasons',
      content: json(notReadySchema, { status: 'not-ready', reasons: ['Redis is unavailable'] }),
    },
  },
})

/** The operation, as the OpenAPI document shows it. */
export const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'getMetrics',
  tags: ['Operation'],
  summary: 'Read the metrics',
  description:
    'Counters and gauges of this node in the text format of Prometheus; with several workers, of all of them together.',
  responses: {
    200: {
      description: 'The metrics',
      content: { 'text/plain': { schema: z.string(), example: 'stomp_bridge_sessions 42' } },
    },
  },
})

/** Makes the handler; the uptime counts from now. */
export function createHealthHandler(version: string, runtime: string): Handler<HttpEnv> {
  const startedMs = performance.now()
  return (c) => {
    const uptimeSeconds = Math.floor((performance.now() - startedMs) / 1000)
    const health: z.output<typeof healthSchema> = { status: 'ok', version, runtime, uptimeSeconds }
    return c.json(health, 200, NO_STORE)
  }
}

/** Makes the handler; no reasons means ready. */
export function createReadyHandler(
  notReadyReasons: () => readonly string[] | Promise<readonly string[]>,
): Handler<HttpEnv> {
  return async (c) => {
    const reasons = await notReadyReasons()
    return reasons.length === 0
      ? c.json({ status: 'ready' }, 200, NO_STORE)
      : c.json({ status: 'not-ready', reasons }, 503, NO_STORE)
  }
}

/** Makes the handler. */
export function createMetricsHandler(metrics: Pick<Metrics, 'render' | 'contentType'>): Handler<HttpEnv> {
  return async (c) => c.body(await metrics.render(), 200, { 'Content-Type': metrics.contentType, ...NO_STORE })
}
