/** BEGIN, COMMIT, ABORT. STOMP 1.2 "BEGIN", "COMMIT", "ABORT": all of a transaction is applied at COMMIT, in order. */
import type { RoutedMessage } from '../../broker/outbound.ts'
import type { CommandContext, CommandHandler } from '../command.ts'
import { requireHeader } from '../headers.ts'
import type { TransactionStep } from '../transactions.ts'
import { settle } from './acknowledge.ts'

export const handleBegin: CommandHandler = (context, frame) => {
  context.transactions.begin(requireHeader(frame, 'transaction'))
  return undefined
}

export const handleAbort: CommandHandler = (context, frame) => {
  context.transactions.take(requireHeader(frame, 'transaction'))
  return undefined
}

export const handleCommit: CommandHandler = (context, frame) => {
  const steps = context.transactions.take(requireHeader(frame, 'transaction'))
  const messages: RoutedMessage[] = []
  for (const step of steps) if (step.kind === 'send') messages.push(step.message)
  if (messages.length === 0) {
    const done = settleAll(context, steps)
    return done && { done, isAbandonable: true }
  }
  // What follows waits: it must not reach the bus before the transaction does.
  const done = context.client.publishAll(messages).then(() => settleAll(context, steps))
  return { done, heldBackUntil: done }
}

/** Resolves when the work queues know; undefined if there is nothing of one. */
function settleAll(context: CommandContext, steps: readonly TransactionStep[]): Promise<void> | undefined {
  const pending = steps.flatMap((step) => (step.kind === 'send' ? [] : (settle(context, step.kind, step.target) ?? [])))
  return pending.length === 0 ? undefined : Promise.all(pending).then(() => {})
}
