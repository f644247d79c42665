/**
 * Owns SockJS as HTTP sees it: which paths there are below the STOMP endpoint, who may come in, and what a session is
 * called. From then on it is the door's; nothing here sees a frame. SockJS protocol 0.3.3.
 */
import { randomInt } from 'node:crypto'
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, Handler, MiddlewareHandler } from 'hono'
import { every } from 'hono/combine'
import { sha256Hex } from '../access/digest.ts'
import type { Handshake } from '../access/handshake.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import { crossOriginHeaders } from './cors.ts'
import type { Endpoint } from './endpoint.ts'
import { entranceErrors, type Entrance } from './entrance.ts'
import { handshakeOf } from './handshake.ts'
import { errorResponse, HttpError, type HttpEnv } from './json-error.ts'
import { readBytes } from './request-bytes.ts'
import { isHandshake } from './upgrade.ts'

type Receiving = 'poll' | 'stream'

/** A session over HTTP, as far as requests go. */
interface Session {
  /** Does it take messages? */
  readonly isOpen: boolean
  attach(connection: Socket, kind: Receiving): SocketHandler
  /** Resolves when more may come; to false if it is no payload. */
  receive(payload: string): Promise<boolean>
}

/** What the operations use of the door. */
export interface SockJs {
  openWebSocket(websocket: Socket, handshake: Handshake): SocketHandler
  find(name: string): Session | undefined
  openXhr(name: string, connection: Socket, kind: Receiving, handshake: Handshake): SocketHandler
  /** Of one request that sends. */
  readonly maxPayloadBytes: number
}

const UNCACHED = 'no-store, no-cache, must-revalidate, max-age=0'
const CACHE_S = 31_536_000
const UPGRADE_MESSAGE = 'This is a SockJS endpoint: connect with a WebSocket client, or send "Upgrade: websocket"'
const JAVASCRIPT = 'application/javascript; charset=UTF-8'
const PLAIN = 'text/plain; charset=UTF-8'
const NO_SESSION = 'There is no such session: it has ended, is on another node, or began with another credential'

const params = z.object({
  server: z.string().openapi({ description: 'Anything: for load balancers', example: '000' }),
  session: z.string().openapi({ description: 'Made up by the client: long and random, because it is a secret' }),
})

/** What keeps a session from being opened. */
const openErrors = {
  401: entranceErrors[401],
  403: entranceErrors[403],
  408: entranceErrors[408],
  503: entranceErrors[503],
}

const frames = {
  200: {
    description: 'Frames of SockJS, one in a line',
    content: { [JAVASCRIPT]: { schema: z.string(), example: 'o\n' } },
  },
  ...openErrors,
}

/** Returns the operations. `path`: of the STOMP endpoint; `mayCall`: keeps out who may not. */
export function sockJsEndpoints(
  path: string,
  sockJs: SockJs,
  entrance: Entrance,
  mayCall: MiddlewareHandler<HttpEnv>,
): Endpoint[] {
  const base = path.replace(/\/$/, '')
  const session = `${base}/{server}/{session}`
  // 0.3.3 "Session URLs": no dots. The length is ours: it is kept for each session.
  const pattern = `${base}/:server{[^/.]{1,128}}/:session{[^/.]{1,128}}`
  const guard = every(mayCall, readableByPages)
  const shared = (allow: string) => ({ guard, preflight: preflightFor(allow) })
  return [
    { route: infoRoute(`${base}/info`), handler: answerInfo, ...shared('OPTIONS, GET') },
    {
      route: webSocketRoute(`${session}/websocket`),
      path: `${pattern}/websocket`,
      handler: createWebSocketHandler(sockJs, entrance),
      guard: mayCall,
    },
    {
      route: pollRoute(`${session}/xhr`),
      path: `${pattern}/xhr`,
      handler: createReceivingHandler('poll', sockJs, entrance),
      ...shared('OPTIONS, POST'),
    },
    {
      route: streamingRoute(`${session}/xhr_streaming`),
      path: `${pattern}/xhr_streaming`,
      handler: createReceivingHandler('stream', sockJs, entrance),
      ...shared('OPTIONS, POST'),
    },
    {
      route: sendRoute(`${session}/xhr_send`),
      path: `${pattern}/xhr_send`,
      handler: createSendHandler(sockJs, entrance),
      ...shared('OPTIONS, POST'),
    },
  ]
}

// --- The operations, as the OpenAPI document shows them

function infoRoute(path: string) {
  return createRoute({
    method: 'get',
    path,
    operationId: 'sockJsInfo',
    tags: ['SockJS'],
    summary: 'What SockJS clients ask first',
    responses: {
      200: {
        description: 'What this endpoint can do',
        content: {
          'application/json': {
            schema: z.object({
              websocket: z.boolean(),
              origins: z.array(z.string()),
              cookie_needed: z.boolean(),
              entropy: z.number(),
            }),
            example: infoOf(2_718_281_828),
          },
        },
      },
      403: entranceErrors[403],
    },
  })
}

function webSocketRoute(path: string) {
  return createRoute({
    method: 'get',
    path,
    operationId: 'openSockJsWebSocket',
    tags: ['SockJS'],
    summary: 'Connect with STOMP over SockJS, over WebSocket',
    request: { params },
    responses: {
      101: { description: 'The session is open' },
      ...openErrors,
      426: errorResponse('Not a WebSocket handshake', 'upgrade-required', UPGRADE_MESSAGE),
    },
  })
}

function pollRoute(path: string) {
  return createRoute({
    method: 'post',
    path,
    operationId: 'pollSockJs',
    tags: ['SockJS'],
    summary: 'Connect with STOMP over SockJS, and wait for the next frame',
    description: 'The first request of a session opens it.',
    request: { params },
    responses: frames,
  })
}

