/**
 * Owns the STOMP endpoint as HTTP sees it: who may come in, with which sub-protocol, and what everyone else reads. From
 * the upgrade on the connection is the runtime's and the session's; nothing here sees a frame.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, Handler } from 'hono'
import { pickSubProtocol } from '../../frames/index.ts'
import type { OpenSocket } from '../socket.ts'
import { errorResponse, HttpError, type HttpEnv } from './json-error.ts'

/** Seconds after which a refused client may try again: another node will be found sooner than a free place. */
const RETRY_AFTER_S = { draining: '1', full: '5' }

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
      'A WebSocket handshake. A client that offers no sub-protocol may come too; the version is then agreed by CONNECT.',
    request: {
      headers: z.object({
        'Sec-WebSocket-Protocol': z.string().optional().openapi({
          description: 'v12.stomp, v11.stomp, v10.stomp: the first one of the list that is STOMP is taken',
          example: 'v12.stomp, v11.stomp',
        }),
      }),
    },
    responses: {
      101: { description: 'The connection now speaks STOMP' },
      403: errorResponse(
        'Opened by a web page from an origin that is not allowed',
        'forbidden-origin',
        'Pages from this origin may not use this bridge: add it to server.allowedOrigins in the configuration',
      ),
      426: errorResponse('Not a WebSocket handshake', 'upgrade-required', UPGRADE_MESSAGE),
      503: errorResponse(
        'Being shut down, or full: try again after the seconds in Retry-After',
        'too-many-sessions',
        'This node is full: try again later',
      ),
    },
  })
}

/** Makes the handler. */
export function createUpgradeHandler(
  admission: () => 'draining' | 'full' | undefined,
  open: OpenSocket,
): Handler<HttpEnv> {
  return (c) => {
    if (!isHandshake(c)) throw new HttpError('upgrade-required', UPGRADE_MESSAGE, { headers: { Upgrade: 'websocket' } })
    const refused = admission()
    if (refused) throw refusal(refused)
    return upgrade(c, open)
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
export function upgrade(c: Context<HttpEnv>, open: OpenSocket): Response {
  return c.env.upgrade(c.req.raw, { protocol: pickSubProtocol(c.req.header('sec-websocket-protocol')), open })
}

/** RFC 9110 section 7.8: a list of protocols, names in any case. */
function asksForWebSocket(upgrade: string | undefined): boolean {
  if (upgrade === 'websocket') return true // as nearly everybody writes it
  return upgrade?.split(',').some((protocol) => protocol.trim().toLowerCase() === 'websocket') ?? false
}

function refusal(reason: 'draining' | 'full'): HttpError {
  const headers = { 'Retry-After': RETRY_AFTER_S[reason] }
  return reason === 'full'
    ? new HttpError('too-many-sessions', 'This node is full: try again later', { headers })
    : new HttpError('shutting-down', 'This node is being shut down: connect again to reach another', { headers })
}
