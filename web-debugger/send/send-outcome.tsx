/** What became of the message that was sent last, where it was sent. What is refused softly is told beside it. */
import type { Connection } from '../stomp/connection.ts'
import type { SendOutcome } from '../stomp/send-outcome.ts'
import type { Sender } from '../stomp/sender.ts'
import { Button } from '../ui/button.tsx'
import { formatCount, formatMs, formatTime } from '../ui/format.ts'
import { Icon, type IconName } from '../ui/icon.tsx'

export interface SendOutcomeProps {
  readonly connection: Connection
  readonly sender: Sender
  readonly onShow: (seq: number) => void
}

export function SendOutcomeText({ connection, sender, onShow }: SendOutcomeProps) {
  void connection.pulse.beat.value
  const outcome = sender.outcome.value
  const pair = outcome?.pair
  const seen = outcome && lookOf(outcome, connection)
  // Stays in the document: what comes into it is read out.
  return (
    <div class="send-outcome" role="status">
      {seen && (
        <p class={`send-outcome-line is-${seen.kind}`}>
          <Icon name={seen.kind} />
          <span>{seen.text}</span>
        </p>
      )}
      {seen && pair && outcome.sent === 1 && connection.isKept(pair.receiptSeq) && (
        <Button kind="quiet" onClick={() => onShow(pair.receiptSeq)}>
          Show RECEIPT
        </Button>
      )}
    </div>
  )
}

interface Look {
  readonly kind: IconName & ('info' | 'success' | 'error' | 'warning')
  readonly text: string
}

function lookOf(outcome: SendOutcome, connection: Connection): Look | undefined {
  const { sent, error, isSessionOver, isCutOff, refusedCount, answeredCount, wantsReceipt, pair, atMs } = outcome
  if (error) {
    const said = error.code === undefined ? error.message : `${error.code}: ${error.message}`
    const end = isSessionOver ? ` ${sessionWords(connection)}` : ''
    return { kind: 'error', text: `Refused. ${said.replace(/\.?$/, '.')}${end}` }
  }
  if (isCutOff) return { kind: 'warning', text: `No receipt. ${sessionWords(connection)}` }
  if (sent > 1) return { kind: refusedCount > 0 ? 'warning' : 'info', text: manyWords(outcome) }
  if (refusedCount > 0) return undefined
  if (pair) return { kind: 'success', text: `Receipt in ${formatMs(pair.ms)}` }
  if (wantsReceipt && answeredCount === 0) return { kind: 'info', text: 'Sent, the receipt is to come' }
  return { kind: 'info', text: `Sent ${formatTime(atMs)}. Without a receipt nobody says whether it was taken.` }
}

function manyWords({ sent, answeredCount, refusedCount, slowestMs, wantsReceipt }: SendOutcome): string {
  const parts = [`${formatCount(sent)} sent`]
  if (wantsReceipt) parts.push(`${formatCount(answeredCount)} ${answeredCount === 1 ? 'receipt' : 'receipts'}`)
  if (answeredCount > 0) parts.push(`the slowest in ${formatMs(slowestMs)}`)
  if (refusedCount > 0) parts.push(`${formatCount(refusedCount)} refused`)
  return parts.join(', ')
}

function sessionWords(connection: Connection): string {
  const state = connection.state.value
  if (state === 'connected') return 'The session was closed, and is connected again.'
  return state === 'closed' ? 'The session was closed.' : 'The session was closed; it connects again.'
}