function streamingRoute(path: string) {
  return createRoute({
    method: 'post',
    path,
    operationId: 'streamSockJs',
    tags: ['SockJS'],
    summary: 'Connect with STOMP over SockJS, and get frames as they come',
    description: 'The first request of a session opens it. The response ends after 128 KiB.',
    request: { params },
    responses: frames,
  })
}

function sendRoute(path: string) {
  return createRoute({
    method: 'post',
    path,
    operationId: 'sendSockJs',
    tags: ['SockJS'],
    summary: 'Send on a session that is open',
    request: {
      params,
      body: {
        content: { 'text/plain': { schema: z.string(), example: '["SEND\\ndestination:/topic/a\\n\\nHi\\u0000"]' } },
      },
    },
    responses: {
      204: { description: 'The messages were taken' },
      404: errorResponse('There is no such session', 'not-found', NO_SESSION),
      413: errorResponse(
        'The body is too large',
        'body-too-large',
        'The body is too large: send at most 4194304 bytes',
      ),
      500: {
        description: 'The body is no JSON array of strings',
        content: { 'text/plain': { schema: z.string(), example: 'Broken JSON encoding.' } },
      },
    },
  })
}

// --- What they do

const answerInfo: Handler<HttpEnv> = (c) => {
  c.header('Content-Type', 'application/json; charset=UTF-8')
  return c.body(JSON.stringify(infoOf(randomInt(2 ** 32))))
}

/** `cookie_needed`: a load balancer may know by a cookie where a session is. */
function infoOf(entropy: number) {
  return { websocket: true, origins: ['*:*'], cookie_needed: true, entropy }
}

function createWebSocketHandler(sockJs: SockJs, entrance: Entrance): Handler<HttpEnv> {
  return async (c) => {
    if (!isHandshake(c)) throw new HttpError('upgrade-required', UPGRADE_MESSAGE, { headers: { Upgrade: 'websocket' } })
    entrance.admit(c.env)
    const identity = await entrance.identify(c.req.raw, handshakeOf(c))
    const handshake = handshakeOf(c, identity)
    return c.env.upgrade(c.req.raw, {
      protocol: undefined,
      open: (websocket) => sockJs.openWebSocket(websocket, handshake),
    })
  }
}

function createReceivingHandler(kind: Receiving, sockJs: SockJs, entrance: Entrance): Handler<HttpEnv> {
  return async (c) => {
    const name = nameOf(c, entrance)
    const session = sockJs.find(name)
    if (session) return stream(c, (connection) => session.attach(connection, kind))
    entrance.admit(c.env)
    const identity = await entrance.identify(c.req.raw, handshakeOf(c))
    const handshake = handshakeOf(c, identity)
    return stream(c, (connection) => sockJs.openXhr(name, connection, kind, handshake))
  }
}

function createSendHandler(sockJs: SockJs, entrance: Entrance): Handler<HttpEnv> {
  return async (c) => {
    const session = sockJs.find(nameOf(c, entrance))
    if (!session?.isOpen) throw new HttpError('not-found', NO_SESSION)
    const bytes = await readBytes(c.req.raw, sockJs.maxPayloadBytes, (message, cause) => {
      return new HttpError('bad-json', message, {}, { cause })
    })
    if (bytes.length === 0) return c.text('Payload expected.', 500)
    const isPayload = await session.receive(new TextDecoder().decode(bytes))
    return isPayload ? c.body(null, 204, { 'Content-Type': PLAIN }) : c.text('Broken JSON encoding.', 500)
  }
}

/**
 * Who knows the id of a session and not its credential finds another one. The id is all there is where a session has none
 * before CONNECT.
 */
function nameOf(c: Context<HttpEnv>, entrance: Entrance): string {
  const id = c.req.param('session')!
  const token = entrance.tokenOf(handshakeOf(c))
  return token === undefined ? id : `${id} ${sha256Hex(token)}`
}

function stream(c: Context<HttpEnv>, open: (connection: Socket) => SocketHandler): Response {
  return c.env.stream(c.req.raw, {
    headers: {
      'Content-Type': JAVASCRIPT,
      'Cache-Control': UNCACHED,
      'X-Accel-Buffering': 'no', // else nginx gathers the frames
      'X-Content-Type-Options': 'nosniff',
      ...credentialHeaders(c),
    },
    open,
  })
}

// --- What pages of other origins need

/** Also marks the error responses made later. */
const readableByPages: MiddlewareHandler<HttpEnv> = async (c, next) => {
  c.header('Cache-Control', UNCACHED)
  for (const [name, value] of Object.entries(credentialHeaders(c))) c.header(name, value)
  await next()
}

/** Clients of SockJS send cookies: a browser shows the answer only to a page that may have sent them. */
function credentialHeaders(c: Context<HttpEnv>): Record<string, string> {
  const headers = crossOriginHeaders(c)
  return 'Access-Control-Allow-Origin' in headers ? { ...headers, 'Access-Control-Allow-Credentials': 'true' } : headers
}

/** 0.3.3: answers to OPTIONS can be kept for long. What follows is looked at each time anyway. */
function preflightFor(allow: string): Handler<HttpEnv> {
  return (c) =>
    c.body(null, 204, {
      Allow: allow,
      'Access-Control-Allow-Methods': allow,
      'Access-Control-Allow-Headers': 'Content-Type, Authorization',
      'Access-Control-Max-Age': `${CACHE_S}`,
      'Cache-Control': `public, max-age=${CACHE_S}`,
      Expires: new Date(Date.now() + CACHE_S * 1000).toUTCString(),
    })
}
