/** How the operations show a message that is kept. */
import { Buffer } from 'node:buffer'
import type { Message } from '../delivery/message.ts'
import { timeOf } from '../history/log.ts'
import type { HistoryMessageView } from './schema.ts'

/** Returns a message as the API shows it. */
export function messageView({ position, headers, body }: Message): HistoryMessageView {
  const named = new Map<string, string>()
  // STOMP 1.2 "Repeated Header Entries": the first of a name counts.
  for (const [name, value] of headers) if (!named.has(name)) named.set(name, value)
  const contentType = named.get('content-type')
  named.delete('content-type')
  named.delete('retained')
  const isText = typeof body === 'string'
  return {
    ...(position && { offset: position.offset, timestamp: timeOf(position.offset) }),
    body: isText ? body : Buffer.from(body).toString('base64'),
    ...(isText ? {} : { encoding: 'base64' as const }),
    ...(contentType === undefined ? {} : { contentType }),
    headers: Object.fromEntries(named),
  }
}
