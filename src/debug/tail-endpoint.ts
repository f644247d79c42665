/**
 * Owns `GET /api/channels/{channel}/tail`: what is published on a channel, as it is on the bus, for as long as somebody
 * reads. A reader that is too slow loses payloads and is told how many; the bridge loses nothing by it.
 */
import { Buffer } from 'node:buffer'
import { createRoute, z } from '@hono/zod-openapi'
import type { Handler } from 'hono'
import type { ChannelWatches } from '../broker/channel-watches.ts'
import { errorResponse, HttpError, type HttpEnv } from '../http/json-error.ts'
import { EVENT_STREAM_HEADERS } from '../http/sse.ts'
import { channelOf, channelParams } from './channel-endpoint.ts'
import { debugErrors } from './errors.ts'
import { EventStream } from './event-stream.ts'
import type { ChannelMessage } from './schema.ts'

export interface TailOptions {
  /** How often a comment is sent, in milliseconds. */
  readonly keepAliveMs?: number
}

const KEEP_ALIVE_MS = 15_000
/** Tails at a time. */
const MAX_TAILS = 32
/** Of a payload, so many bytes are shown. */
const MAX_PAYLOAD_BYTES = 65_536
/** What may wait for one reader, in characters. */
const MAX_QUEUED_CHARS = 1_048_576

const TOO_MANY = `There are ${MAX_TAILS} tails already: close one`

const EXAMPLE = `event: live
data: {"channel":"GREETING_CHANNEL_OUTBOUND"}

event: message
data: {"at":1790000000000,"channel":"GREETING_CHANNEL_OUTBOUND","payload":"\\"hi\\"","encoding":"text"}
`

/** The operation, as the OpenAPI document shows it. */
export const tailRoute = createRoute({
  method: 'get',
  path: '/api/channels/{channel}/tail',
  operationId: 'tailChannel',
  tags: ['Debugger'],
  summary: 'Watch a channel',
  description:
    'Server-Sent Events: "live" when the channel is subscribed, "message" for each payload (Base64 if it is not UTF-8), ' +
    '"dropped" with a count when the reader was too slow, and "unavailable" with a reason while the bus is away. ' +
    `Payloads are cut at ${MAX_PAYLOAD_BYTES} bytes, with "isCut".`,
  request: { params: channelParams },
  responses: {
    200: {
      description: 'A stream of events, until either side ends it',
      content: { 'text/event-stream': { schema: z.string(), example: EXAMPLE } },
    },
    ...debugErrors,
    429: errorResponse(`There are ${MAX_TAILS} readers already`, 'too-many-tails', TOO_MANY),
  },
})

/** Makes the handler; the limit on tails is that of this handler. */
export function createTailHandler(
  watches: Pick<ChannelWatches, 'add'>,
  { keepAliveMs = KEEP_ALIVE_MS }: TailOptions = {},
): Handler<HttpEnv> {
  let tails = 0
  return (c) => {
    const channel = channelOf(c)
    // Where a runtime answers a request for another protocol, it needs the whole response first.
    if (c.req.header('upgrade') !== undefined) throw new HttpError('bad-header', 'Leave out the Upgrade header')
    if (c.req.method === 'HEAD') return c.body(null, 200, EVENT_STREAM_HEADERS)
    if (tails >= MAX_TAILS) throw new HttpError('too-many-tails', TOO_MANY, { headers: { 'Retry-After': '5' } })
    tails++
    const events = new EventStream({
      keepAliveMs,
      maxQueuedChars: MAX_QUEUED_CHARS,
      onEnd() {
        tails--
        stop()
      },
    })
    const stop = watches.add(channel, {
      live: () => events.send('live', { channel }),
      unavailable: (reason) => events.send('unavailable', { reason }),
      message(payload) {
        if (events.isFull) events.drop()
        else events.send('message', messageOf(channel, payload))
      },
      ended: () => events.end(),
    })
    c.req.raw.signal.addEventListener('abort', () => events.end(), { once: true })
    return c.body(events.body, 200, EVENT_STREAM_HEADERS)
  }
}

function messageOf(channel: string, payload: Uint8Array): ChannelMessage {
  const isCut = payload.length > MAX_PAYLOAD_BYTES
  const part = isCut ? payload.subarray(0, endOfText(payload, MAX_PAYLOAD_BYTES)) : payload
  const about = { at: Date.now(), channel, ...(isCut ? { isCut } : {}) }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(part)
    return { ...about, payload: text, encoding: 'text' }
  } catch {
    const bytes = payload.subarray(0, MAX_PAYLOAD_BYTES)
    return { ...about, payload: Buffer.from(bytes).toString('base64'), encoding: 'base64' }
  }
}

/** Where to cut so that no character is cut: a byte that goes on with one has the form 10xxxxxx. */
function endOfText(payload: Uint8Array, max: number): number {
  let end = max
  while (end > max - 3 && (payload[end]! & 0xc0) === 0x80) end--
  return end
}
