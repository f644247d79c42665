/** The sections `broker` and `routes`: which destinations there are, and which Redis channel each is. */
import * as z from 'zod'
import { fieldTemplateProblems, templateProblems } from '../template-syntax.ts'
import { count, DAY_SECONDS, flag, HOUR_MS, milliseconds, notEmpty, prefix, template } from './values.ts'

const channelTemplate = template.describe('Redis channel, with the same variables as the destination')
const codecs = z.enum(['json-string', 'raw', 'json', 'envelope'])
const codecText =
  'How a body is written in Redis: a JSON string, the bytes as they are, a JSON value, or a JSON envelope'
const codec = codecs.default('json-string').describe(codecText)

const sentTo = template.describe('Where clients SEND to; {name} stands for one segment, {*name} for the rest')

const channelRoute = z.strictObject({
  destination: sentTo,
  channel: channelTemplate,
  codec,
})

const keptTtlSeconds = z
  .int()
  .min(0)
  .max(365 * DAY_SECONDS)
  .optional()
  .describe('How long the value of the key stays after it was set, in seconds; 0 is not at all. 3600 by default')
/** What stands in a field of an entry. */
const entryValue = z
  .string()
  .regex(/^(body|destination|session|user|content-type|reply-to|correlation-id|header\.[^\s]+)$/, {
    error:
      'must be body, destination, session, user, content-type, reply-to, correlation-id, or header.NAME for a header of ' +
      'the SEND frame',
  })

const streamRoute = z.strictObject({
  destination: sentTo,
  stream: template.describe('Redis stream; variables of the destination may stand in it'),
  codec: codecs.default('raw').describe(codecText),
  maxLength: count(100_000, 1_000_000_000, 'Entries that the stream holds at least; older ones are removed'),
  fields: z
    .record(notEmpty, entryValue)
    .default({ message: 'body' })
    .describe(
      'What stands in the fields of an entry: body, destination, session, user, content-type, reply-to (the channel for ' +
        'the answer), correlation-id, or header.NAME. ' +
        'A field is left out if the message has no such thing',
    ),
  constants: z.record(notEmpty, z.string()).default({}).describe('More fields, with the same text in every entry'),
  groups: z
    .array(notEmpty)
    .default([])
    .describe('Consumer groups that the stream is to have; they begin with its first entry'),
})

/** A destination that may depend on the payload too. */
const payloadTemplate = z.string().superRefine((value, context) => {
  for (const problem of templateProblems(value, { hasPayload: true })) context.addIssue(problem)
})

const inboundRoute = z.strictObject({
  channel: channelTemplate,
  destination: payloadTemplate.describe(
    'Where it is delivered: below a broker prefix, or /user/{name}/queue/…, /group/{name}/… or /session/{name}/queue/…. ' +
      '{name} stands for one segment, {*name} for the rest, {body.a.b} for a field of a JSON payload',
  ),
  codec,
  subscribe: z
    .enum(['on-demand', 'always'])
    .default('on-demand')
    .describe('Subscribe to the Redis channel only while a client needs it, or as long as the bridge runs'),
  contentType: z.string().min(1).optional().describe('The content-type header of the messages'),
  body: z
    .string()
    .regex(/^[^.{}\s]+(\.[^.{}\s]+)*$/, { error: 'must be the path of a field, such as "message" or "data.text"' })
    .optional()
    .describe('Path of the field that becomes the body, as a.b; with codec json. Text as it is, anything else as JSON'),
  kept: z
    .enum(['key'])
    .optional()
    .describe(
      'The newest payload is also the value of the key that is named as the channel: who subscribes gets it first, and what ' +
        'clients and HTTP send to the destination goes to this channel and sets it',
    ),
  keptTtlSeconds,
})

/** Text with fields of an entry. */
const fieldTemplate = z.string().superRefine((value, context) => {
  for (const problem of fieldTemplateProblems(value)) context.addIssue(problem)
})

const readStreamRoute = z.strictObject({
  // It is the epoch of its messages, which clients hand back.
  stream: z.string().min(1).max(128).describe('Redis stream that every node reads, without a consumer group'),
  destination: fieldTemplate.describe(
    'Where an entry is delivered: {field.x} alone is a field with the whole destination; between other text it is a field ' +
      'with one segment',
  ),
  body: z
    .string()
    .regex(/^\{field\.[^{}/\s]+\}$/, { error: 'must be a field of the entry, such as "{field.message}"' })
    .describe('The field that becomes the body'),
  headers: z.array(z.string().min(1)).default([]).describe('Fields that become headers of the same name'),
  contentType: z
    .string()
    .min(1)
    .optional()
    .describe('The content-type header of the messages; otherwise plain text, or octets if it is not UTF-8'),
  start: z
    .enum(['latest', 'earliest'])
    .default('latest')
    .describe(
      'What the entries of before are for: nothing, or to be asked for. With either, who does not ask gets nothing old, and ' +
        'who asks gets what the stream holds',
    ),
  maxScan: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe('How many of the newest entries are looked through for one that asks, at most'),
})

/** Fixed text, or one variable. */
export const facility = z.string().regex(/^(\{[A-Za-z_]\w*\}|[^/\s{}*?]+)$/, {
  error: 'must be fixed text, or a variable such as "{name}" for any',
})

const presetRoute = z.strictObject({
  preset: z
    .literal('ws4redis')
    .describe('The channels of django-websocket-redis: broadcast:F, user:U:F, group:G:F and session:S:F, codec raw'),
  facility: facility.describe(
    'F: fixed text, or {name} for any facility; it arrives at /topic/F, /user/queue/F, /group/G/F and /session/queue/F',
  ),
  keptTtlSeconds,
})

export const broker = z
  .strictObject({
    prefixes: z.array(prefix).min(1).default(['/topic']).describe('Destinations below these go to subscribers'),
    applicationPrefixes: z
      .array(prefix)
      .default(['/app'])
      .describe('Destinations below these go to backends, by a route'),
    broadcastChannel: z
      .string()
      .min(1)
      .default('BROADCAST-CHANNEL')
      .describe('Redis channel that carries messages for topics to every bridge'),
    distribution: z
      .enum(['shared', 'both', 'by-interest'])
      .default('shared')
      .describe(
        'Over which channels messages for topics travel between bridges: one that all hear, or one for each destination, heard where somebody has subscribed it. To switch, set "both" on all of them in between',
      ),
    releaseDelayMs: milliseconds(
      1000,
      0,
      HOUR_MS,
      'How long a channel stays subscribed after its last subscriber, in milliseconds',
    ),
  })
  .prefault({})
  .describe('Destinations')

export const routes = z
  .strictObject({
    outbound: z
      .array(z.union([channelRoute, streamRoute]))
      .default([{ destination: '/app/greet', channel: 'GREETING_CHANNEL_OUTBOUND', codec: 'json-string' }])
      .describe('From clients to Redis; empty by default when routes.inbound is given'),
    inbound: z
      .array(z.union([inboundRoute, readStreamRoute, presetRoute]))
      .default([
        {
          channel: 'GREETING_CHANNEL_INBOUND',
          destination: '/topic/greetings',
          codec: 'json-string',
          subscribe: 'on-demand',
        },
      ])
      .describe('From Redis to clients; empty by default when routes.outbound is given'),
    convention: flag(
      true,
      'For everything that no route names: /app/{name} goes to channel app:{name}, and channel topic:{name} to /topic/{name}',
    ),
    conventionCodec: codec.describe('Codec of the routes by convention'),
  })
  .prefault({})
  .describe('Which destination is which Redis channel or stream')
