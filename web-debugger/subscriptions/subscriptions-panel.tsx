/** Subscribe, and the list of what is subscribed with what it brings. */
import { useSignal } from '@preact/signals'
import type { Header } from '../../frames/index.ts'
import { useMemo, useRef } from 'preact/hooks'
import type { Layout } from '../shell/layout.ts'
import type { Connection } from '../stomp/connection.ts'
import { readAsk } from '../stomp/place.ts'
import { readPrefetch } from '../stomp/prefetch.ts'
import type { AckMode } from '../stomp/subscriptions.ts'
import { announce } from '../ui/announce.ts'
import { Button } from '../ui/button.tsx'
import { HeaderRows, type HeaderRow } from '../ui/header-rows.tsx'
import { Icon } from '../ui/icon.tsx'
import { Panel } from '../ui/panel.tsx'
import { Select } from '../ui/select.tsx'
import { TextInput } from '../ui/text-input.tsx'
import { AskField, createAsk } from './ask-field.tsx'
import { SubscriptionList } from './subscription-list.tsx'

export interface SubscriptionsPanelProps {
  readonly connection: Connection
  /** Destinations to propose. */
  readonly proposals: readonly string[]
  readonly layout: Layout
}

export function SubscriptionsPanel({ connection, proposals, layout }: SubscriptionsPanelProps) {
  const isOpen = useSignal(true)
  const destination = useSignal('')
  const ack = useSignal<AckMode>('auto')
  const headers = useSignal<readonly HeaderRow[]>([])
  const problem = useSignal<string | undefined>(undefined)
  const prefetch = useSignal('')
  const ask = useMemo(createAsk, [])
  const box = useRef<HTMLDivElement>(null)
  // With `auto` a message is settled when it is sent: there is nothing to count.
  const hasPrefetch = ack.value !== 'auto'
  const wanted = destination.value.trim()
  const subscribe = () => {
    const { kind, count, time, offset, epoch } = ask
    const form = { kind: kind.value, count: count.value, time: time.value, offset: offset.value, epoch: epoch.value }
    const asked = readAsk(form, wanted, connection.placeOf(wanted))
    const limited = hasPrefetch ? readPrefetch(prefetch.value) : []
    if (wanted === '') problem.value = 'Enter a destination, such as /topic/greetings'
    else problem.value = [asked, limited].find((each) => typeof each === 'string')
    if (problem.value !== undefined || typeof asked === 'string' || typeof limited === 'string') return
    const rows = headers.value.filter((row) => row.name !== '').map(({ name, value }): Header => [name, value])
    connection.subscribe({ destination: wanted, ack: ack.value, headers: [...asked, ...limited, ...rows] })
    destination.value = ''
    // The next one may be of a destination without history, where asking ends the session.
    kind.value = 'now'
  }
  const count = connection.subscriptions.value.length
  const unsubscribeAll = () => {
    connection.unsubscribeAll()
    announce(`${count} subscriptions ended`)
    // The button goes with the last of them.
    box.current?.querySelector('input')?.focus()
  }
  return (
    <Panel title={count === 0 ? 'Subscriptions' : `Subscriptions (${count})`} isOpen={isOpen}>
      <div class="subscribe-row" ref={box}>
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
      <AskField ask={ask} known={connection.placeOf(wanted)} />
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
          {hasPrefetch && (
            <TextInput
              label="Messages at a time"
              type="number"
              value={prefetch}
              placeholder="16"
              hint="Of a work queue: how many it may have without an ACK, 1 to 1,000. Sent as prefetch-count."
            />
          )}
          <HeaderRows label="SUBSCRIBE headers" rows={headers} />
        </div>
      </details>
      <SubscriptionList connection={connection} isGrouped={layout.areSubscriptionsGrouped} />
      {count > 1 && (
        <div class="subscriptions-foot">
          <Button kind="quiet" onClick={unsubscribeAll}>
            Unsubscribe all
          </Button>
        </div>
      )}
    </Panel>
  )
}
