/**
 * Owns `POST /api/notifications`, by which a backend without Redis sends many messages in one request. Each of them is
 * taken or refused by itself.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Handler } from 'hono'
import { ProtocolError } from '../errors.ts'
import { elementTexts } from '../json-text.ts'
import { readJson } from './json-body.ts'
import { errorResponse, errorSchema, HttpError, type HttpEnv } from './json-error.ts'
import { keyErrors } from './key-guard.ts'
import {
  notificationHeaders,
  notificationRoute,
  notificationSchema,
  notify,
  onceForEach,
  type Notifier,
} from './notification.ts'
import { traceOf } from './traced.ts'

const MAX_NOTIFICATIONS = 1000

const resultSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true) }),
  z.object({ ok: z.literal(false), error: errorSchema.shape.error }),
])

type Result = z.output<typeof resultSchema>

/** The operation, as the OpenAPI document shows it. */
export const notificationsRoute = createRoute({
  method: 'post',
  path: '/api/notifications',
  operationId: 'sendNotifications',
  tags: ['Messages'],
  summary: 'Send many messages to subscribers',
  description: `Works as many calls of /api/notification, at most ${MAX_NOTIFICATIONS}. The messages are handed over in order, and each is taken or refused by itself. Sent again with the same Idempotency-Key, only those messages go out that did not before, in whatever order they come.`,
  request: {
    headers: notificationHeaders,
    body: {
      required: true,
      content: { 'application/json': { schema: z.array(notificationSchema).max(MAX_NOTIFICATIONS) } },
    },
  },
  responses: {
    200: {
      description: 'What has become of each message, in order',
      content: {
        'application/json': {
          schema: z.object({ results: z.array(resultSchema) }),
          example: {
            results: [
              { ok: true as const },
              { ok: false as const, error: { code: 'bad-field', message: 'Topic is missing: give a string' } },
            ],
          },
        },
      },
    },
    400: errorResponse('The body is no list, or too long', 'bad-field', 'The body must be a list of notifications'),
    ...keyErrors,
    413: notificationRoute.responses[413],
    415: notificationRoute.responses[415],
    500: notificationRoute.responses[500],
  },
})

/** Makes the handler. It answers when the bus has taken or refused all of them. */
export function createNotificationsHandler(outbound: Notifier, maxBodyBytes: number): Handler<HttpEnv> {
  return async (c) => {
    const { value, text } = await readJson(c.req.raw, maxBodyBytes)
    if (!Array.isArray(value)) throw new HttpError('bad-field', 'The body must be a list of notifications')
    if (value.length > MAX_NOTIFICATIONS) {
      throw new HttpError('bad-field', `The body must be a list of at most ${MAX_NOTIFICATIONS} notifications`)
    }
    const texts = elementTexts(text)
    const trace = traceOf(c)
    const once = onceForEach(c)
    // All at once, in order: each is a way to Redis and back.
    const results = value.map(async (item: unknown, index): Promise<Result> => {
      try {
        await notify(outbound, item, texts[index]!, { once, trace })
        return { ok: true }
      } catch (error) {
        return { ok: false, error: errorOf(error) }
      }
    })
    return c.json({ results: await Promise.all(results) }, 200)
  }
}

/** A fault of ours fails the whole request. */
function errorOf(error: unknown): Extract<Result, { ok: false }>['error'] {
  if (error instanceof HttpError) {
    const [first] = error.problems
    const { code, message } = error
    return { code, message, ...(first && { field: first.field, problems: [...error.problems] }) }
  }
  if (error instanceof ProtocolError) return { code: error.code, message: error.message }
  throw error
}
