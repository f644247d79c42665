/**
 * What the operations for backends take and answer about people, as it is on the wire: the schemas of the OpenAPI
 * document, and the types that the bridge and the page of the web debugger both use. The page imports types alone.
 */
import { z } from '@hono/zod-openapi'

const count = z.int().min(0)
const userCountSchema = z.object({ user: z.string(), sessions: count })

export const usersSchema = z
  .object({
    users: z.array(userCountSchema),
    next: z.string().optional().openapi({ description: 'There are more: send it as after to get them' }),
  })
  .openapi('Users')

export const userSchema = z
  .object({
    user: z.string(),
    online: z.boolean(),
    sessions: z.array(
      z.object({
        id: z.string(),
        node: z.string(),
        address: z.string(),
        connectedAt: z.iso.datetime(),
      }),
    ),
  })
  .openapi('User')

export const presenceSchema = z
  .object({
    destination: z.string(),
    sessions: count.openapi({ description: 'All sessions that have subscribed to it, anonymous ones too' }),
    users: z.array(userCountSchema),
  })
  .openapi('Presence')

export const closedSchema = z.object({ closed: z.int() })

const MAX_TEXT = 1024
/** Ten years: whoever wants it for good takes the user out of the directory. */
const MAX_SECONDS = 315_360_000

const text = (name: string) =>
  z.string(`${name} must be text`).min(1, `${name} must not be empty`).max(MAX_TEXT, `${name} is too long`)

export const revocationSchema = z
  .object(
    {
      tokenId: text('tokenId').optional().openapi({ description: 'The jti of a token', example: '3f9c' }),
      user: text('user').optional().openapi({ example: 'alice' }),
      seconds: z
        .int('seconds must be a whole number')
        .min(1, 'seconds must be at least 1')
        .max(MAX_SECONDS, `seconds must be at most ${MAX_SECONDS}`)
        .openapi({ description: 'How long it holds: at least until the token would have expired', example: 3600 }),
    },
    { error: 'The body must be a JSON object with "seconds", and "tokenId" or "user"' },
  )
  .refine(({ tokenId, user }) => (tokenId === undefined) !== (user === undefined), 'Give either "tokenId" or "user"')
  .openapi('Revocation')

export type UsersPage = z.output<typeof usersSchema>
export type UserView = z.output<typeof userSchema>
export type PresenceView = z.output<typeof presenceSchema>
export type Closed = z.output<typeof closedSchema>
export type RevocationRequest = z.output<typeof revocationSchema>
