/**
 * Owns `POST /api/notification`, by which a backend without Redis sends to subscribers: its schema, which both checks
 * requests and documents them, and its handler. Delivery is the broker's.
 */
import { Buffer } from 'node:buffer'
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, Handler } from 'hono'
import { MAX_ONCE_LENGTH, onceName, onceProblem } from '../broker/once.ts'
import type { Outbound } from '../broker/outbound.ts'
import { memberTexts } from '../json-text.ts'
import { textOf } from '../text.ts'
import type { TraceContext } from '../trace-context.ts'
import { keyErrors } from './key-guard.ts'
import { readJson } from './json-body.ts'
import { badFields, fieldProblems } from './fields.ts'
import { errorResponse, HttpError, type FieldProblem, type HttpEnv } from './json-error.ts'
import { traceOf } from './traced.ts'

/** The longest topic, in characters. */
const MAX_TOPIC = 1024

/** The request body. Fields that it does not know are ignored, as Spring does. */
export const notificationSchema = z
  .object(
    {
      topic: z
        .string({ error: (issue) => `Topic ${issue.input === undefined ? 'is missing: give' : 'must be'} a string` })
        .min(1, 'Topic must not be empty')
        .max(MAX_TOPIC, `Topic must have at most ${MAX_TOPIC} characters`)
        .openapi({
          description:
            'Destination whose subscribers get the message: below a prefix of broker.prefixes, or the address of a user, ' +
            'a group or a session, such as /user/alice/queue/news',
          example: '/topic/toast',
        }),
      // Not z.json(): that copies the value, and a key such as "__proto__" would be lost on the way.
      message: z
        .unknown()
        .refine((value) => value !== undefined && value !== null, 'Message is missing: give text or a JSON value')
        .openapi({
          type: ['string', 'number', 'boolean', 'object', 'array'],
          description:
            'Text arrives as text/plain. Any other value arrives as application/json, written as it is here. It must not be null',
          example: 'Hello',
        }),
    },
    { error: 'The body must be a JSON object with "topic" and "message"' },
  )
  .openapi('Notification', { description: 'A message and where it goes' })

/** What a sender may say in headers, as the OpenAPI document shows it. */
export const notificationHeaders = z.object({
  'Idempotency-Key': z
    .string()
    .optional()
    .openapi({
      description: `What was sent with this key within the last five minutes is not sent again, and answered alike; at most ${MAX_ONCE_LENGTH} characters`,
    }),
  traceparent: z.string().optional().openapi({
    description:
      'The trace that the message belongs to (W3C Trace Context); it goes on with the message, as does tracestate',
    example: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  }),
})

/** The operation, as the OpenAPI document shows it. */
export const notificationRoute = createRoute({
  method: 'post',
  path: '/api/notification',
  operationId: 'sendNotification',
  tags: ['Messages'],
  summary: 'Send a message to subscribers',
  description:
    'Delivers the message to every client that has subscribed to the topic, on every node. ' +
    'The answer comes when the bus has accepted the message. It does not say whether anyone was subscribed.',
  request: {
    headers: notificationHeaders,
    body: {
      required: true,
      content: {
        'application/json': {
          schema: notificationSchema,
          examples: {
            text: { summary: 'Text', value: { topic: '/topic/toast', message: 'Hello' } },
            json: { summary: 'A JSON value', value: { topic: '/topic/orders', message: { id: 7, state: 'shipped' } } },
          },
        },
      },
    },
  },
  responses: {
    200: { description: 'Accepted. The body is empty' },
    400: errorResponse('Not JSON, or a field is missing or wrong', 'bad-field', 'Topic is missing: give a string', [
      { field: 'topic', message: 'Topic is missing: give a string' },
    ]),
    ...keyErrors,
    413: errorResponse('The body is too large', 'body-too-large', 'The body is too large: send at most 1048576 bytes'),
    415: errorResponse(
      'The content type is not JSON',
      'unsupported-media-type',
      'Send the body as JSON, with "Content-Type: application/json"',
    ),
    500: errorResponse('A fault of the bridge', 'internal', 'Internal error'),
    502: errorResponse(
      'Redis does not let this bridge publish on the broadcast channel',
      'bus-refused',
      'The message could not be handed over: Redis refuses its channel',
    ),
    503: errorResponse(
      'The bus is unavailable: try again after the seconds in Retry-After',
      'bus-unavailable',
      'The message could not be handed over: the bus is unavailable',
    ),
  },
})

