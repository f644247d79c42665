/** ACK and NACK for a message that wants one; what became of it for one that wanted it. */
import { useSignal } from '@preact/signals'
import type { Connection } from '../stomp/connection.ts'
import type { FrameRecord } from '../stomp/frame-record.ts'
import { Button } from '../ui/button.tsx'
import { Select } from '../ui/select.tsx'

const OUTCOMES = {
  acked: 'Acknowledged.',
  nacked: 'Refused with NACK.',
  lost: 'Never acknowledged: the connection ended first.',
}

export function AckButtons({ record, connection }: { readonly record: FrameRecord; readonly connection: Connection }) {
  void connection.pulse.beat.value
  const transaction = useSignal('')
  const state = connection.acknowledgements.stateOf(record)
  if (state === undefined) return null
  if (state !== 'waiting') return <p class="detail-ack muted">{OUTCOMES[state]}</p>
  const open = connection.transactions.list.value.filter((each) => each.state === 'open')
  const inTransaction = () => transaction.value || undefined
  return (
    <div class="detail-ack">
      <Button kind="primary" onClick={() => connection.ack(record, inTransaction())}>
        ACK
      </Button>
      <Button
        kind="danger"
        onClick={() => connection.nack(record, inTransaction())}
        disabled={record.version === '1.0'}
      >
        NACK
      </Button>
      {open.length > 0 && (
        <Select
          label="Acknowledge in transaction"
          hideLabel
          value={transaction}
          options={[
            { value: '', text: 'in no transaction' },
            ...open.map(({ id }) => ({ value: id, text: `in ${id}` })),
          ]}
        />
      )}
    </div>
  )
}
