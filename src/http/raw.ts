/**
 * Owns the plain WebSocket as HTTP sees it: `/raw/…`, and the configured endpoints that stand in for other servers. From
 * the upgrade on the connection is the raw door's.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Identity } from '../access/identity.ts'
import type { RawPlan } from '../client/plans.ts'
import { encodeSegment } from '../destinations.ts'
import type { Ask } from '../recovery/ask.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import { askOf, askParameters, destinationBelow, destinationParams, requireAsk, requireDecodable } from './asked.ts'
import { entranceErrors, openWith, type Entrance } from './entrance.ts'
import { handshakeOf } from './handshake.ts'
import { errorResponse, HttpError, type HttpEnv } from './json-error.ts'
import { isHandshake } from './upgrade.ts'
import { ws4redisAsk } from './ws4redis.ts'

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
  readonly preset?: 'ws4redis' | undefined
}

type UpgradeHandler = (c: Context<HttpEnv>) => Promise<Response>

/** The plan but for who it is. */
type Wanted = Omit<RawPlan, 'identity' | 'session' | 'remoteAddress' | 'requestId' | 'ask'> & {
  readonly ask?: Ask | string | undefined
}

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
    'A WebSocket handshake. The connection is subscribed to the destination that follows /raw: /raw/topic/greetings ' +
    'subscribes to /topic/greetings. Each WebSocket message is the body of one message.',
  request: {
    params: destinationParams,
    query: z.object({
      frame: z
        .enum(['json'])
        .optional()
        .openapi({
          param: { name: 'frame', in: 'query' },
          description:
            'json: each message is {"destination", "headers", "body"}, with "encoding": "base64" if the body is binary',
        }),
      ...askParameters,
    }),
  },
  responses: {
    101: { description: 'The connection is subscribed' },
    ...entranceErrors,
    426: errorResponse('Not a WebSocket handshake', 'upgrade-required', UPGRADE_MESSAGE),
  },
})

/** Makes the handler of `/raw/…`. */
export function createRawHandler(entrance: Entrance, open: OpenRaw): UpgradeHandler {
  return async (c) => {
    if (!isHandshake(c)) wantsHandshake()
    entrance.admit(c.env)
    requireDecodable(c)
    const query = querySchema.safeParse(c.req.query())
    if (!query.success) throw new HttpError('bad-field', query.error.issues[0]!.message)
    const ask = askOf(c)
    const destinations = [destinationBelow(c, '/raw')]
    const wanted: Wanted = { destinations, ask, frame: query.data.frame ?? 'body', sendTo: undefined, isEcho: false }
    return upgrade(c, entrance, open, () => wanted, undefined)
  }
}

type Wish = (identity: Identity, session: string) => Wanted

function ws4redisWish(c: Context<HttpEnv>): Wish {
  const facility = expandTemplate(c, '{facility}')
  const query = c.req.query()
  return (identity, session) => ({
    ...ws4redisAsk(query, facility, identity, session),
    frame: 'body',
    sendTo: undefined,
  })
}

/** Makes the handler of a configured endpoint. */
export function createEndpointHandler(endpoint: RawEndpoint, entrance: Entrance, open: OpenRaw): UpgradeHandler {
  const { subscribe, send, credential, frame, wrap, echo, preset } = endpoint
  return async (c) => {
    entrance.admit(c.env)
    requireDecodable(c)
    const ask = askOf(c)
    const secret = credential === undefined ? undefined : c.req.query(credential)
    if (preset === 'ws4redis') return upgrade(c, entrance, open, ws4redisWish(c), secret)
    const expand = (template: string): string => expandTemplate(c, template)
    const wanted: Wanted = {
      destinations: [...new Set(subscribe.map(expand))],
      ask,
      frame: wrap === undefined ? frame : { wrap },
      sendTo: send === undefined ? undefined : expand(send),
      isEcho: echo || c.req.query('echo') !== undefined,
    }
    return upgrade(c, entrance, open, () => wanted, secret)
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
  wish: Wish,
  secret: string | undefined,
): Promise<Response> {
  const { identity, session, wanted, claims } = await entrance.enter(c.req.raw, handshakeOf(c), secret, wish)
  const ask = requireAsk(wanted.ask)
  return c.env.upgrade(c.req.raw, {
    protocol: offeredProtocol(c),
    ...openWith(claims, (socket) =>
      open(socket, {
        ...wanted,
        ask,
        identity,
        session,
        remoteAddress: c.env.remoteAddress,
        requestId: c.get('requestId'),
      }),
    ),
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
