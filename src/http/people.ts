/**
 * Owns the operations by which a backend sees who is connected, on all nodes: `GET /api/users`, `GET /api/users/{user}`
 * and `GET /api/presence`. Whom they ask is a function of the bridge.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Handler } from 'hono'
import { isPattern } from '../destinations.ts'
import { DEFAULT_LIMIT, LIMIT_TEXT, limitParameter, parseFields } from './fields.ts'
import { errorResponse, HttpError, type HttpEnv } from './json-error.ts'
import { keyErrors } from './key-guard.ts'
import { presenceSchema, userSchema, usersSchema, type PresenceView, type UsersPage, type UserView } from './schema.ts'

/** Who is connected, on all nodes. Each rejects with ProtocolError `bus-unavailable` while the others cannot be asked. */
export interface People {
  /** By name, those behind `after`. */
  users(limit: number, after: string | undefined): Promise<UsersPage>
  user(name: string): Promise<UserView>
  presence(destination: string): Promise<PresenceView>
}

const usersQuery = z.object({
  limit: limitParameter('users'),
  after: z.string().optional().openapi({ description: 'Those whose name comes after this one' }),
})

const peopleErrors = {
  ...keyErrors,
  503: errorResponse(
    'The other nodes cannot be asked, because the bus is unavailable',
    'bus-unavailable',
    'The other nodes cannot be asked: the bus is unavailable',
  ),
}

/** The operation, as the OpenAPI document shows it. */
export const usersRoute = createRoute({
  method: 'get',
  path: '/api/users',
  operationId: 'listUsers',
  tags: ['People'],
  summary: 'See which users are connected',
  description: 'Users with open sessions on any node, by name. Anonymous sessions are not listed.',
  request: { query: usersQuery },
  responses: {
    200: { description: 'The users', content: { 'application/json': { schema: usersSchema } } },
    400: errorResponse('A parameter is wrong', 'bad-field', LIMIT_TEXT),
    ...peopleErrors,
  },
})

/** The operation, as the OpenAPI document shows it. */
export const userRoute = createRoute({
  method: 'get',
  path: '/api/users/{user}',
  operationId: 'getUser',
  tags: ['People'],
  summary: 'See whether a user is connected, and where',
  description: 'Every session of the user, on any node. A name that nobody has is offline.',
  request: {
    params: z.object({ user: z.string().openapi({ param: { name: 'user', in: 'path' }, example: 'alice' }) }),
  },
  responses: {
    200: { description: 'The user', content: { 'application/json': { schema: userSchema } } },
    ...peopleErrors,
  },
})

/** The operation, as the OpenAPI document shows it. */
export const presenceRoute = createRoute({
  method: 'get',
  path: '/api/presence',
  operationId: 'getPresence',
  tags: ['People'],
  summary: 'See who has subscribed to a destination',
  description: 'Those who have subscribed to a pattern are not counted.',
  request: { query: z.object({ destination: z.string().openapi({ example: '/topic/rooms/1' }) }) },
  responses: {
    200: { description: 'Who is there', content: { 'application/json': { schema: presenceSchema } } },
    400: errorResponse('The destination is missing or a pattern', 'bad-field', 'Destination is missing'),
    ...peopleErrors,
  },
})

const NO_STORE = { 'Cache-Control': 'no-store' }

/** Makes the handler. */
export function createUsersHandler(people: People): Handler<HttpEnv> {
  return async (c) => {
    const { limit = DEFAULT_LIMIT, after } = parseFields(usersQuery, c.req.query())
    return c.json(await people.users(limit, after), 200, NO_STORE)
  }
}

/** Makes the handler. */
export function createUserHandler(people: People): Handler<HttpEnv> {
  return async (c) => c.json(await people.user(c.req.param('user')!), 200, NO_STORE)
}

/** Makes the handler. */
export function createPresenceHandler(people: People): Handler<HttpEnv> {
  return async (c) => {
    const destination = c.req.query('destination')
    if (!destination) throw new HttpError('bad-field', 'Say which destination: /api/presence?destination=/topic/x')
    if (isPattern(destination)) throw new HttpError('bad-field', 'Destination must be a single one, without * and ?')
    return c.json(await people.presence(destination), 200, NO_STORE)
  }
}
