/** The sections `broker` and `routes`: which destinations there are, and which Redis channel each is. */
import * as z from 'zod'
import { flag, HOUR_MS, milliseconds, prefix, template } from './values.ts'

const channelTemplate = template.describe('Redis channel, with the same variables as the destination')
const codec = z
  .enum(['json-string', 'raw', 'json', 'envelope'])
  .default('json-string')
  .describe('How a body is written in Redis: a JSON string, the bytes as they are, a JSON value, or a JSON envelope')

const outboundRoute = z.strictObject({
  destination: template.describe('Where clients SEND to; {name} stands for one segment, {*name} for the rest'),
  channel: channelTemplate,
  codec,
})

const inboundRoute = z.strictObject({
  channel: channelTemplate,
  destination: template.describe('Where it is delivered; {name} stands for one segment, {*name} for the rest'),
  codec,
  subscribe: z
    .enum(['on-demand', 'always'])
    .default('on-demand')
    .describe('Subscribe to the Redis channel only while a client needs it, or as long as the bridge runs'),
  contentType: z.string().min(1).optional().describe('The content-type header of the messages'),
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
      .array(outboundRoute)
      .default([{ destination: '/app/greet', channel: 'GREETING_CHANNEL_OUTBOUND', codec: 'json-string' }])
      .describe('From clients to Redis; empty by default when routes.inbound is given'),
    inbound: z
      .array(inboundRoute)
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
  .describe('Which destination is which Redis channel')
