/** Owns `GET /api/bridge/samples`: the last hour of the bridge, for a page that draws it. */
import { createRoute } from '@hono/zod-openapi'
import type { Handler } from 'hono'
import type { HttpEnv } from '../http/json-error.ts'
import { debugErrors } from './errors.ts'
import type { Inspect } from './inspection.ts'
import { samplesSchema } from './schema.ts'

/** The operation, as the OpenAPI document shows it. */
export const samplesRoute = createRoute({
  method: 'get',
  path: '/api/bridge/samples',
  operationId: 'getSamples',
  tags: ['Debugger'],
  summary: 'See the last hour',
  description:
    'A sample every ten seconds, oldest first, of an hour at most. They are kept in memory while the debug API is on, and ' +
    'begin anew with the process. With several workers they are sums; a worker that was replaced begins at 0.',
  responses: {
    200: {
      description: 'The samples',
      content: {
        'application/json': {
          schema: samplesSchema,
          example: {
            everySeconds: 10,
            samples: [
              {
                at: 1_790_000_000_000,
                sessions: 2,
                subscriptions: 3,
                unsentBytes: 0,
                memoryBytes: 80_000_000,
                published: 6,
                received: 5,
                delivered: 9,
                errors: 0,
                loopDelaySeconds: 0.002,
              },
            ],
          },
        },
      },
    },
    ...debugErrors,
  },
})

/** Makes the handler. */
export function createSamplesHandler(inspect: Inspect): Handler<HttpEnv> {
  return async (c) => c.json(await inspect('samples', null), 200, { 'Cache-Control': 'no-store' })
}
