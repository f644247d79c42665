/** BEGIN, COMMIT, ABORT. STOMP 1.2 "BEGIN", "COMMIT", "ABORT": all of a transaction is applied at COMMIT, in order. */
import type { Frame } from '../../../frames/index.ts'
import type { RoutedMessage } from '../../broker/outbound.ts'
import type { QueueConsumer } from '../../queue/queue-consumer.ts'
import type { CommandContext, CommandHandler } from '../command.ts'
import { requireHeader } from '../headers.ts'
import { countSettled, ofSettling } from './acknowledge.ts'

export const handleBegin: CommandHandler = (context, frame) => {
  context.transactions.begin(requireHeader(frame, 'transaction'))
  return undefined
}

export const handleAbort: CommandHandler = (context, frame) => {
  context.transactions.take(requireHeader(frame, 'transaction'))
  return undefined
}

export const handleCommit: CommandHandler = (context, frame) => {
  const { messages, settlings, rejections, counts } = takeApart(context, frame)
  const count = (): void => {
    countSettled(context, 'ack', counts.ack)
    countSettled(context, 'nack', counts.nack)
  }
  const only = messages.length === 0 && settlings.length === 1 ? settlings[0] : undefined
  const reject = (): Promise<unknown> | undefined =>
    rejections.length === 0 ? undefined : Promise.all(rejections.map(({ work, ids }) => work.reject(ids)))
  if (only || (messages.length === 0 && settlings.length === 0)) {
    count()
    const done = [only?.work.settle(only.ids), reject()].filter((each) => each !== undefined)
    if (done.length === 0) return undefined
    return { done: Promise.all(done).then(() => {}), isAbandonable: ofSettling(context) }
  }
  // The frames behind it wait: they must not reach the bus before the transaction. NACKs come last: if the node died here,
  // their messages would come back to the queue all the same.
  const done = applyAtOnce(context, messages, settlings).then(() => {
    count()
    return reject()?.then(() => {})
  })
  return { done, heldBackUntil: done }
}

/** Messages of a work queue that one subscription has, and what becomes of them. */
interface OfQueue {
  readonly work: QueueConsumer
  readonly ids: string[]
}

interface Parts {
  readonly messages: readonly RoutedMessage[]
  readonly settlings: readonly OfQueue[]
  readonly rejections: readonly OfQueue[]
  /** Messages, those of topics too. */
  readonly counts: { readonly ack: number; readonly nack: number }
}

/** From here on the session has nothing of it left to acknowledge. */
function takeApart(context: CommandContext, frame: Frame): Parts {
  const messages: RoutedMessage[] = []
  const settled = new Map<QueueConsumer, OfQueue>()
  const rejections: OfQueue[] = []
  const counts = { ack: 0, nack: 0 }
  for (const step of context.transactions.take(requireHeader(frame, 'transaction'))) {
    if (step.kind === 'send') {
      messages.push(step.message)
      continue
    }
    const ids = context.acknowledgements.settle(step.target)
    counts[step.kind] += ids.length
    const work = step.target.subscription?.work
    if (!work || ids.length === 0) continue
    if (step.kind === 'nack') rejections.push({ work, ids: [...ids] })
    else if (settled.has(work)) settled.get(work)!.ids.push(...ids)
    else settled.set(work, { work, ids: [...ids] })
  }
  return { messages, settlings: [...settled.values()], rejections, counts }
}

/** Rejects as `Client.publishAll`; then what was to be settled is not. */
async function applyAtOnce(
  { client }: CommandContext,
  messages: readonly RoutedMessage[],
  of: readonly OfQueue[],
): Promise<void> {
  const settlings = of.map(({ work, ids }) => work.beginSettling(ids))
  try {
    const entries = settlings.map((each) => each.entries).filter(({ ids }) => ids.length > 0)
    await client.publishAll(messages, entries)
  } catch (error) {
    for (const settling of settlings) settling.failed()
    throw error
  }
  for (const settling of settlings) settling.done()
}
