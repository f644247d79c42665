/** The section `access`: who may come in, and what they may do. Without it the bridge is open. */
import * as z from 'zod'
import { authenticators } from './authenticators.ts'
import { DAY_SECONDS, notEmpty, secret, seconds } from './values.ts'

const action = z.enum(['subscribe', 'send'])
const actions = z.union([action, z.array(action).min(1)]).optional()
const names = z.array(notEmpty).min(1).optional()

/** Sent in an Authorization header. */
const PRINTABLE = /^[\x21-\x7e]+$/

/** One of `access.rules`; what is wrong between its fields is for `rule-syntax.ts`. */
export const rule = z.strictObject({
  allow: actions.describe('What the rule allows: subscribe, send, or a list of both'),
  deny: actions.describe('What the rule denies, instead of allow'),
  destination: z
    .string()
    .describe(
      'Destination or pattern with *, ** or ?; {user} stands for the own name, {claims.x} for a claim, and another {name} for ' +
        'any one segment',
    ),
  users: names.describe('For one of these users'),
  groups: names.describe('For members of one of these groups; {name} is taken from the destination'),
  claims: z
    .record(z.string().min(1), z.union([z.string(), z.number(), z.boolean()]))
    .optional()
    .describe('For clients with all these claims; a claim that is a list must have the value in it'),
  anonymous: z.boolean().optional().describe('true: for everyone, also who is not authenticated'),
})

const apiKey = z.strictObject({
  name: notEmpty.describe('Name, for the log'),
  key: secret('The key itself, sent as "Authorization: Bearer …"', (value) =>
    value.regex(PRINTABLE, { error: 'must be printable ASCII characters, without spaces' }),
  ).optional(),
  keyHash: secret(
    'The SHA-256 digest of the key in hexadecimal, instead of key; made by stomp-bridge gen-api-key',
    (value) =>
      value
        .regex(/^[0-9A-Fa-f]{64}$/, { error: 'must be the SHA-256 digest of a key: 64 hexadecimal digits' })
        .toLowerCase(),
  ).optional(),
  scopes: z
    .array(z.enum(['publish', 'read', 'tickets', 'admin']))
    .min(1)
    .describe(
      'What it may do: publish messages, read who and what is there, make tickets for users, or close sessions and revoke',
    ),
})

export const access = z
  .strictObject({
    authenticators,
    credentials: z
      .strictObject({
        query: z
          .array(notEmpty)
          .default(['access_token', 'ticket'])
          .describe('Query parameters of a handshake that may hold a credential'),
        cookies: z.array(notEmpty).default([]).describe('Cookies of a handshake that may hold a credential'),
      })
      .prefault({})
      .describe('Where a handshake is searched for a credential'),
    expiryGraceSeconds: seconds(
      25,
      0,
      DAY_SECONDS,
      'How long a session goes on after its credential has expired, in seconds: time to renew it',
    ),
    errors: z
      .enum(['close', 'soft'])
      .default('close')
      .describe(
        'What happens when a frame is not allowed: the session is closed, or it gets a message on /user/queue/errors and goes on',
      ),
    rules: z
      .array(rule)
      .default([])
      .describe(
        'Who may subscribe to and send to which destination; the first match counts, and without one it is denied',
      ),
    apiKeys: z.array(apiKey).default([]).describe('Keys of backends for the HTTP API'),
  })
  .optional()
  .describe('Who may come in, and what they may do. Without this section anyone may do anything')
