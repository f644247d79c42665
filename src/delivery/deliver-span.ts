/** What a trace shows of a message that goes to subscribers: one span for each message and node, however many they are. */
import { headerOf } from '../headers.ts'
import { readTrace, TRACEPARENT, TRACESTATE } from '../trace-context.ts'
import type { OpenSpan, Tracing } from '../tracing/tracing.ts'
import type { Message } from './message.ts'

/** Begins it; it ends when each of the `subscribers` has the message, or it waits for them here. */
export function deliverSpan(
  tracing: Tracing,
  { id, destination, headers, body }: Message,
  subscribers: number,
): OpenSpan | undefined {
  const attributes = {
    'messaging.system': 'stomp',
    'messaging.operation.name': 'MESSAGE',
    'messaging.operation.type': 'process',
    'messaging.destination.name': destination,
    'messaging.message.id': id,
    'messaging.message.body.size': body.length,
    'stomp_bridge.subscribers': subscribers,
  }
  const parent = readTrace(headerOf(headers, TRACEPARENT), headerOf(headers, TRACESTATE))
  return tracing.begin('consumer', 'MESSAGE', attributes, parent)
}
