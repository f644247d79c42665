/** UNSUBSCRIBE: nothing is delivered for the subscription after it. STOMP 1.2 "UNSUBSCRIBE". */
import { Version } from '../../../frames/index.ts'
import { AckMode } from '../../client/subscription.ts'
import { ProtocolError } from '../../errors.ts'
import type { CommandHandler } from '../command.ts'
import { requireHeader } from '../headers.ts'

export const handleUnsubscribe: CommandHandler = (context, frame) => {
  const destination = frame.headers.get('destination')
  const id = context.stompVersion === Version.V1_0 ? frame.headers.get('id') : requireHeader(frame, 'id')
  if (id === undefined && destination === undefined) {
    throw new ProtocolError('missing-header', 'UNSUBSCRIBE needs an "id" or a "destination" header')
  }
  const removed = context.client.unsubscribe(id, destination)
  // User interface frameworks unsubscribe twice all the time: no error, but counted.
  if (!removed) context.metrics.count.unsubscribeUnknown++
  else if (removed.ackMode !== AckMode.auto) context.acknowledgements.release(removed)
  return undefined
}
