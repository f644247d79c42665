/**
 * Owns the operations on the history of destinations: `GET` and `DELETE /api/history`, and `GET /api/retained`. What is read
 * and forgotten is the matter of others.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, Handler } from 'hono'
import type { Message } from '../delivery/message.ts'
import type { Ask } from '../recovery/ask.ts'
import type { Endpoint } from './endpoint.ts'
import { askOf, askParameters, requireAsk } from './asked.ts'
import { DEFAULT_LIMIT, limitParameter, parseFields } from './fields.ts'
import { errorResponse, HttpError, type HttpEnv } from './json-error.ts'
import { keyErrors, type KeyGuard } from './key-guard.ts'
import { messageView } from './message-view.ts'
import { historyMessageSchema, historyPageSchema } from './schema.ts'

/** Some messages of a destination, and where it stands. */
export interface HistoryPage {
  readonly epoch: string
  readonly offset: string
  readonly recovered: boolean | undefined
  /** Oldest first. */
  readonly messages: readonly Message[]
}

/** The history of all destinations. Each rejects with ProtocolError `no-history`, `bus-unavailable`, `bus-refused`. */
export interface HistoryReader {
  page(destination: string, ask: Ask | undefined, limit: number): Promise<HistoryPage>
  /** Undefined if nothing is kept. */
  retained(destination: string): Promise<Message | undefined>
  clear(destination: string): Promise<void>
}

const destinationParameter = z
  .string()
  .openapi({ description: 'One destination, not a pattern', example: '/topic/prices/gold' })

const EXAMPLE_MESSAGE = {
  offset: '1767225600000-42',
  timestamp: 1_767_225_600_000,
  body: '101.5',
  contentType: 'text/plain;charset=UTF-8',
  headers: {},
}

const historyErrors = {
  ...keyErrors,
  503: errorResponse(
    'The history cannot be read now',
    'bus-unavailable',
    'The history cannot be read: the bus is unavailable',
  ),
}

/** The operation, as the OpenAPI document shows it. */
export const historyRoute = createRoute({
  method: 'get',
  path: '/api/history',
  operationId: 'getHistory',
  tags: ['Messages'],
  summary: 'Read the history of a destination',
  description: 'The messages that are held, oldest first; with since, since-time or last those that are asked for.',
  request: {
    query: z.object({ destination: destinationParameter, ...askParameters, limit: limitParameter('messages') }),
  },
  responses: {
    200: {
      description: 'The messages, and where the destination stands',
      content: {
        'application/json': {
          schema: historyPageSchema,
          example: { epoch: 'k3n9x2', offset: EXAMPLE_MESSAGE.offset, messages: [EXAMPLE_MESSAGE] },
        },
      },
    },
    400: errorResponse('It has no history, or a parameter is wrong', 'no-history', '"/topic/x" has no history'),
    ...historyErrors,
  },
})

/** The operation, as the OpenAPI document shows it. */
export const clearHistoryRoute = createRoute({
  method: 'delete',
  path: '/api/history',
  operationId: 'clearHistory',
  tags: ['Messages'],
  summary: 'Forget the history of a destination',
  description: 'Its epoch changes. Subscribers that have asked where they stand are told that they have not recovered.',
  request: { query: z.object({ destination: destinationParameter }) },
  responses: {
    204: { description: 'Nothing is held any more' },
    400: errorResponse('It has no history, or a parameter is wrong', 'no-history', '"/topic/x" has no history'),
    ...historyErrors,
  },
})

/** The operation, as the OpenAPI document shows it. */
export const retainedRoute = createRoute({
  method: 'get',
  path: '/api/retained',
  operationId: 'getRetained',
  tags: ['Messages'],
  summary: 'Read the message that new subscribers get',
  description: 'Of a destination that retains its newest message, or whose route keeps it in a key.',
  request: { query: z.object({ destination: destinationParameter }) },
  responses: {
    200: {
      description: 'The message',
      content: { 'application/json': { schema: historyMessageSchema, example: EXAMPLE_MESSAGE } },
    },
    400: errorResponse('A parameter is wrong', 'bad-field', 'Say which destination: ?destination=/topic/x'),
    ...historyErrors,
    404: errorResponse('Nothing is retained', 'not-found', 'Nothing is retained for "/topic/x"'),
  },
})

const NO_STORE = { 'Cache-Control': 'no-store' }
const limitQuery = z.object({ limit: limitParameter('messages') })

/** Returns the operations. */
export function historyEndpoints(history: HistoryReader, guard: KeyGuard): Endpoint[] {
  const read = guard.require('read')
  return [
    { route: historyRoute, handler: historyHandler(history), guard: read },
    { route: clearHistoryRoute, handler: clearHandler(history), guard: guard.require('admin') },
    { route: retainedRoute, handler: retainedHandler(history), guard: read },
  ]
}

function historyHandler(history: HistoryReader): Handler<HttpEnv> {
  return async (c) => {
    const destination = destinationOf(c)
    const { limit = DEFAULT_LIMIT } = parseFields(limitQuery, c.req.query())
    const ask = requireAsk(askOf(c))
    const { epoch, offset, recovered, messages } = await history.page(destination, ask, limit)
    return c.json({ epoch, offset, recovered, messages: messages.map(messageView) }, 200, NO_STORE)
  }
}

function clearHandler(history: HistoryReader): Handler<HttpEnv> {
  return async (c) => {
    await history.clear(destinationOf(c))
    return c.body(null, 204)
  }
}

function retainedHandler(history: HistoryReader): Handler<HttpEnv> {
  return async (c) => {
    const destination = destinationOf(c)
    const message = await history.retained(destination)
    if (!message) throw new HttpError('not-found', `Nothing is retained for "${destination}"`)
    return c.json(messageView(message), 200, NO_STORE)
  }
}

/** Errors: HttpError `bad-field`. */
function destinationOf(c: Context<HttpEnv>): string {
  const destination = c.req.query('destination')
  if (destination) return destination
  throw new HttpError('bad-field', `Say which destination: ${c.req.path}?destination=/topic/x`)
}
