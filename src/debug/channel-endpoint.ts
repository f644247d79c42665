/**
 * Owns how the debug API names a channel, and `POST /api/channels/{channel}`, by which a person does what a backend
 * does: publish a payload as it is. Which channels there are, and who reads them, is not known here.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, Handler } from 'hono'
import type { Outbound } from '../broker/outbound.ts'
import { errorResponse, HttpError, type HttpEnv } from '../http/json-error.ts'
import { readBytes } from '../http/request-bytes.ts'
import { debugErrors } from './errors.ts'

/** The longest name, in bytes. */
const MAX_CHANNEL_BYTES = 512

/** Of the path of an operation on a channel. */
export const channelParams = z.object({
  channel: z.string().openapi({
    param: { name: 'channel', in: 'path' },
    description: `Name of the channel without redis.keyPrefix, percent-encoded, 1 to ${MAX_CHANNEL_BYTES} bytes`,
    example: 'GREETING_CHANNEL_INBOUND',
  }),
})

const publishedSchema = z
  .object({
    channel: z.string(),
    bytes: z.int().min(0).openapi({ description: 'Length of the payload' }),
  })
  .openapi('Published')

/** The operation, as the OpenAPI document shows it. */
export const publishRoute = createRoute({
  method: 'post',
  path: '/api/channels/{channel}',
  operationId: 'publishOnChannel',
  tags: ['Debugger'],
  summary: 'Publish on a channel',
  description: 'Publishes the body as it is, like "redis-cli PUBLISH". Write it as the codec of the route expects it.',
  request: {
    params: channelParams,
    body: {
      required: true,
      description: 'The payload, any bytes',
      content: {
        'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }), example: '"Hello"' },
      },
    },
  },
  responses: {
    200: {
      description: 'The bus has accepted it',
      content: {
        'application/json': { schema: publishedSchema, example: { channel: 'GREETING_CHANNEL_INBOUND', bytes: 7 } },
      },
    },
    ...debugErrors,
    413: errorResponse('The body is too large', 'body-too-large', 'The body is too large: send at most 1048576 bytes'),
    503: errorResponse(
      'The bus is unavailable: try again after the seconds in Retry-After',
      'bus-unavailable',
      'The message could not be handed over: the bus is unavailable',
    ),
  },
})

/** Makes the handler. It answers when the bus has the payload. */
export function createPublishHandler(outbound: Pick<Outbound, 'publishOn'>, maxBodyBytes: number): Handler<HttpEnv> {
  return async (c) => {
    const channel = channelOf(c)
    const payload = await readBytes(
      c.req.raw,
      maxBodyBytes,
      (message, cause) => new HttpError('bad-body', message, {}, { cause }),
    )
    await outbound.publishOn(channel, payload)
    const published: z.output<typeof publishedSchema> = { channel, bytes: payload.length }
    return c.json(published, 200, { 'Cache-Control': 'no-store' })
  }
}

/** Returns the channel of the path. Errors: HttpError `bad-field`. */
export function channelOf(c: Context<HttpEnv>): string {
  // Not c.req.param: that leaves what it cannot decode as it is written.
  const [, , , segment = ''] = new URL(c.req.url).pathname.split('/')
  let channel: string
  try {
    channel = decodeURIComponent(segment)
  } catch {
    throw badChannel('must be percent-encoded UTF-8')
  }
  const bytes = new TextEncoder().encode(channel).length
  if (bytes > MAX_CHANNEL_BYTES) throw badChannel(`must have at most ${MAX_CHANNEL_BYTES} bytes, not ${bytes}`)
  return channel
}

function badChannel(text: string): HttpError {
  const message = `The name of the channel ${text}`
  return new HttpError('bad-field', message, { problems: [{ field: 'channel', message }] })
}
