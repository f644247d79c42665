/** Owns the operations on work queues: list, look into, redrive, purge. What that does is the matter of others. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, Handler } from 'hono'
import type { Message } from '../delivery/message.ts'
import type { Endpoint } from './endpoint.ts'
import { DEFAULT_LIMIT, limitParameter, parseFields } from './fields.ts'
import { errorResponse, type HttpEnv } from './json-error.ts'
import { keyErrors, type KeyGuard } from './key-guard.ts'
import { messageView } from './message-view.ts'
import { queuePageSchema, queueSchema, type QueueCountsView } from './schema.ts'

/** The queues. Each rejects with ProtocolError `no-queue`, `bad-destination`, `bus-unavailable`, `bus-refused`. */
export interface QueueOperator {
  list(): Promise<readonly QueueCountsView[]>
  messages(
    destination: string,
    isDead: boolean,
    limit: number,
  ): Promise<{ readonly messages: readonly Message[]; readonly hasMore: boolean }>
  redrive(destination: string): Promise<number>
  purge(destination: string, isDead: boolean): Promise<number>
}

const params = z.object({
  queue: z.string().openapi({ description: 'Destination of the queue, percent-encoded', example: '/queue/orders' }),
})
const dead = z
  .enum(['true', 'false'])
  .optional()
  .openapi({ description: 'The dead messages in place of those that wait', example: 'true' })

const storeErrors = {
  ...keyErrors,
  502: errorResponse(
    'Redis refuses the stream of a queue',
    'bus-refused',
    'The queues cannot be reached: Redis refuses their streams',
  ),
  503: errorResponse(
    'The queues cannot be reached now',
    'bus-unavailable',
    'The queues cannot be reached: the bus is unavailable',
  ),
}

const queueErrors = {
  ...storeErrors,
  404: errorResponse('There is no such queue', 'no-queue', '"/topic/x" is no work queue'),
}

const EXAMPLE_QUEUE = { queue: '/queue/orders', ready: 12, pending: 3, consumers: 2, dead: 1 }

/** The operation, as the OpenAPI document shows it. */
export const queuesRoute = createRoute({
  method: 'get',
  path: '/api/queues',
  operationId: 'getQueues',
  tags: ['Messages'],
  summary: 'List the work queues',
  description: 'Those that hold something, that somebody has subscribed, or that have a rule of their own.',
  responses: {
    200: {
      description: 'The queues, by destination',
      content: { 'application/json': { schema: z.array(queueSchema), example: [EXAMPLE_QUEUE] } },
    },
    ...storeErrors,
  },
})

/** The operation, as the OpenAPI document shows it. */
export const queueMessagesRoute = createRoute({
  method: 'get',
  path: '/api/queues/{queue}/messages',
  operationId: 'getQueueMessages',
  tags: ['Messages'],
  summary: 'Look into a work queue',
  description:
    'The oldest messages that nobody works on, or the oldest dead ones. They stay where they are. An answer ends at ' +
    '1 MiB of messages, but has at least one: `more` says whether there are others.',
  request: { params, query: z.object({ dead, limit: limitParameter('messages') }) },
  responses: {
    200: {
      description: 'Messages, oldest first; those that have come back before the others',
      content: {
        'application/json': {
          schema: queuePageSchema,
          example: {
            messages: [
              {
                id: 'queue:orders-1767225600000-0',
                body: '{"order":7}',
                contentType: 'application/json',
                headers: {},
              },
            ],
            more: false,
          },
        },
      },
    },
    400: errorResponse('A parameter is wrong', 'bad-field', 'limit must be a whole number'),
    ...queueErrors,
  },
})

/** The operation, as the OpenAPI document shows it. */
export const purgeQueueRoute = createRoute({
  method: 'delete',
  path: '/api/queues/{queue}/messages',
  operationId: 'purgeQueue',
  tags: ['Messages'],
  summary: 'Delete the messages of a work queue',
  description: 'Those that nobody works on, or the dead ones. What a subscriber has stays with it.',
  request: { params, query: z.object({ dead }) },
  responses: {
    200: {
      description: 'How many were deleted',
      content: { 'application/json': { schema: z.object({ deleted: z.int() }), example: { deleted: 12 } } },
    },
    400: errorResponse('A parameter is wrong', 'bad-field', 'dead must be true or false'),
    ...queueErrors,
  },
})

/** The operation, as the OpenAPI document shows it. */
export const redriveQueueRoute = createRoute({
  method: 'post',
  path: '/api/queues/{queue}/redrive',
  operationId: 'redriveQueue',
  tags: ['Messages'],
  summary: 'Put the dead messages of a work queue back into it',
  description: 'At its end, oldest first, as long as it has room. They are counted from the beginning again.',
  request: { params },
  responses: {
    200: {
      description: 'How many went back',
      content: { 'application/json': { schema: z.object({ moved: z.int() }), example: { moved: 1 } } },
    },
    ...queueErrors,
  },
})

const NO_STORE = { 'Cache-Control': 'no-store' }
const peekQuery = z.strictObject({ dead, limit: limitParameter('messages') })
/** A misspelt `dead` must not delete the wrong ones. */
const purgeQuery = z.strictObject({ dead })

/** Returns the operations. */
export function queueEndpoints(queues: QueueOperator, guard: KeyGuard): Endpoint[] {
  const read = guard.require('read')
  const admin = guard.require('admin')
  return [
    { route: queuesRoute, handler: async (c) => c.json(await queues.list(), 200, NO_STORE), guard: read },
    { route: queueMessagesRoute, handler: peekHandler(queues), guard: read },
    { route: purgeQueueRoute, handler: purgeHandler(queues), guard: admin },
    { route: redriveQueueRoute, handler: redriveHandler(queues), guard: admin },
  ]
}

function peekHandler(queues: QueueOperator): Handler<HttpEnv> {
  return async (c) => {
    const { dead: isDead, limit = DEFAULT_LIMIT } = parseFields(peekQuery, c.req.query())
    const { messages, hasMore } = await queues.messages(queueOf(c), isDead === 'true', limit)
    const views = messages.map((each) => ({ id: each.id, ...messageView(each) }))
    return c.json({ messages: views, more: hasMore }, 200, NO_STORE)
  }
}

function purgeHandler(queues: QueueOperator): Handler<HttpEnv> {
  return async (c) => {
    const { dead: isDead } = parseFields(purgeQuery, c.req.query())
    return c.json({ deleted: await queues.purge(queueOf(c), isDead === 'true') }, 200)
  }
}

function redriveHandler(queues: QueueOperator): Handler<HttpEnv> {
  return async (c) => c.json({ moved: await queues.redrive(queueOf(c)) }, 200)
}

function queueOf(c: Context<HttpEnv>): string {
  return c.req.param('queue') ?? ''
}
