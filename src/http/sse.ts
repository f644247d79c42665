/**
 * Owns Server-Sent Events as HTTP sees them: `/sse/…` for one destination, `/sse?destination=…` for several. From the head
 * of the answer on the stream is the door's.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, Handler } from 'hono'
import type { StreamPlan } from '../client/plans.ts'
import type { Ask } from '../recovery/ask.ts'
import { asksOf } from '../recovery/positions.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import { askOf, askParameters, destinationBelow, destinationParams, requireAsk, requireDecodable } from './asked.ts'
import { crossOriginHeaders } from './cors.ts'
import { entranceErrors, openWith, type Entrance } from './entrance.ts'
import { handshakeOf } from './handshake.ts'
import { HttpError, type HttpEnv } from './json-error.ts'

/** A response has begun that is to be a stream of events. */
export type OpenStream = (socket: Socket, plan: StreamPlan) => SocketHandler

/** Headers of every such response. The last one is for nginx, which would gather the events. */
export const EVENT_STREAM_HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
}

const EXAMPLE = `:
retry: 2310

event: message
data: Hello

`

const responses = {
  200: {
    description: 'A stream of events, until either side ends it',
    content: { 'text/event-stream': { schema: z.string(), example: EXAMPLE } },
  },
  ...entranceErrors,
}

const headers = z.object({
  'Last-Event-ID': z
    .string()
    .optional()
    .openapi({
      description:
        'Id of the last event, as browsers send it when they come back: an event "position" for each destination says what ' +
        'has become of it, then comes what was missed. Without history nothing is recovered, and the stream goes on live',
    }),
})

/** The operation, as the OpenAPI document shows it. */
export const streamRoute = createRoute({
  method: 'get',
  path: '/sse/{destination}',
  operationId: 'streamDestination',
  tags: ['Doors'],
  summary: 'Subscribe with Server-Sent Events',
  description:
    'Subscribes to the destination that follows /sse: /sse/topic/greetings subscribes to /topic/greetings. Each message is ' +
    'an event "message" whose data is the body. A body that events cannot carry (binary, empty, or with a carriage return) ' +
    'comes as JSON with "destination", "headers" and "body".',
  request: {
    params: destinationParams,
    query: z.object(askParameters),
    headers,
  },
  responses,
})

/** The operation, as the OpenAPI document shows it. */
export const streamsRoute = createRoute({
  method: 'get',
  path: '/sse',
  operationId: 'streamDestinations',
  tags: ['Doors'],
  summary: 'Subscribe to several destinations with Server-Sent Events',
  description: 'Works as with one destination, but the data of each event is always JSON when there are several.',
  request: {
    query: z.object({
      destination: z.array(z.string()).openapi({
        param: { name: 'destination', in: 'query' },
        description: 'A destination to subscribe to; repeat it for each one',
        example: ['/topic/greetings', '/topic/toast'],
      }),
      ...askParameters,
    }),
    headers,
  },
  responses,
})

/** Makes the handler of both. */
export function createStreamHandler(entrance: Entrance, open: OpenStream): Handler<HttpEnv> {
  return async (c) => {
    entrance.admit(c.env)
    requireDecodable(c)
    const destinations = destinationsOf(c)
    const asks = asksFor(c, destinations.length)
    const { identity, session, claims } = await entrance.enter(c.req.raw, handshakeOf(c), undefined, () => ({
      destinations,
    }))
    const { remoteAddress } = c.env
    const requestId = c.get('requestId')
    const headers = { ...EVENT_STREAM_HEADERS, 'X-Content-Type-Options': 'nosniff', ...crossOriginHeaders(c) }
    if (c.req.method === 'HEAD') {
      claims.release()
      return c.body(null, 200, headers)
    }
    return c.env.stream(c.req.raw, {
      headers,
      ...openWith(claims, (socket) =>
        open(socket, { identity, session, remoteAddress, requestId, destinations, asks }),
      ),
    })
  }
}

/** What browsers send when they come back counts before the query, which stays what it was. Errors: HttpError `bad-field`. */
function asksFor(c: Context<HttpEnv>, destinations: number): readonly Ask[] | undefined {
  const { since, epoch } = c.req.query()
  const id = c.req.header('last-event-id') ?? (epoch === undefined ? since : undefined)
  if (id !== undefined) return asksOf(id, destinations)
  const ask = requireAsk(askOf(c))
  return ask && Array.from({ length: destinations }, () => ask)
}

/** Errors: HttpError `bad-field`. */
function destinationsOf(c: Context<HttpEnv>): string[] {
  const path = destinationBelow(c, '/sse')
  const named = path.length > 1 ? [path] : []
  const destinations = [...new Set([...named, ...(c.req.queries('destination') ?? [])])]
  if (destinations.length > 0) return destinations
  throw new HttpError('bad-field', 'Say what to subscribe to: /sse/topic/x, or /sse?destination=/topic/x')
}
