/**
 * Owns the plain WebSocket as HTTP sees it: `/raw/…`, and the configured endpoints that stand in for other servers. From
 * the upgrade on the connection is the raw door's.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, Handler } from 'hono'
import type { RawPlan } from '../client/plans.ts'
import { encodeSegment } from '../destinations.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import { destinationBelow, refuseAsk } from './asked.ts'
import type { Entrance } from './entrance.ts'
import { handshakeOf } from './handshake.ts'
import { errorResponse, HttpError, type HttpEnv } from './json-error.ts'
import { isHandshake } from './upgrade.ts'

/** A socket has opened that is to be a plain WebSocket. */
export type OpenRaw = (socket: Socket, plan: RawPlan) => SocketHandler

/** An entry of the setting `endpoints`. */
export interface RawEndpoint {
  readonly path: string
  readonly subscribe: readonly string[]
  readonly send?: string | undefined
  readonly credential?: string | undefined
  readonly frame: 'body' | 'json'
  readonly wrap?: string | undefined
  readonly echo: boolean
}

/** The plan but for who it is. */
type Wanted = Omit<RawPlan, 'identity'>

const UPGRADE_MESSAGE = 'This is a WebSocket endpoint: connect with a WebSocket client, or send "Upgrade: websocket"'

const querySchema = z.object({
  frame: z.enum(['json'], { error: 'Frame must be "json", or be left out' }).optional(),
})

/** The operation, as the OpenAPI document shows it. */
export const rawRoute = createRoute({
  method: 'get',
  path: '/raw/{destination}',
  operationId: 'openRawWebSocket',
  tags: ['Doors'],
  summary: 'Subscribe with a plain WebSocket',
  description:
    'A WebSocket handshake. The connection is subscribed to the destination that follows /raw, such as /topic/greetings ' +
    'for /raw/topic/greetings; each message is the body of one message.',
  request: {
    params: z.object({
      destination: z.string().openapi({
        param: { name: 'destination', in: 'path' },
        description: 'The destination without its first slash, percent-encoded',
        example: 'topic/greetings',
      }),
    }),
    query: z.object({
      frame: z
        .enum(['json'])
        .optional()
        .openapi({
          param: { name: 'frame', in: 'query' },
          description:
            'json: each message is {"destination", "headers", "body"}, with "encoding": "base64" where it is binary',
        }),
    }),
  },
  responses: {
    101: { description: 'The connection is subscribed' },
    400: errorResponse(
      'It cannot be subscribed',
      'bad-destination',
      'Cannot subscribe to "/x": it must start with "/topic/"',
    ),
    401: errorResponse('The login is missing or wrong', 'not-authenticated', 'Login was refused'),
    403: errorResponse('Not allowed', 'not-authorized', 'You may not subscribe to "/topic/greetings"'),
    426: errorResponse('Not a WebSocket handshake', 'upgrade-required', UPGRADE_MESSAGE),
    503: errorResponse('Full, or being shut down', 'too-many-sessions', 'This node is full: try again later'),
  },
})

/** Makes the handler of `/raw/…`. */
export function createRawHandler(entrance: Entrance, open: OpenRaw): Handler<HttpEnv> {
  return (c) => {
    if (!isHandshake(c)) wantsHandshake()
    entrance.admit()
    const query = querySchema.safeParse(c.req.query())
    if (!query.success) throw new HttpError('bad-field', query.error.issues[0]!.message)
    refuseAsk(c)
    const destinations = [destinationBelow(c, '/raw')]
    const wanted: Wanted = { destinations, frame: query.data.frame ?? 'body', sendTo: undefined, isEcho: false }
    return upgrade(c, entrance, open, wanted, undefined)
  }
}

/** Makes the handler of a configured endpoint. */
export function createEndpointHandler(
  endpoint: RawEndpoint,
  entrance: Entrance,
  open: OpenRaw,
): (c: Context<HttpEnv>) => Promise<Response> {
  const { subscribe, send, credential, frame, wrap, echo } = endpoint
  return (c) => {
    if (!isHandshake(c)) wantsHandshake()
    entrance.admit()
    refuseAsk(c)
    const expand = (template: string): string => expandTemplate(c, template)
    const wanted: Wanted = {
      destinations: [...new Set(subscribe.map(expand))],
      frame: wrap === undefined ? frame : { wrap },
      sendTo: send === undefined ? undefined : expand(send),
      isEcho: echo || c.req.query('echo') !== undefined,
    }
    return upgrade(c, entrance, open, wanted, credential === undefined ? undefined : c.req.query(credential))
  }
}

/** Errors: HttpError `upgrade-required`, always. */
export function wantsHandshake(): never {
  throw new HttpError('upgrade-required', UPGRADE_MESSAGE, { headers: { Upgrade: 'websocket' } })
}

async function upgrade(
  c: Context<HttpEnv>,
  entrance: Entrance,
  open: OpenRaw,
  wanted: Wanted,
  secret: string | undefined,
): Promise<Response> {
  const handshake = handshakeOf(c)
  const identity = await entrance.identify(handshake, secret, c.req.raw.signal)
  const claims = await entrance.claim(identity, wanted.destinations)
  return c.env.upgrade(c.req.raw, {
    protocol: offeredProtocol(c),
    open(socket) {
      try {
        return open(socket, { ...wanted, identity })
      } finally {
        claims.release()
      }
    },
  })
}

/** Browsers take a handshake without a sub-protocol for failed when they have offered one; a credential is none. */
function offeredProtocol(c: Context<HttpEnv>): string | undefined {
  const offered = c.req.header('sec-websocket-protocol')?.split(',') ?? []
  return offered.map((name) => name.trim()).find((name) => name !== '' && !name.startsWith('bearer.'))
}

/** Errors: HttpError `bad-field` for a variable that has no value. */
function expandTemplate(c: Context<HttpEnv>, template: string): string {
  return template.replace(
    /\{(query\.)?([A-Za-z_][\w-]*)\}/g,
    (_variable, isQuery: string | undefined, name: string) => {
      const value = isQuery ? c.req.query(name) : c.req.param(name)
      if (value) return encodeSegment(value)
      throw new HttpError('bad-field', `Give the query parameter "${name}" a value`)
    },
  )
}
