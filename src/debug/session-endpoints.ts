/**
 * Owns `GET /api/sessions` and `DELETE /api/sessions/{id}`: who is connected, and how somebody is sent away. Sessions are
 * asked for and told by a function; none is seen here.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Handler } from 'hono'
import { quoted } from '../errors.ts'
import { DEFAULT_LIMIT, limitParameter, parseFields } from '../http/fields.ts'
import { errorResponse, HttpError, type HttpEnv } from '../http/json-error.ts'
import { debugErrors } from './errors.ts'
import type { Inspect } from './inspection.ts'
import { sessionsSchema } from './schema.ts'

const MAX_SEARCH = 1024

/** The query. */
const querySchema = z.object({
  limit: limitParameter('sessions'),
  search: z
    .string()
    .max(MAX_SEARCH, `Search must have at most ${MAX_SEARCH} characters`)
    .optional()
    .openapi({ description: 'Part of an id, a user, a remote address or a destination', example: '/topic/greetings' }),
})

/** The operation, as the OpenAPI document shows it. */
export const sessionsRoute = createRoute({
  method: 'get',
  path: '/api/sessions',
  operationId: 'listSessions',
  tags: ['Debugger'],
  summary: 'See who is connected',
  description: 'Open sessions of all workers, with their subscriptions.',
  request: { query: querySchema },
  responses: {
    200: {
      description: 'The sessions',
      content: {
        'application/json': {
          schema: sessionsSchema,
          example: {
            total: 1,
            sessions: [
              {
                id: 'k3x9ab-1',
                user: null,
                remoteAddress: '127.0.0.1',
                protocol: 'stomp' as const,
                transport: 'websocket' as const,
                version: '1.2',
                openedAt: 1_790_000_000_000,
                unsentBytes: 0,
                framesReceived: 4,
                subscriptions: [{ id: 'sub-0', destination: '/topic/greetings', ack: 'auto' }],
                subscriptionCount: 1,
              },
            ],
          },
        },
      },
    },
    ...debugErrors,
  },
})

/** The operation, as the OpenAPI document shows it. */
export const closeSessionRoute = createRoute({
  method: 'delete',
  path: '/api/sessions/{id}',
  operationId: 'closeSession',
  tags: ['Debugger'],
  summary: 'Close a session',
  description: 'The client gets the error "closed-by-operator" and is closed. The answer does not wait for that.',
  request: {
    params: z.object({
      id: z.string().openapi({
        param: { name: 'id', in: 'path' },
        description: 'Id of the session, from the list',
        example: 'k3x9ab-1',
      }),
    }),
  },
  responses: {
    204: { description: 'The session is being closed' },
    ...debugErrors,
    404: errorResponse('There is no such session', 'not-found', 'There is no session "k3x9ab-1": it may have ended'),
  },
})

/** Makes the handler. */
export function createSessionsHandler(inspect: Inspect): Handler<HttpEnv> {
  return async (c) => {
    const { limit = DEFAULT_LIMIT, search = '' } = parseFields(querySchema, c.req.query())
    return c.json(await inspect('sessions', { limit, search }), 200, { 'Cache-Control': 'no-store' })
  }
}

/** Makes the handler. */
export function createCloseSessionHandler(close: (id: string) => Promise<boolean>): Handler<HttpEnv> {
  return async (c) => {
    const id = c.req.param('id') ?? ''
    if (!(await close(id))) {
      throw new HttpError('not-found', `There is no session ${quoted(id)}: it may have ended`)
    }
    return c.body(null, 204, { 'Cache-Control': 'no-store' })
  }
}
