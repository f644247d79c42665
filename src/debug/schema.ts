/**
 * What the debug API answers, as it is on the wire: the schemas of the OpenAPI document, and the types that the bridge
 * and the page of the web debugger both use. The page imports types alone.
 */
import { z } from '@hono/zod-openapi'

const count = z.int().min(0)
const time = z.int().openapi({ description: 'Milliseconds since 1970' })

/** Counts since start, but for the first three, which are of now. */
export const totalsSchema = z.object({
  sessions: count,
  subscriptions: count,
  unsentBytes: count,
  framesReceived: count,
  messagesReceived: count,
  messagesPublished: count,
  messagesDelivered: count,
  sessionsOpened: count,
  errors: count,
  recovered: count.openapi({ description: 'Subscriptions that went on from a position, and missed nothing' }),
  notRecovered: count.openapi({ description: 'Those for which something was no longer held' }),
  gapsFilled: count,
  gapsNotFilled: count,
  historyReads: count,
  broadcastPublished: count.openapi({
    description: 'Messages for topics, users, groups and sessions, sent to all nodes',
  }),
  broadcastReceived: count.openapi({
    description: 'The same, received; with distribution by-interest what is wanted here',
  }),
})

const errorCountSchema = z.object({ code: z.string(), count })

const historySchema = z.object({
  rule: z.string().openapi({ description: 'The pattern of the rule' }),
  messages: count.openapi({ description: 'In the longest history in use' }),
  ageSeconds: z.number().min(0).openapi({ description: 'Of its oldest message; 0 if there is none' }),
})

const routeSchema = z.object({
  direction: z.enum(['outbound', 'inbound']).openapi({ description: 'Outbound is from clients to a channel' }),
  destination: z.string(),
  kind: z.enum(['channel', 'stream']).openapi({ description: 'Of Redis' }),
  channel: z.string().openapi({ description: 'Name of the channel or stream' }),
  codec: z.enum(['json-string', 'raw', 'json', 'envelope']),
  isConvention: z
    .boolean()
    .openapi({ description: 'Is it a route by convention, for everything that no other route names?' }),
  messages: count.openapi({ description: 'Since start' }),
})

const nodeSchema = z.object({
  id: z.string(),
  isThis: z.boolean(),
  address: z.string().nullable(),
  ageSeconds: count,
})

const destinationSchema = z.object({ destination: z.string(), subscriptions: count })

export const bridgeSchema = z
  .object({
    version: z.string(),
    runtime: z.string(),
    node: z.string().openapi({ description: 'Id of the process that answers' }),
    startedAt: time,
    now: time,
    isOpen: z.boolean().openapi({ description: 'May anyone who can connect subscribe and send?' }),
    ready: z.object({ isReady: z.boolean(), reasons: z.array(z.string()) }),
    bus: z.object({
      kind: z.enum(['redis', 'embedded', 'custom']),
      description: z.string(),
      unavailableReason: z.string().nullable(),
      unavailableSince: time.nullable(),
    }),
    nodes: z
      .array(nodeSchema)
      .nullable()
      .openapi({ description: 'The bridges on this bus, each worker by itself; null if the bus does not say' }),
    workers: count.openapi({ description: 'Processes that these numbers include' }),
    endpoints: z.object({
      stomp: z.string(),
      tcp: z.object({ host: z.string(), port: z.int() }).nullable(),
      raw: z.string().nullable().openapi({ description: 'Path of the plain WebSockets; null where they are off' }),
      sse: z.string().nullable().openapi({ description: 'Path of Server-Sent Events; null where they are off' }),
      configured: z.array(z.string()).openapi({ description: 'Paths of the setting "endpoints"' }),
    }),
    prefixes: z.object({
      broker: z.array(z.string()),
      application: z.array(z.string()),
      broadcastChannel: z.string(),
      distribution: z.enum(['shared', 'both', 'by-interest']),
    }),
    routes: z.array(routeSchema),
    totals: totalsSchema,
    errors: z.array(errorCountSchema).openapi({ description: 'What clients were refused since start, most first' }),
    histories: z.array(historySchema).openapi({ description: 'One for each rule of history' }),
    streamLagSeconds: z.number().nullable().openapi({
      description: 'Age of the newest entry of an inbound stream when it was delivered; null without streams',
    }),
    destinations: z.array(destinationSchema).openapi({ description: 'Those with the most subscriptions, at most 100' }),
    limits: z.record(z.string(), z.number()),
  })
  .openapi('Bridge')

const sampleSchema = z.object({
  at: time,
  sessions: count,
  subscriptions: count,
  unsentBytes: count,
  memoryBytes: count.openapi({ description: 'Resident memory' }),
  published: count.openapi({ description: 'Since start, as the three that follow' }),
  received: count,
  delivered: count,
  errors: count,
  loopDelaySeconds: z.number().min(0).openapi({ description: 'The longest since the sample before' }),
})

