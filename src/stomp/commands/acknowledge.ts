/** ACK and NACK. STOMP 1.2 "ACK", "NACK"; in `client` mode both are cumulative. A NACKed message is discarded. */
import { Version, type Frame } from '../../../frames/index.ts'
import { ProtocolError } from '../../errors.ts'
import type { AckTarget } from '../acknowledgements.ts'
import type { CommandContext, CommandHandler } from '../command.ts'

type Kind = 'ack' | 'nack'

export const handleAck: CommandHandler = (context, frame) => acknowledge(context, frame, 'ack')

export const handleNack: CommandHandler = (context, frame) => {
  if (context.stompVersion === Version.V1_0) throw new ProtocolError('unknown-command', 'STOMP 1.0 has no NACK')
  return acknowledge(context, frame, 'nack')
}

function acknowledge(context: CommandContext, frame: Frame, kind: Kind): undefined {
  const target = context.acknowledgements.find(frame, context.stompVersion)
  const transaction = frame.headers.get('transaction')
  if (transaction === undefined) settle(context, kind, target)
  else context.transactions.add(transaction, { kind, target })
}

/** Count what is settled; also called by COMMIT. */
export function settle(context: CommandContext, kind: Kind, target: AckTarget): void {
  context.metrics.count[kind === 'ack' ? 'acknowledged' : 'rejected'] += context.acknowledgements.settle(target)
}
