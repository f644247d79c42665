/** SUBSCRIBE: its receipt means that the subscription is live, on the bus too. STOMP 1.2 "SUBSCRIBE". */
import { Version } from '../../../frames/index.ts'
import { ProtocolError } from '../../errors.ts'
import type { CommandHandler } from '../command.ts'
import { requireHeader } from '../headers.ts'
import { AckMode } from '../subscriptions.ts'

export const handleSubscribe: CommandHandler = (context, frame) => {
  const destination = requireHeader(frame, 'destination')
  const id = context.version === Version.V1_0 ? frame.headers.get('id') : requireHeader(frame, 'id')
  const ackMode = parseAckMode(frame.headers.get('ack'), context.version)
  if (!context.authenticator.maySubscribe(context.identity, destination)) {
    throw new ProtocolError('not-authorized', `You may not subscribe to "${destination}"`)
  }
  const liveness = context.subscriptions.add(destination, id, ackMode)
  if (!liveness) return undefined
  // What the client does next may make a backend answer on the channel, so it waits until that is subscribed. But while
  // the bus is away nobody can answer, and what has to be refused is not left hanging.
  return { done: liveness.live, heldBackUntil: liveness.liveOrLost, isAbandonable: true }
}

function parseAckMode(value: string | undefined, version: Version): AckMode {
  if (value === undefined || value === AckMode.auto) return AckMode.auto
  if (value === AckMode.client) return AckMode.client
  if (value === AckMode.individual && version !== Version.V1_0) return AckMode.individual
  throw new ProtocolError('bad-header', `Header "ack" cannot be "${value}" in STOMP ${version}`)
}
