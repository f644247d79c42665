/** Begin, commit and abort transactions; what was sent in them. */
import { useSignal } from '@preact/signals'
import type { Connection } from '../stomp/connection.ts'
import type { Sender } from '../stomp/sender.ts'
import type { Transaction, TransactionState } from '../stomp/transactions.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Panel } from '../ui/panel.tsx'
import { TextInput } from '../ui/text-input.tsx'

const STATES: Readonly<Record<TransactionState, { text: string; kind: 'accent' | 'good' | 'neutral' | 'warn' }>> = {
  open: { text: 'open', kind: 'accent' },
  committed: { text: 'committed', kind: 'good' },
  aborted: { text: 'aborted', kind: 'neutral' },
  lost: { text: 'lost with the connection', kind: 'warn' },
}

export interface TransactionsPanelProps {
  readonly connection: Connection
  readonly sender: Sender
}

export function TransactionsPanel({ connection, sender }: TransactionsPanelProps) {
  const isOpen = useSignal(false)
  const id = useSignal('')
  const problem = useSignal<string | undefined>(undefined)
  const { transactions } = connection
  const list = transactions.list.value
  const openCount = list.filter(({ state }) => state === 'open').length
  const isConnected = connection.state.value === 'connected'
  const begin = () => {
    const begun = transactions.begin(id.value)
    problem.value = begun === undefined ? problemOf(isConnected, id.value) : undefined
    if (begun === undefined) return
    id.value = ''
    // Who begins one wants to send in it.
    sender.transaction.value = begun
  }
  return (
    <Panel title={openCount === 0 ? 'Transactions' : `Transactions (${openCount} open)`} isOpen={isOpen}>
      <div class="subscribe-row">
        <TextInput
          label="Transaction id"
          hideLabel
          value={id}
          error={problem.value}
          placeholder="id, or empty for a new one"
          onEnter={begin}
          mono
        />
        <Button onClick={begin} disabled={!isConnected}>
          Begin
        </Button>
      </div>
      {list.length === 0 ? (
        <p class="field-hint">
          What is sent or acknowledged in a transaction takes effect when it is committed, all at once, or never.
        </p>
      ) : (
        <ul class="transaction-list" aria-label="Transactions">
          {list.map((transaction) => (
            <TransactionItem key={transaction.id} transaction={transaction} connection={connection} sender={sender} />
          ))}
        </ul>
      )}
    </Panel>
  )
}

function problemOf(isConnected: boolean, id: string): string {
  return isConnected ? `Transaction ${id} is open already` : 'Connect first'
}

function TransactionItem({
  transaction,
  connection,
  sender,
}: TransactionsPanelProps & { readonly transaction: Transaction }) {
  const { id, state, frames } = transaction
  const { text, kind } = STATES[state]
  const end = (isCommitted: boolean) => {
    if (isCommitted) connection.transactions.commit(id)
    else connection.transactions.abort(id)
    if (sender.transaction.value === id) sender.transaction.value = ''
  }
  return (
    <li class="transaction">
      <span class="transaction-id mono">{id}</span>
      <Badge kind={kind}>{text}</Badge>
      <span class="transaction-frames tabular">
        {frames} {frames === 1 ? 'frame' : 'frames'}
      </span>
      {state === 'open' && (
        <span class="transaction-actions">
          <Button onClick={() => end(true)}>
            Commit<span class="visually-hidden"> {id}</span>
          </Button>
          <Button kind="danger" onClick={() => end(false)}>
            Abort<span class="visually-hidden"> {id}</span>
          </Button>
        </span>
      )}
    </li>
  )
}
