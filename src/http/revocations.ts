/**
 * Owns the operations by which a backend ends sessions, on all nodes: of a user, and whatever a token or a user has and
 * will ask for. Who does it is a function of the bridge.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Handler } from 'hono'
import { readJson } from './json-body.ts'
import { parseFields } from './fields.ts'
import { errorResponse, type HttpEnv } from './json-error.ts'
import { keyErrors } from './key-guard.ts'
import { closedSchema, revocationSchema } from './schema.ts'

/** What is refused from now on, for so many seconds. */
export interface Revocation {
  readonly tokenId?: string | undefined
  readonly user?: string | undefined
  readonly seconds: number
}

/** Ends sessions, on all nodes. Each rejects with ProtocolError `bus-unavailable` while the others cannot be told. */
export interface Ending {
  /** Returns how many there were. */
  closeUser(user: string): Promise<number>
  revoke(revocation: Revocation): Promise<void>
}

const busErrors = {
  503: errorResponse(
    'The other nodes cannot be told, because the bus is unavailable',
    'bus-unavailable',
    'The other nodes cannot be told: the bus is unavailable',
  ),
}

/** The operation, as the OpenAPI document shows it. */
export const revocationRoute = createRoute({
  method: 'post',
  path: '/api/revocations',
  operationId: 'revoke',
  tags: ['People'],
  summary: 'Revoke a token, or all that a user has',
  description:
    'Open sessions with it end on every node with the code "revoked". Logins with it are refused until the seconds are over.',
  request: { body: { required: true, content: { 'application/json': { schema: revocationSchema } } } },
  responses: {
    204: { description: 'It holds on every node' },
    400: errorResponse('A field is missing or wrong', 'bad-field', 'Give either "tokenId" or "user"'),
    ...keyErrors,
    ...busErrors,
  },
})

/** The operation, as the OpenAPI document shows it. */
export const closeUserRoute = createRoute({
  method: 'delete',
  path: '/api/users/{user}/sessions',
  operationId: 'closeUserSessions',
  tags: ['People'],
  summary: 'Close all sessions of a user',
  description: 'On every node, with the code "closed-by-operator". The user may connect again.',
  request: {
    params: z.object({ user: z.string().openapi({ param: { name: 'user', in: 'path' }, example: 'alice' }) }),
  },
  responses: {
    200: {
      description: 'How many there were',
      content: { 'application/json': { schema: closedSchema, example: { closed: 2 } } },
    },
    ...keyErrors,
    ...busErrors,
  },
})

/** Makes the handler. */
export function createRevocationHandler(ending: Ending, maxBodyBytes: number): Handler<HttpEnv> {
  return async (c) => {
    const { value } = await readJson(c.req.raw, maxBodyBytes)
    await ending.revoke(parseFields(revocationSchema, value))
    return c.body(null, 204)
  }
}

/** Makes the handler. */
export function createCloseUserHandler(ending: Ending): Handler<HttpEnv> {
  return async (c) => c.json({ closed: await ending.closeUser(c.req.param('user')!) }, 200)
}