export const samplesSchema = z
  .object({ everySeconds: count, samples: z.array(sampleSchema).openapi({ description: 'Oldest first' }) })
  .openapi('Samples')

const MAX_NAME = 1024
const MAX_GROUPS = 1000

export const explainSchema = z
  .strictObject({
    action: z.enum(['subscribe', 'send'], 'Field "action" must be "subscribe" or "send"'),
    destination: z
      .string('Field "destination" must be a string')
      .startsWith('/', 'Field "destination" must start with "/"')
      .max(MAX_NAME, `Field "destination" must have at most ${MAX_NAME} characters`),
    user: z
      .string('Field "user" must be a string')
      .min(1, 'Field "user" must not be empty: leave it out for somebody anonymous')
      .max(MAX_NAME, `Field "user" must have at most ${MAX_NAME} characters`)
      .optional()
      .openapi({ description: 'Nobody if there is none: anonymous' }),
    groups: z
      .array(
        z
          .string('Groups must be strings')
          .min(1, 'A group must have a name')
          .max(MAX_NAME, 'The name of a group is too long'),
        'Field "groups" must be an array of strings',
      )
      .max(MAX_GROUPS, `Field "groups" must have at most ${MAX_GROUPS} of them`)
      .optional(),
    claims: z.record(z.string(), z.unknown(), 'Field "claims" must be an object').optional(),
  })
  .openapi('Wish')

export const explanationSchema = z
  .object({
    allowed: z.boolean(),
    rule: z
      .int()
      .min(0)
      .nullable()
      .openapi({ description: 'The place of the rule in access.rules, from 0; null if none of them decides' }),
    reason: z.string(),
    problem: z.string().nullable().openapi({
      description:
        'What a client is told that tries it, whatever the rules say, as of a destination that is not there; else null',
    }),
  })
  .openapi('Explanation')

const subscriptionSchema = z.object({
  id: z.string().nullable().openapi({ description: 'Null if the client gave none' }),
  destination: z.string(),
  ack: z.string(),
})

const sessionSchema = z.object({
  id: z.string(),
  user: z.string().nullable(),
  remoteAddress: z.string(),
  protocol: z.enum(['stomp', 'raw', 'sse']).openapi({ description: 'raw: a plain WebSocket; sse: Server-Sent Events' }),
  transport: z.enum(['websocket', 'tcp', 'http', 'sockjs-websocket', 'sockjs-xhr']),
  version: z
    .string()
    .nullable()
    .openapi({ description: 'Version of STOMP; null before CONNECTED and for other protocols' }),
  openedAt: time,
  unsentBytes: count,
  framesReceived: count.openapi({ description: 'STOMP frames or WebSocket messages' }),
  subscriptions: z.array(subscriptionSchema).openapi({ description: 'The first 20' }),
  subscriptionCount: count,
})

export const sessionsSchema = z
  .object({
    total: count.openapi({ description: 'All that match the search' }),
    sessions: z.array(sessionSchema).openapi({ description: 'The newest of them, newest first' }),
  })
  .openapi('Sessions')

/** The `message` event of a tail. */
export const channelMessageSchema = z.object({
  at: time,
  channel: z.string(),
  payload: z.string(),
  encoding: z.enum(['text', 'base64']),
  isCut: z.boolean().optional().openapi({ description: 'The payload was longer than what is shown' }),
})

/** `about.json` of the page: what it has to know before it asks anything else. Always there; needs no token. */
export const aboutSchema = z.object({
  version: z.string(),
  path: z.string().openapi({ description: 'Path of the page, without the prefix that a proxy may have added' }),
  stompPath: z.string(),
  api: z.boolean().openapi({ description: 'Is the debug API there?' }),
  tokenNeeded: z.boolean(),
})

/** What was answered is read, never changed. */
type Read<T> = T extends readonly (infer Item)[]
  ? readonly Read<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Read<T[Key]> }
    : T

export type Totals = Read<z.output<typeof totalsSchema>>
export type BridgeView = Read<z.output<typeof bridgeSchema>>
export type ErrorCount = BridgeView['errors'][number]
export type HistoryView = BridgeView['histories'][number]
export type SamplesView = Read<z.output<typeof samplesSchema>>
export type Sample = SamplesView['samples'][number]
export type Wish = Read<z.output<typeof explainSchema>>
export type Explanation = Read<z.output<typeof explanationSchema>>
export type Codec = RouteView['codec']
export type RouteView = BridgeView['routes'][number]
export type NodeView = NonNullable<BridgeView['nodes']>[number]
export type DestinationCount = BridgeView['destinations'][number]
export type SessionsView = Read<z.output<typeof sessionsSchema>>
export type SessionView = SessionsView['sessions'][number]
export type SubscriptionView = SessionView['subscriptions'][number]
export type ChannelMessage = Read<z.output<typeof channelMessageSchema>>
export type About = Read<z.output<typeof aboutSchema>>
