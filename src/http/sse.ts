/**
 * Owns Server-Sent Events as HTTP sees them: `/sse/…` for one destination, `/sse?destination=…` for several. From the head
 * of the answer on the stream is the door's.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, Handler } from 'hono'
import type { StreamPlan } from '../client/plans.ts'
import { ProtocolError } from '../errors.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import { destinationBelow, isAsking } from './asked.ts'
import { crossOriginHeaders } from './cors.ts'
import type { Entrance } from './entrance.ts'
import { handshakeOf } from './handshake.ts'
import { errorResponse, HttpError, type HttpEnv } from './json-error.ts'

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
    description: 'Events, until either side ends them',
    content: { 'text/event-stream': { schema: z.string(), example: EXAMPLE } },
  },
  400: errorResponse(
    'It cannot be subscribed',
    'bad-destination',
    'Cannot subscribe to "/x": it must start with "/topic/"',
  ),
  401: errorResponse('The login is missing or wrong', 'not-authenticated', 'Login was refused'),
  403: errorResponse('Not allowed', 'not-authorized', 'You may not subscribe to "/topic/greetings"'),
  429: errorResponse('Too many', 'too-many-subscriptions', 'A session may have at most 128 subscriptions'),
  503: errorResponse('Full, or being shut down', 'too-many-sessions', 'This node is full: try again later'),
}

/** The operation, as the OpenAPI document shows it. */
export const streamRoute = createRoute({
  method: 'get',
  path: '/sse/{destination}',
  operationId: 'streamDestination',
  tags: ['Doors'],
  summary: 'Subscribe with Server-Sent Events',
  description:
    'Subscribes to the destination that follows /sse, such as /topic/greetings for /sse/topic/greetings. Each message is an ' +
    'event "message" whose data is the body; a body that events cannot carry (binary, empty, with a carriage return) comes ' +
    'as JSON with "destination", "headers" and "body".',
  request: {
    params: z.object({
      destination: z.string().openapi({
        param: { name: 'destination', in: 'path' },
        description: 'The destination without its first slash, percent-encoded',
        example: 'topic/greetings',
      }),
    }),
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
  description: 'As with one destination; with more than one the data of each event is JSON.',
  request: {
    query: z.object({
      destination: z
        .array(z.string())
        .openapi({ param: { name: 'destination', in: 'query' }, example: ['/topic/greetings', '/topic/toast'] }),
    }),
  },
  responses,
})

/** Makes the handler of both. */
export function createStreamHandler(entrance: Entrance, open: OpenStream, maxSubscriptions: number): Handler<HttpEnv> {
  return async (c) => {
    entrance.admit()
    // Where a runtime answers a request for another protocol, it needs the whole response first.
    if (c.req.header('upgrade') !== undefined) throw new HttpError('bad-header', 'Leave out the Upgrade header')
    const destinations = destinationsOf(c, maxSubscriptions)
    const asksForMore = isAsking(c) || c.req.header('last-event-id') !== undefined
    const handshake = handshakeOf(c)
    const identity = await entrance.identify(handshake, undefined, c.req.raw.signal)
    const claims = await entrance.claim(identity, destinations)
    return c.env.stream(c.req.raw, {
      headers: { ...EVENT_STREAM_HEADERS, 'X-Content-Type-Options': 'nosniff', ...crossOriginHeaders(c) },
      open(socket) {
        try {
          return open(socket, { identity, destinations, asksForMore })
        } finally {
          claims.release()
        }
      },
    })
  }
}

/** Errors: HttpError `bad-field`; ProtocolError `too-many-subscriptions`. */
function destinationsOf(c: Context<HttpEnv>, max: number): string[] {
  const path = destinationBelow(c, '/sse')
  const named = path.length > 1 ? [path] : []
  const destinations = [...new Set([...named, ...(c.req.queries('destination') ?? [])])]
  if (destinations.length === 0) {
    throw new HttpError('bad-field', 'Say what to subscribe to: /sse/topic/x, or /sse?destination=/topic/x')
  }
  if (destinations.length <= max) return destinations
  throw new ProtocolError('too-many-subscriptions', `A session may have at most ${max} subscriptions`)
}
