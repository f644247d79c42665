/** SEND: a message to a backend (`/app/…`) or to subscribers (`/topic/…`). STOMP 1.2 "SEND". */
import type { Frame, Header } from '../../../frames/index.ts'
import { RENEW_DESTINATION } from '../../access/built-in.ts'
import { onceName, onceProblem } from '../../broker/once.ts'
import type { RoutedMessage } from '../../broker/outbound.ts'
import type { Client } from '../../client/client.ts'
import { requireReplyChannel } from '../../client/replies.ts'
import type { OutboundMessage } from '../../routes/payload.ts'
import { CORRELATION_ID, REPLY_TO } from '../../routes/replies.ts'
import { ProtocolError } from '../../errors.ts'
import { readTrace, traceHeaders, TRACEPARENT, TRACESTATE, type TraceContext } from '../../trace-context.ts'
import type { Tracing } from '../../tracing/tracing.ts'
import type { CommandContext, CommandHandler, PendingEffect } from '../command.ts'
import { requireHeader } from '../headers.ts'

/** Headers of the SEND frame itself: they do not travel with the message as they are. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'destination',
  'content-length',
  'receipt',
  'transaction',
  'idempotency-key',
  TRACEPARENT,
  TRACESTATE,
])

export const handleSend: CommandHandler = (context, frame) => {
  const { client, tracing } = context
  const destination = requireHeader(frame, 'destination')
  if (destination === RENEW_DESTINATION) return renew(context, frame)
  if (client.isCommand(destination)) return runCommand(context, frame)
  const traceparent = frame.headers.get(TRACEPARENT)
  const trace = traceparent === undefined ? undefined : readTrace(traceparent, frame.headers.get(TRACESTATE))
  return tracing
    ? sendTraced(context, destination, frame, trace, tracing)
    : sendMessage(context, destination, frame, trace)
}

/** As one span, from the frame until its effect has happened. */
function sendTraced(
  context: CommandContext,
  destination: string,
  frame: Frame,
  trace: TraceContext | undefined,
  tracing: Tracing,
): PendingEffect | undefined {
  const attributes = {
    'messaging.system': 'stomp',
    'messaging.operation.name': 'SEND',
    'messaging.operation.type': 'send',
    'messaging.destination.name': destination,
    'messaging.message.body.size': frame.body.length,
    'session.id': context.client.id,
  }
  const span = tracing.begin('server', 'SEND', attributes, trace)
  if (!span) return sendMessage(context, destination, frame, trace)
  try {
    const effect = sendMessage(context, destination, frame, span)
    if (effect) void span.endWith(effect.done)
    else span.end() // of a transaction: nothing more happens before COMMIT
    return effect
  } catch (error) {
    span.end(error)
    throw error
  }
}

function sendMessage(
  context: CommandContext,
  destination: string,
  frame: Frame,
  trace: TraceContext | undefined,
): PendingEffect | undefined {
  const { client } = context
  const once = onceOf(context, destination, frame)
  const message = client.route(new SentMessage(client, destination, frame, trace), once)
  const replyTo = frame.headers.get(REPLY_TO)
  const ready = replyTo === undefined ? undefined : client.listenForReplies(destination, replyTo)
  const transaction = frame.headers.get('transaction')
  if (transaction !== undefined) {
    context.transactions.add(transaction, { kind: 'send', message: ownCopy(message) })
    return ready && { done: ready, heldBackUntil: ready }
  }
  if (!ready) return { done: client.publish(message) }
  // The answer must not come before it can be heard, and what follows not before the request.
  const own = ownCopy(message)
  const done = ready.then(() => client.publish(own))
  return { done, heldBackUntil: done }
}

/** A payload may be a view of what came in; what waits must not hold on to all of that. */
function ownCopy(message: RoutedMessage): RoutedMessage {
  return typeof message.payload === 'string' ? message : { ...message, payload: message.payload.slice() }
}

/** Returns the name of what is to be published once. Errors: ProtocolError `bad-header`. */
function onceOf({ client }: CommandContext, destination: string, frame: Frame): string | undefined {
  const key = frame.headers.get('idempotency-key')
  if (key === undefined) return undefined
  const problem = onceProblem(key)
  if (problem !== undefined) throw new ProtocolError('bad-header', `Header "idempotency-key" ${problem}`)
  const { user } = client.identity
  return onceName(user === undefined ? undefined : `user ${user}`, destination, key)
}

/** Who it is is asked at once: it cannot wait for COMMIT. */
function renew(context: CommandContext, frame: Frame): PendingEffect {
  if (!frame.headers.has('transaction')) return context.renew(frame)
  throw new ProtocolError('bad-header', 'A renewal cannot be part of a transaction')
}

/** It is answered at once: it cannot wait for COMMIT. */
function runCommand({ client }: CommandContext, frame: Frame): PendingEffect {
  if (frame.headers.has('transaction')) {
    throw new ProtocolError('bad-header', 'A command to Redis cannot be part of a transaction')
  }
  return { done: client.runCommand(frame.body, frame.headers.get(CORRELATION_ID)) }
}

/** What the routes are given of the frame. Not every codec carries the headers. */
class SentMessage implements OutboundMessage {
  readonly destination: string
  readonly session: string
  readonly user: string | undefined
  readonly trace: TraceContext | undefined
  readonly #frame: Frame

  constructor({ id, identity }: Client, destination: string, frame: Frame, trace: TraceContext | undefined) {
    this.trace = trace
    this.destination = destination
    this.session = id
    this.user = identity.user
    this.#frame = frame
  }

  /** Errors: ProtocolError `bad-header`. */
  get replyTo(): string | undefined {
    const wanted = this.#frame.headers.get(REPLY_TO)
    return wanted === undefined ? undefined : requireReplyChannel(this.session, wanted)
  }

  get body(): Uint8Array {
    return this.#frame.body
  }

  get headers(): readonly Header[] {
    const headers: Header[] = []
    for (const header of this.#frame.headers) if (!OWN_HEADERS.has(header[0])) headers.push(header)
    if (this.trace) headers.push(...traceHeaders(this.trace))
    return headers
  }
}
