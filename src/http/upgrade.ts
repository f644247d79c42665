/**
 * Owns the STOMP endpoint as HTTP sees it: who may come in, with which sub-protocol, and what everyone else reads. From
 * the upgrade on the connection is the runtime's and the session's; nothing here sees a frame.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, Handler } from 'hono'
import type { Handshake } from '../access/handshake.ts'
import type { Identity } from '../access/identity.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import { entranceErrors, type Entrance } from './entrance.ts'
import { handshakeOf } from './handshake.ts'
import { errorResponse, HttpError, type HttpEnv } from './json-error.ts'

/** A connection that is to speak STOMP has opened. */
export type OpenStomp = (socket: Socket, handshake: Handshake) => SocketHandler

/** Of those that the client offers, the one to answer; undefined if none is STOMP. */
export type PickSubProtocol = (offered: string | undefined) => string | undefined

const UPGRADE_MESSAGE = 'This is a STOMP endpoint: connect with a WebSocket client, or send "Upgrade: websocket"'

/** The operation at the configured path, as the OpenAPI document shows it. */
export function upgradeRoute(path: string) {
  return createRoute({
    method: 'get',
    path,
    operationId: 'openWebSocket',
    tags: ['STOMP'],
    summary: 'Connect with STOMP over WebSocket',
    description:
      'A WebSocket handshake. Offering a sub-protocol is optional; without one, CONNECT decides the version.',
    request: {
      headers: z.object({
        'Sec-WebSocket-Protocol': z.string().optional().openapi({
          description: 'v12.stomp, v11.stomp or v10.stomp; the bridge takes the first one in the list that it knows',
          example: 'v12.stomp, v11.stomp',
        }),
      }),
    },
    responses: {
      101: { description: 'The connection now speaks STOMP' },
      401: entranceErrors[401],
      403: errorResponse(
        'The page comes from an origin that is not allowed',
        'forbidden-origin',
        'Pages from this origin may not use this bridge: add it to server.allowedOrigins in the configuration',
      ),
      426: errorResponse('Not a WebSocket handshake', 'upgrade-required', UPGRADE_MESSAGE),
      429: entranceErrors[429],
      503: entranceErrors[503],
    },
  })
}

/** Makes the handler. */
export function createUpgradeHandler(
  entrance: Entrance,
  open: OpenStomp,
  pickSubProtocol: PickSubProtocol,
): Handler<HttpEnv> {
  return async (c) => {
    if (!isHandshake(c)) throw new HttpError('upgrade-required', UPGRADE_MESSAGE, { headers: { Upgrade: 'websocket' } })
    entrance.admit(c.env)
    const identity = await entrance.identify(c.req.raw, handshakeOf(c))
    return upgrade(c, open, pickSubProtocol, identity)
  }
}

/** Does it ask for a WebSocket? HEAD is answered as GET is, but cannot be upgraded. */
export function isHandshake(c: Context<HttpEnv>): boolean {
  return c.req.method === 'GET' && asksForWebSocket(c.req.header('upgrade'))
}

/**
 * Hands the connection over to the runtime.
 * What it returns is the runtime's response itself: Bun knows it by identity, and on Deno a copy ends the upgrade.
 */
export function upgrade(
  c: Context<HttpEnv>,
  open: OpenStomp,
  pickSubProtocol: PickSubProtocol,
  identity?: Identity,
): Response {
  const handshake = handshakeOf(c, identity)
  const protocol = pickSubProtocol(c.req.header('sec-websocket-protocol'))
  return c.env.upgrade(c.req.raw, { protocol, open: (socket) => open(socket, handshake) })
}

/** RFC 9110 section 7.8: a list of protocols, names in any case. */
function asksForWebSocket(upgrade: string | undefined): boolean {
  if (upgrade === 'websocket') return true // as nearly everybody writes it
  return upgrade?.split(',').some((protocol) => protocol.trim().toLowerCase() === 'websocket') ?? false
}
