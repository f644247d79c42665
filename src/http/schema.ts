/**
 * What the operations for backends take and answer about people and histories, on the wire: the schemas of the OpenAPI
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

export const historyMessageSchema = z
  .object({
    offset: z.string().optional().openapi({ description: 'Not of a value that is kept in a key' }),
    timestamp: z
      .int()
      .optional()
      .openapi({ description: 'Milliseconds since 1970, by the clock of Redis; not of a value that is kept in a key' }),
    body: z.string(),
    encoding: z.literal('base64').optional().openapi({ description: 'There if the body is binary' }),
    contentType: z.string().optional(),
    headers: z.record(z.string(), z.string()),
  })
  .openapi('HistoryMessage')

export const historyPageSchema = z
  .object({
    epoch: z.string(),
    offset: z.string().openapi({ description: 'Of the newest message that there ever was' }),
    recovered: z
      .boolean()
      .optional()
      .openapi({ description: 'With since or since-time: is nothing missing that came later?' }),
    messages: z.array(historyMessageSchema).openapi({ description: 'Oldest first' }),
  })
  .openapi('HistoryPage')

export const queueSchema = z
  .object({
    queue: z.string().openapi({ description: 'Its destination', example: '/queue/orders' }),
    ready: count.openapi({ description: 'Messages that nobody works on' }),
    pending: count.openapi({ description: 'Messages that somebody has and has not settled' }),
    consumers: count.openapi({ description: 'Subscriptions over all nodes' }),
    dead: count.openapi({ description: 'Messages with which somebody has failed too often' }),
  })
  .openapi('Queue')

export const queueMessageSchema = z
  .object({
    id: z.string(),
    body: z.string(),
    encoding: z.literal('base64').optional().openapi({ description: 'There if the body is binary' }),
    contentType: z.string().optional(),
    headers: z.record(z.string(), z.string()).openapi({ description: 'Of a dead message with reason' }),
  })
  .openapi('QueueMessage')

/** Some messages of a queue. */
export const queuePageSchema = z.object({
  messages: z.array(queueMessageSchema),
  more: z.boolean().openapi({ description: 'There are others behind these' }),
})

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
export type HistoryMessageView = z.output<typeof historyMessageSchema>
export type HistoryPageView = z.output<typeof historyPageSchema>
export type QueueCountsView = z.output<typeof queueSchema>
export type QueueMessageView = z.output<typeof queueMessageSchema>
export type QueuePageView = z.output<typeof queuePageSchema>
export type Closed = z.output<typeof closedSchema>
export type RevocationRequest = z.output<typeof revocationSchema>
