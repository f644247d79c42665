/** Subscribe, and the list of what is subscribed with what it brings. */
import { useSignal } from '@preact/signals'
import type { Header } from '../../frames/index.ts'
import type { Connection } from '../stomp/connection.ts'
import type { AckMode } from '../stomp/subscriptions.ts'
import { Button } from '../ui/button.tsx'
import { HeaderRows, type HeaderRow } from '../ui/header-rows.tsx'
import { Icon } from '../ui/icon.tsx'
import { Panel } from '../ui/panel.tsx'
import { Select } from '../ui/select.tsx'
import { TextInput } from '../ui/text-input.tsx'
import { SubscriptionList } from './subscription-list.tsx'

export interface SubscriptionsPanelProps {
  readonly connection: Connection
  /** Destinations to propose. */
  readonly proposals: readonly string[]
}

export function SubscriptionsPanel({ connection, proposals }: SubscriptionsPanelProps) {
  const isOpen = useSignal(true)
  const destination = useSignal('')
  const ack = useSignal<AckMode>('auto')
  const headers = useSignal<readonly HeaderRow[]>([])
  const problem = useSignal<string | undefined>(undefined)
  const subscribe = () => {
    const wanted = destination.value.trim()
    problem.value = wanted === '' ? 'Enter a destination, such as /topic/greetings' : undefined
    if (problem.value !== undefined) return
    const rows = headers.value.filter((row) => row.name !== '').map(({ name, value }): Header => [name, value])
    connection.subscribe({ destination: wanted, ack: ack.value, headers: rows })
    destination.value = ''
  }
  const count = connection.subscriptions.value.length
  return (
    <Panel title={count === 0 ? 'Subscriptions' : `Subscriptions (${count})`} isOpen={isOpen}>
      <div class="subscribe-row">
        <TextInput
          label="Destination to subscribe"
          hideLabel
          value={destination}
          error={problem.value}
          placeholder="/topic/greetings"
          list={proposals}
          onEnter={subscribe}
          mono
        />
        <Button kind="primary" onClick={subscribe}>
          Subscribe
        </Button>
      </div>
      <details class="more">
        <summary>
          <Icon name="chevron" />
          Acknowledgement and headers
        </summary>
        <div class="more-body">
          <Select
            label="Acknowledgement"
            value={ack}
            options={[
              { value: 'auto', text: 'auto: the server asks for none' },
              { value: 'client', text: 'client: one ACK covers all before it' },
              { value: 'client-individual', text: 'client-individual: each message' },
            ]}
          />
          <HeaderRows label="SUBSCRIBE headers" rows={headers} />
        </div>
      </details>
      <SubscriptionList connection={connection} />
    </Panel>
  )
}