/** What a notification needs of the way out. */
export type Notifier = Pick<Outbound, 'notify' | 'topicProblem'>

/** Makes the handler. It answers when the bus has the message. */
export function createNotificationHandler(outbound: Notifier, maxBodyBytes: number): Handler<HttpEnv> {
  return async (c) => {
    const { value, text } = await readJson(c.req.raw, maxBodyBytes)
    await notify(outbound, value, text, { once: onceFor(c), trace: traceOf(c) })
    return c.body(null, 200)
  }
}

/** What the request says of its notifications, beside what they are. */
interface NotifyOptions {
  readonly once: OnceFor | undefined
  readonly trace: TraceContext | undefined
}

/** Returns the name of what is to be published once: a message, as JSON, for a topic. */
type OnceFor = (topic: string, json: string) => string

/**
 * Returns how the one message of this request is named, whatever it says; undefined if it may be sent twice.
 * Errors: HttpError `bad-field`.
 */
export function onceFor(c: Context<HttpEnv>): OnceFor | undefined {
  const key = onceKeyOf(c)
  if (key === undefined) return undefined
  const sender = senderOf(c)
  return (topic) => onceName(sender, topic, key)
}

/**
 * Returns how each message of this request is named, by what it says: so its place does not matter, and others that come
 * with the same key are others. Of equal ones each is another. Undefined if they may be sent twice.
 * Errors: HttpError `bad-field`.
 */
export function onceForEach(c: Context<HttpEnv>): OnceFor | undefined {
  const key = onceKeyOf(c)
  if (key === undefined) return undefined
  const sender = senderOf(c)
  const equals = new Map<string, number>()
  return (topic, json) => {
    const name = onceName(sender, topic, key, json)
    const before = equals.get(name) ?? 0
    equals.set(name, before + 1)
    return before === 0 ? name : `${name}-${before}`
  }
}

/** Errors: HttpError `bad-field`. */
function onceKeyOf(c: Context<HttpEnv>): string | undefined {
  const header = c.req.header('idempotency-key')
  const key = header === undefined ? undefined : headerText(header)
  const problem = key === undefined ? undefined : onceProblem(key)
  if (problem !== undefined) throw new HttpError('bad-field', `Idempotency-Key ${problem}`)
  return key
}

/** Fetch Standard: of a header each octet is a character. Who writes UTF-8 means the same text as on a SEND. */
function headerText(header: string): string {
  return textOf(Buffer.from(header, 'latin1')) ?? header
}

function senderOf(c: Context<HttpEnv>): string | undefined {
  const name = c.get('keyName')
  return name === undefined ? undefined : `key ${name}`
}

/**
 * Checks one notification and hands it over. `text`: the JSON that `value` was read from.
 * Errors: rejects with HttpError `bad-field`, `bad-destination`; ProtocolError as `Outbound.notify`.
 */
export async function notify(
  outbound: Notifier,
  value: unknown,
  text: string,
  { once, trace }: NotifyOptions,
): Promise<void> {
  const { success, data, error } = notificationSchema.safeParse(value)
  const problems = [...(error ? fieldProblems(error) : []), ...topicProblems(value, outbound)]
  if (!success || problems.length > 0) {
    throw badFields(problems, success ? 'bad-destination' : 'bad-field')
  }
  const { topic, message } = data
  // Text is written anew, which is quick; what is delivered as JSON goes on as it came.
  const json = typeof message === 'string' ? JSON.stringify(message) : memberTexts(text)!.get('message')!
  await outbound.notify(topic, json, once?.(topic, json), trace)
}

/** Asked beside the schema, so that both fields are reported together. */
function topicProblems(value: unknown, outbound: Notifier): FieldProblem[] {
  const { success, data: topic } = notificationSchema.shape.topic.safeParse(
    (value as { topic?: unknown } | null)?.topic,
  )
  const problem = success ? outbound.topicProblem(topic) : undefined
  if (problem === undefined) return []
  return [{ field: 'topic', message: `Topic "${topic}" cannot have subscribers: it ${problem}` }]
}
