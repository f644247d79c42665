/** The list `access.authenticators`: by what a client can be known, one kind of entry per type. */
import * as z from 'zod'
import { addressRange, urlProblem } from './addresses.ts'
import {
  DAY_SECONDS,
  HIDDEN,
  milliseconds,
  MINUTE_MS,
  NOT_FILLED_IN,
  notEmpty,
  secret,
  seconds,
  text,
} from './values.ts'

/** The shortest secret of an HS algorithm, in bytes: what the shortest of their digests has. */
export const MIN_SECRET_BYTES = 32

/** What a JWT may be signed with. `none` is not among them. */
export const JWT_ALGORITHMS = [
  ...(['HS256', 'HS384', 'HS512'] as const),
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA'] as const),
]

const url = z.string().superRefine((value, context) => {
  const problem = value.includes(HIDDEN) ? NOT_FILLED_IN : urlProblem(value)
  if (problem !== undefined) context.addIssue(problem)
})

const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, { error: 'must be the name of a header' })

/** A name with control characters, or with half of a surrogate pair, fits no header and no log line; see `isUserName`. */
const userName = z.string().refine((value) => value.length <= 255 && /^[^\p{Cc}\p{Cs}]+$/u.test(value), {
  error: 'must be text of 1 to 255 characters without control characters',
})

const jwt = z.strictObject({
  type: z.literal('jwt').describe('A JSON Web Token'),
  algorithms: z
    .array(z.enum(JWT_ALGORITHMS))
    .min(1)
    .describe('What it may be signed with: HS… with secret, or the others with publicKeyFile or jwksUrl'),
  secret: secret(`Secret of the HS algorithms, at least ${MIN_SECRET_BYTES} bytes`, (value) =>
    value.refine((each) => new TextEncoder().encode(each).length >= MIN_SECRET_BYTES, {
      error: `must be at least ${MIN_SECRET_BYTES} bytes`,
    }),
  ).optional(),
  publicKeyFile: text('PEM file with the public key'),
  jwksUrl: url.optional().meta({ description: 'URL of the JSON Web Key Set with the public keys', writeOnly: true }),
  issuer: text('What the claim iss must be'),
  audience: text('What the claim aud must be, or have in its list'),
  userClaim: notEmpty.default('sub').describe('Claim with the name of the user'),
  groupsClaim: notEmpty.default('groups').describe('Claim with the list of groups'),
  clockToleranceSeconds: seconds(0, 0, 3600, 'How far the clocks may differ, in seconds'),
})

const ticket = z.strictObject({
  type: z.literal('ticket').describe('What POST /api/tickets gives: good for one connection'),
  ttlSeconds: seconds(60, 1, DAY_SECONDS, 'How long a ticket can be redeemed, in seconds'),
})

const callback = z.strictObject({
  type: z.literal('callback').describe('Whatever an HTTP service of yours says yes to'),
  url: url.meta({
    description: 'URL of the service; with GET, {token} in its path or query stands for the token',
    writeOnly: true,
  }),
  method: z
    .enum(['GET', 'POST'])
    .default('GET')
    .describe('How it is asked: POST sends JSON with token, login, passcode, remoteAddress, origin and path'),
  timeoutMs: milliseconds(1000, 1, MINUTE_MS, 'Longest time to wait for its answer, in milliseconds'),
  cacheSeconds: seconds(0, 0, DAY_SECONDS, 'How long a yes is remembered, in seconds'),
  userFrom: z
    .enum(['token'])
    .optional()
    .describe(
      'token: where the service names no user, the token is the name. Only for tokens that are public; without it the name ' +
        'is made from a digest of the token',
    ),
})

const users = z.strictObject({
  type: z.literal('users').describe('Login and passcode of a list of users'),
  users: z
    .array(
      z.strictObject({
        name: userName.describe('Name of the user'),
        passwordHash: secret('What stomp-bridge hash-password prints for the password', (value) =>
          // The form, not what the numbers in it cost.
          value.regex(/^scrypt(\$\d{1,7})(\$\d{1,3}){2}\$[\w-]{11,128}\$[\w-]{22,128}$/, {
            error: 'must be what stomp-bridge hash-password prints',
          }),
        ),
        groups: z.array(notEmpty).default([]).describe('Groups of the user'),
      }),
    )
    .describe('The users'),
})

const proxy = z.strictObject({
  type: z.literal('proxy').describe('Headers of a proxy in front that has authenticated the client'),
  userHeader: headerName.describe('Header with the name of the user'),
  groupsHeader: headerName
    .optional()
    .describe('Header with the groups, separated by commas; the proxy must remove what a client sends under this name'),
  trustedAddresses: z
    .array(addressRange)
    .min(1)
    .describe('Addresses of the proxy, such as 127.0.0.1 or 10.0.0.0/8; from others the headers are not looked at'),
})

const anonymous = z.strictObject({
  type: z.literal('anonymous').describe('Lets in who brings no credential, as nobody; must be the last'),
})

/** They are asked in this order. */
export const authenticators = z
  .array(z.discriminatedUnion('type', [jwt, ticket, callback, users, proxy, anonymous]))
  .default([])
  .describe('How a client shows who it is; asked in this order until one says yes or no')
