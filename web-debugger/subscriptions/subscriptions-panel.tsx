/** Subscribe, and the list of what is subscribed with what it brings. */
import { useSignal } from '@preact/signals'
import type { RefObject } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Layout } from '../shell/layout.ts'
import type { Connection } from '../stomp/connection.ts'
import type { SubscribeForm } from '../stomp/subscribe-form.ts'
import { announce } from '../ui/announce.ts'
import { Button } from '../ui/button.tsx'
import { HeaderRows } from '../ui/header-rows.tsx'
import { Icon } from '../ui/icon.tsx'
import { Panel } from '../ui/panel.tsx'
import { Select } from '../ui/select.tsx'
import { TextInput } from '../ui/text-input.tsx'
import { AskField } from './ask-field.tsx'
import { SubscriptionList } from './subscription-list.tsx'

export interface SubscriptionsPanelProps {
  readonly connection: Connection
  readonly form: SubscribeForm
  /** Destinations to propose. */
  readonly proposals: readonly string[]
  readonly layout: Layout
}

export function SubscriptionsPanel({ connection, form, proposals, layout }: SubscriptionsPanelProps) {
  const isOpen = useSignal(true)
  const { destination, ack, headers, problem, prefetch, ask, wanted } = form
  const box = useRef<HTMLDivElement>(null)
  useNextAfter(box)
  const subscribe = () => form.subscribe(connection)
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
          {form.hasPrefetch && (
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

/** Who ends a subscription with its button goes on at the next one: the button takes the focus with it. */
function useNextAfter(box: RefObject<HTMLElement | null>): void {
  const items = () => [...(box.current?.closest('section')?.querySelectorAll('.subscription') ?? [])]
  const button = document.activeElement
  const item = button?.closest('.subscription')
  const index = item ? items().indexOf(item) : -1
  useLayoutEffect(() => {
    if (index < 0 || button?.isConnected) return
    const left = items()
    const next = left[index] ?? left.at(-1) ?? box.current
    next?.querySelector<HTMLElement>('button:last-of-type')?.focus()
  })
}
