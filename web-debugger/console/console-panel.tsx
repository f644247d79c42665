/** The console of a connection: toolbar, the list of what went over the wire, and the record that is selected. */
import type { Signal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { RecordKind } from '../stomp/frame-record.ts'
import type { Tab } from '../stomp/workspace.ts'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Separator } from '../ui/separator.tsx'
import { VirtualList } from '../ui/virtual-list.tsx'
import { ConsoleRow } from './console-row.tsx'
import { ConsoleStatus } from './console-status.tsx'
import { goToError } from './go-to-error.ts'
import { ReplayBar } from './replay-bar.tsx'
import { ConsoleToolbar } from './console-toolbar.tsx'
import { RecordDetail } from './record-detail.tsx'

const ROW_HEIGHT = 26

export interface ConsolePanelProps {
  readonly tab: Tab
  /** Of the opened record, in pixels; undefined where the style sheet decides. */
  readonly detailWidth: Signal<number | undefined>
}

export function ConsolePanel({ tab, detailWidth }: ConsolePanelProps) {
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
    const isInList = event.target instanceof HTMLElement && event.target.role === 'listbox'
    if (event.key === 'Escape' && selected) close()
    else if (isInList && event.key === 'e') goToError(model, 1)
    else if (isInList && event.key === 'E') goToError(model, -1)
    else if (!isInList || !selected) return
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
      <div
        class="console-main"
        style={detailWidth.value === undefined ? {} : { '--detail-width': `${detailWidth.value}px` }}
      >
        <ConsoleList tab={tab} />
        {selected && (
          <>
            <Separator label="Width of the details" width={detailWidth} pane="after" min={260} max={1_000} />
            <RecordDetail record={selected} tab={tab} onClose={close} key={selected.seq} />
          </>
        )}
      </div>
      <ReplayBar tab={tab} />
      <ConsoleStatus tab={tab} />
    </section>
  )
}

function ConsoleList({ tab }: { readonly tab: Tab }) {
  const { console: model, connection } = tab
  const version = model.version.value
  const { records, cut, isFiltering } = model
  const query = model.query.value.hasRanges ? model.query.value : undefined
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
      cut={cut}
      version={version}
      rowHeight={ROW_HEIGHT}
      revealed={model.revealed}
      isFollowing={model.isFollowing}
      selectedIndex={model.selectedIndex}
      renderRow={(record, index) => (
        <ConsoleRow
          record={record}
          previous={records[index - 1]}
          query={query}
          subscription={connection.findSubscription(record.subscription)}
          ack={connection.acknowledgements.stateOf(record)}
          refusal={connection.softErrors.of(record)}
          hiddenNames={hiddenNames}
        />
      )}
    />
  )
}
