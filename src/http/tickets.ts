/**
 * Owns `POST /api/tickets`: who can prove who it is, or a backend for one of its users, gets a ticket that opens one
 * connection within a short time. It may stand in a URL, where a token should not.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, Handler } from 'hono'
import type { Identity } from '../access/identity.ts'
import { MAX_USER_NAME } from '../access/user-name.ts'
import { parseFields } from './fields.ts'
import { readJson } from './json-body.ts'
import { errorResponse, HttpError, type HttpEnv } from './json-error.ts'
import { bearerOf, keyErrors, notAuthenticated, type AttemptLimit, type KeyRing } from './key-guard.ts'

/** What the operation uses of the bridge. */
export interface TicketDeps {
  readonly keys: KeyRing
  readonly attempts: AttemptLimit
  /** Undefined if the request brings nothing. Errors: HttpError and ProtocolError of a login that fails. */
  identify(c: Context<HttpEnv>): Promise<Identity | undefined>
  /** Is what the request brings as a credential, wherever it stands, a ticket? */
  showsTicket(c: Context<HttpEnv>): boolean
  /** Errors: ProtocolError `auth-unavailable`. */
  issue(identity: Identity, sessionSeconds: number | undefined): Promise<Ticket>
  readonly maxBodyBytes: number
}

const MAX_TEXT = 1024
const MAX_GROUPS = 1000
const MAX_SESSION_SECONDS = 315_360_000

const name = (field: string, maxLength: number) =>
  z
    .string(`${field} must be text`)
    .min(1, `${field} must not be empty`)
    .max(maxLength, `${field} must have at most ${maxLength} characters`)
    .regex(/^\P{Cc}*$/u, `${field} must not have control characters`)

const requestSchema = z
  .object(
    {
      user: name('user', MAX_USER_NAME).openapi({ example: 'alice' }),
      groups: z.array(name('groups', MAX_TEXT), 'groups must be a list of names').max(MAX_GROUPS).optional(),
      claims: z.record(z.string(), z.unknown(), 'claims must be an object').optional(),
      sessionSeconds: z
        .int('sessionSeconds must be a whole number')
        .min(1, 'sessionSeconds must be at least 1')
        .max(MAX_SESSION_SECONDS, 'sessionSeconds is too large')
        .optional()
        .openapi({ description: 'How long the session may last from now on', example: 3600 }),
    },
    { error: 'The body must be a JSON object with "user"' },
  )
  .openapi('TicketRequest', { description: 'For whom a backend wants a ticket' })

const ticketSchema = z
  .object({ ticket: z.string(), expiresInSeconds: z.int() })
  .openapi('Ticket', { description: 'Opens one connection' })

export type Ticket = z.output<typeof ticketSchema>

/** The operation, as the OpenAPI document shows it. */
export const ticketRoute = createRoute({
  method: 'post',
  path: '/api/tickets',
  operationId: 'createTicket',
  tags: ['People'],
  summary: 'Get a ticket for one connection',
  description:
    'A page sends its own credential, as "Authorization: Bearer …", and no body. A backend sends an API key with the scope ' +
    '"tickets", and says for whom. The ticket is good for one connection: ws://host/stomp?ticket=…',
  request: { body: { content: { 'application/json': { schema: requestSchema } } } },
  responses: {
    200: {
      description: 'The ticket',
      content: { 'application/json': { schema: ticketSchema, example: { ticket: 'tkt_…', expiresInSeconds: 60 } } },
    },
    400: errorResponse('A field is missing or wrong', 'bad-field', 'user must be text'),
    ...keyErrors,
    503: errorResponse(
      'It cannot be found out who it is, or the ticket cannot be kept',
      'auth-unavailable',
      'Tickets cannot be kept now: try again',
    ),
  },
})

/** Makes the handler. */
export function createTicketHandler(deps: TicketDeps): Handler<HttpEnv> {
  return async (c) => {
    const ticket = await issue(c, deps)
    return c.json(ticket, 200, { 'Cache-Control': 'no-store' })
  }
}

async function issue(c: Context<HttpEnv>, deps: TicketDeps): Promise<Ticket> {
  const given = bearerOf(c)
  if (given !== undefined) {
    deps.attempts.check(c.env.remoteAddress)
    const key = deps.keys.find(given)
    if (key) {
      if (key.scopes.has('tickets')) return issueForUser(c, deps)
      throw new HttpError('not-authorized', 'This API key does not have the scope "tickets"')
    }
  }
  // It would make of one connection as many as one likes.
  if (deps.showsTicket(c)) throw notAuthenticated('A ticket opens a connection, and cannot be changed for another')
  const identity = await deps.identify(c)
  if (identity?.user === undefined) throw notAuthenticated('Send a credential, as "Authorization: Bearer …"')
  return deps.issue(identity, undefined)
}

async function issueForUser(c: Context<HttpEnv>, deps: TicketDeps): Promise<Ticket> {
  const { value } = await readJson(c.req.raw, deps.maxBodyBytes)
  const { user, groups, claims, sessionSeconds } = parseFields(requestSchema, value)
  return deps.issue({ user, groups, claims }, sessionSeconds)
}
