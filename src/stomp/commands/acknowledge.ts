/**
 * ACK and NACK. STOMP 1.2 "ACK", "NACK"; in `client` mode both are cumulative. A NACKed message of a topic is discarded, one
 * of a work queue goes to somebody else.
 */
import { Version, type Frame } from '../../../frames/index.ts'
import { ProtocolError } from '../../errors.ts'
import type { AckTarget } from '../acknowledgements.ts'
import type { CommandContext, CommandHandler, PendingEffect } from '../command.ts'

type Kind = 'ack' | 'nack'

export const handleAck: CommandHandler = (context, frame) => acknowledge(context, frame, 'ack')

export const handleNack: CommandHandler = (context, frame) => {
  if (context.stompVersion === Version.V1_0) throw new ProtocolError('unknown-command', 'STOMP 1.0 has no NACK')
  return acknowledge(context, frame, 'nack')
}

function acknowledge(context: CommandContext, frame: Frame, kind: Kind): PendingEffect | undefined {
  const target = context.acknowledgements.find(frame, context.stompVersion)
  const transaction = frame.headers.get('transaction')
  if (transaction !== undefined) {
    context.transactions.add(transaction, { kind, target })
    return undefined
  }
  const done = settle(context, kind, target)
  return done && { done, isAbandonable: ofSettling(context) }
}

/**
 * Nobody knows when a Redis that is away comes back, so neither an ERROR nor a shutdown waits for it. DISCONNECT does: its
 * RECEIPT says that all before it is done.
 */
export function ofSettling({ client }: CommandContext): NonNullable<PendingEffect['isAbandonable']> {
  return (end) => end !== 'leave' && client.isBusAway
}

/** Resolves when its work queue knows; undefined if it is of none. Rejects with ProtocolError `bus-refused`. */
function settle(context: CommandContext, kind: Kind, target: AckTarget): Promise<void> | undefined {
  const ids = context.acknowledgements.settle(target)
  countSettled(context, kind, ids.length)
  const work = target.subscription?.work
  if (!work || ids.length === 0) return undefined
  return kind === 'ack' ? work.settle(ids) : work.reject(ids)
}

/** Also called by COMMIT, when it has happened. */
export function countSettled({ metrics }: CommandContext, kind: Kind, messages: number): void {
  metrics.count[kind === 'ack' ? 'acknowledged' : 'rejected'] += messages
}
