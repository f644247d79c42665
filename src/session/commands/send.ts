/** SEND: a message to a backend (`/app/…`) or to subscribers (`/topic/…`). STOMP 1.2 "SEND". */
import type { Header } from '../../../frames/index.ts'
import { ProtocolError, quoted } from '../../errors.ts'
import type { CommandHandler } from '../command.ts'
import { requireHeader } from '../headers.ts'

/** Headers of the SEND frame itself: they do not travel with the message. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['destination', 'content-length', 'receipt', 'transaction'])

export const handleSend: CommandHandler = (context, frame) => {
  const destination = requireHeader(frame, 'destination')
  if (!context.authenticator.maySend(context.identity, destination)) {
    throw new ProtocolError('not-authorized', `You may not send to ${quoted(destination)}`)
  }
  const headers: Header[] = []
  for (const header of frame.headers) if (!OWN_HEADERS.has(header[0])) headers.push(header)
  const message = context.broker.route({
    destination,
    body: frame.body,
    headers,
    session: context.sessionId,
    user: context.identity.user,
  })
  const transaction = frame.headers.get('transaction')
  if (transaction === undefined) return { done: context.broker.publish(message) }
  // A payload may be a view of what came in; what waits for COMMIT must not hold on to all of that.
  const payload = typeof message.payload === 'string' ? message.payload : message.payload.slice()
  context.transactions.add(transaction, { kind: 'send', message: { channel: message.channel, payload } })
  return undefined
}
