/** The console of a connection: toolbar, the list of what went over the wire, and the record that is selected. */
import { useRef } from 'preact/hooks'
import { RecordKind } from '../stomp/frame-record.ts'
import type { Tab } from '../stomp/workspace.ts'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { VirtualList } from '../ui/virtual-list.tsx'
import { ConsoleRow } from './console-row.tsx'
import { ConsoleStatus } from './console-status.tsx'
import { ConsoleToolbar } from './console-toolbar.tsx'
import { RecordDetail } from './record-detail.tsx'

const ROW_HEIGHT = 26

export function ConsolePanel({ tab }: { readonly tab: Tab }) {
  const { console: model, connection } = tab
  const region = useRef<HTMLElement>(null)
  const chosen = model.selected.value
  // A note says all it has to say in its row.
  const selected = chosen?.kind === RecordKind.note ? undefined : chosen
  const focusList = () => region.current?.querySelector<HTMLElement>('[role=listbox]')?.focus()
  const close = () => {
    model.deselect()
    focusList()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    if (event.key === 'Escape' && selected) close()
    else if (!(event.target instanceof HTMLElement) || event.target.role !== 'listbox' || !selected) return
    else if (event.key === 'Enter') region.current?.querySelector<HTMLElement>('.detail')?.focus()
    else if (event.key === 'a') connection.ack(selected)
    else if (event.key === 'n') connection.nack(selected)
    else return
    event.preventDefault()
  }
  return (
    <section
      class={selected ? 'console has-detail' : 'console'}
      aria-label="Console"
      ref={region}
      onKeyDown={onKeyDown}
    >
      <ConsoleToolbar model={model} />
      <div class="console-main">
        <ConsoleList tab={tab} />
        {selected && <RecordDetail record={selected} tab={tab} onClose={close} key={selected.seq} />}
      </div>
      <ConsoleStatus model={model} />
    </section>
  )
}

function ConsoleList({ tab }: { readonly tab: Tab }) {
  const { console: model, connection } = tab
  const version = model.version.value
  const { records, isFiltering } = model
  const hiddenNames = model.isShowingSecrets.value ? undefined : connection.secretNames
  if (records.length === 0) {
    return (
      <div class="console-empty">
        {isFiltering && connection.log.size > 0 ? (
          <EmptyState title="Nothing passes the filter" text="Frames are there, but none fits.">
            <Button onClick={() => model.clearFilter()}>Show everything</Button>
          </EmptyState>
        ) : (
          <EmptyState
            title="Nothing yet"
            text="Everything that goes over the wire shows up here, heart-beats too. Subscribe to a destination, or send something."
          />
        )}
      </div>
    )
  }
  return (
    <VirtualList
      label="Frames"
      items={records}
      version={version}
      rowHeight={ROW_HEIGHT}
      isFollowing={model.isFollowing}
      selectedIndex={model.selectedIndex}
      renderRow={(record) => (
        <ConsoleRow
          record={record}
          subscription={connection.findSubscription(record.subscription)}
          ack={connection.acknowledgements.stateOf(record)}
          refusal={connection.softErrors.of(record)}
          hiddenNames={hiddenNames}
        />
      )}
    />
  )
}
