/** SEND: a message to a backend (`/app/…`) or to subscribers (`/topic/…`). STOMP 1.2 "SEND". */
import type { Frame, Header } from '../../../frames/index.ts'
import { ProtocolError, quoted } from '../../errors.ts'
import type { CommandContext, CommandHandler } from '../command.ts'
import { requireHeader } from '../headers.ts'

/** Headers of the SEND frame itself: they do not travel with the message. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['destination', 'content-length', 'receipt', 'transaction'])

export const handleSend: CommandHandler = (context, frame) => {
  const destination = requireHeader(frame, 'destination')
  if (!context.authenticator.maySend(context.identity, destination)) {
    throw new ProtocolError('not-authorized', `You may not send to ${quoted(destination)}`)
  }
  const message = context.broker.route(new SentMessage(context, destination, frame))
  const transaction = frame.headers.get('transaction')
  if (transaction === undefined) return { done: context.broker.publish(message) }
  // A payload may be a view of what came in; what waits for COMMIT must not hold on to all of that.
  const payload = typeof message.payload === 'string' ? message.payload : message.payload.slice()
  context.transactions.add(transaction, { kind: 'send', message: { channel: message.channel, payload } })
  return undefined
}

/** What the broker is given of the frame. Not every codec carries the headers. */
class SentMessage {
  readonly destination: string
  readonly session: string
  readonly user: string | undefined
  readonly #frame: Frame

  constructor({ sessionId, identity }: CommandContext, destination: string, frame: Frame) {
    this.destination = destination
    this.session = sessionId
    this.user = identity.user
    this.#frame = frame
  }

  get body(): Uint8Array {
    return this.#frame.body
  }

  get headers(): readonly Header[] {
    return [...this.#frame.headers].filter(([name]) => !OWN_HEADERS.has(name))
  }
}
