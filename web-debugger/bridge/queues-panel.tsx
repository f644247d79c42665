/** The work queues of the bridge: what each holds, who works on it, and the one that is open. */
import type { RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { ApiKeyField } from '../backend/api-key-field.tsx'
import type { Queue } from '../api/types.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { formatCount } from '../ui/format.ts'
import { Notice } from '../ui/notice.tsx'
import { Panel } from '../ui/panel.tsx'
import { Select } from '../ui/select.tsx'
import { TextInput } from '../ui/text-input.tsx'
import { QueueDetails } from './queue-details.tsx'
import type { QueueReader } from './queue-reader.ts'
import type { QueueOrder, QueueWatch } from './queue-watch.ts'

/** Rows of the table; more than this is searched for. */
const MAX_SHOWN = 100

export interface QueuesPanelProps {
  readonly watch: QueueWatch
  readonly reader: QueueReader
}

export function QueuesPanel({ watch, reader }: QueuesPanelProps) {
  useEffect(() => watch.start(), [watch])
  const { access, queues, problem, apiKey } = watch
  const count = queues.value?.length ?? 0
  return (
    <Panel title="Work queues" actions={count > 0 ? <Badge>{formatCount(count)}</Badge> : undefined}>
      {access.value === 'no-queues' ? (
        <NoQueues onRetry={() => void watch.refresh()} />
      ) : access.value === 'no-key' || access.value === 'wrong-key' ? (
        <ApiKeyField
          apiKey={apiKey}
          isWrong={access.value === 'wrong-key'}
          what="To see queues it takes the scope read, to put back and delete messages the scope admin:"
        />
      ) : (
        problem.value !== undefined && (
          <Notice kind={queues.value ? 'warning' : 'error'}>
            {queues.value && 'This is what the queues held last. '}
            {problem.value}
            <div class="notice-action">
              <Button kind="quiet" onClick={() => void watch.refresh()}>
                Try again
              </Button>
            </div>
          </Notice>
        )
      )}
      {queues.value && <Queues watch={watch} reader={reader} />}
    </Panel>
  )
}

/** What the section of the configuration looks like. */
const EXAMPLE = `queues:
  - destination: /queue/**`

function NoQueues({ onRetry }: { readonly onRetry: () => void }) {
  return (
    <div class="queues-none">
      <EmptyState
        title="No work queues"
        text="No destination of this bridge is a work queue, of which each message goes to one subscriber over all nodes. Say in the configuration which are, and start the bridge again:"
      />
      <pre class="wire" tabIndex={0} aria-label="Section queues of the configuration">
        {EXAMPLE}
      </pre>
      <Button kind="quiet" onClick={onRetry}>
        Look again
      </Button>
    </div>
  )
}

const ORDERS: readonly { readonly value: QueueOrder; readonly text: string }[] = [
  { value: 'name', text: 'by name' },
  { value: 'ready', text: 'most ready first' },
  { value: 'dead', text: 'most dead first' },
]

function Queues({ watch, reader }: QueuesPanelProps) {
  const table = useRef<HTMLDivElement>(null)
  const details = useRef<HTMLElement>(null)
  const opened = reader.opened.value
  const openOrClose = (queue: Queue) => {
    if (reader.opened.peek() === queue.queue) {
      reader.close()
      return
    }
    reader.open(queue)
    // It is below all other rows.
    requestAnimationFrame(() => details.current?.focus())
  }
  const close = () => {
    reader.close()
    const row = table.current?.querySelector<HTMLElement>('[aria-pressed=true]')
    ;(row ?? table.current)?.focus()
  }
  return (
    <>
      {watch.queues.value?.length === 0 ? (
        <EmptyState
          title="Nothing is queued"
          text="A queue is listed when it holds a message, has a subscriber, or is named in the configuration. Send to one, such as /queue/orders."
        />
      ) : (
        <QueueTable watch={watch} opened={opened} box={table} onChoose={openOrClose} />
      )}
      {opened === undefined ? (
        <p class="field-hint">
          Ready: nobody works on it. Pending: a subscriber has it, and has not acknowledged it yet. Dead: somebody has
          failed with it too often. Choose a queue to look at its messages, which stay where they are.
        </p>
      ) : (
        <QueueDetails queue={watch.of(opened)} reader={reader} box={details} onClose={close} />
      )}
    </>
  )
}

interface QueueTableProps {
  readonly watch: QueueWatch
  /** Destination of the queue that is open. */
  readonly opened: string | undefined
  readonly box: RefObject<HTMLDivElement | null>
  readonly onChoose: (queue: Queue) => void
}

function QueueTable({ watch: { search, order, found, sum }, opened, box, onChoose }: QueueTableProps) {
  const shown = found.value.slice(0, MAX_SHOWN)
  const { ready, pending, dead } = sum.value
  return (
    <>
      <div class="queues-tools">
        <TextInput label="Search queues" hideLabel type="search" value={search} placeholder="Search" />
        <Select label="Order of the queues" hideLabel value={order} options={ORDERS} />
        <p class="muted tabular">
          In all {formatCount(ready)} ready, {formatCount(pending)} pending, {formatCount(dead)} dead
        </p>
      </div>
      {shown.length === 0 ? (
        <EmptyState title="No queue matches" text="Search for a part of a destination, such as orders." />
      ) : (
        <div class="table-scroll queues-scroll" tabIndex={0} role="region" aria-label="Table of queues" ref={box}>
          <table class="queues">
            <thead>
              <tr>
                <th scope="col">Queue</th>
                {COLUMNS.map(({ name, title }) => (
                  <th scope="col" title={title} key={name}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map((queue) => (
                <QueueRow
                  key={queue.queue}
                  queue={queue}
                  isOpen={opened === queue.queue}
                  onClick={() => onChoose(queue)}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found.value.length > shown.length && (
        <p class="field-hint">
          The first {formatCount(shown.length)} of {formatCount(found.value.length)}. Search to find the others.
        </p>
      )}
    </>
  )
}

const COLUMNS = [
  { name: 'Ready', title: 'Messages that nobody works on' },
  { name: 'Pending', title: 'Messages that a subscriber has, and has not acknowledged' },
  { name: 'Consumers', title: 'Subscriptions over all nodes' },
  { name: 'Dead', title: 'Messages with which somebody has failed too often' },
]

interface QueueRowProps {
  readonly queue: Queue
  readonly isOpen: boolean
  readonly onClick: () => void
}

function QueueRow({ queue: { queue, ready, pending, consumers, dead }, isOpen, onClick }: QueueRowProps) {
  const isAbandoned = consumers === 0 && ready > 0
  return (
    <tr data-open={isOpen || undefined}>
      <th scope="row">
        <button type="button" class="queue-name mono" title={queue} aria-pressed={isOpen} onClick={onClick}>
          {queue}
        </button>
      </th>
      <td class="tabular" data-name="ready">
        {formatCount(ready)}
      </td>
      <td class="tabular" data-name="pending">
        {formatCount(pending)}
      </td>
      <td class="tabular" data-name="consumers">
        {isAbandoned ? (
          <Badge kind="warn" title="Messages wait, and nobody has subscribed">
            none
          </Badge>
        ) : (
          formatCount(consumers)
        )}
      </td>
      <td class="tabular" data-name="dead">
        {dead > 0 ? <Badge kind="bad">{formatCount(dead)}</Badge> : '0'}
      </td>
    </tr>
  )
}
