/** The history of one destination: what new subscribers get, and the messages that are held, oldest first. */
import { useSignal, type Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import type { Bridge, HistoryMessage, Totals } from '../api/types.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { formatCount, formatDuration } from '../ui/format.ts'
import { Notice } from '../ui/notice.tsx'
import { Panel } from '../ui/panel.tsx'
import { TextInput } from '../ui/text-input.tsx'
import type { HistoryReader, ReadHistory } from './history-reader.ts'
import { KeptMessage } from './kept-message.tsx'

export interface HistoryPanelProps {
  readonly reader: HistoryReader
  /** Destinations to propose. */
  readonly proposals: readonly string[]
  /** Undefined where they are not known. */
  readonly totals: Totals | undefined
  readonly rules: Bridge['histories']
}

export function HistoryPanel({ reader, proposals, totals, rules }: HistoryPanelProps) {
  const { destination, problem, note, view, isBusy } = reader
  const isAsking = useSignal(false)
  const read = () => void reader.read()
  return (
    <Panel title="History">
      {totals && <HistoryFigures totals={totals} />}
      {rules.length > 0 && (
        <ul class="fact-list" aria-label="Rules of history">
          {rules.map(({ rule, messages, ageSeconds }) => (
            <li key={rule}>
              <code>{rule}</code>
              <span class="fact-value muted tabular">
                {messages === 0
                  ? 'nothing in use here'
                  : `longest: ${formatCount(messages)} messages, the oldest ${formatDuration(ageSeconds * 1000)} old`}
              </span>
            </li>
          ))}
        </ul>
      )}
      <div class="history-ask">
        <TextInput
          label="Destination with history"
          hideLabel
          value={destination}
          list={proposals}
          placeholder="/topic/prices/gold"
          onEnter={read}
          mono
        />
        <Button onClick={read} disabled={isBusy.value}>
          Read
        </Button>
      </div>
      {problem.value !== undefined && <Notice kind="error">{problem.value}</Notice>}
      {note.value !== undefined && (
        <Notice kind="info" onDismiss={() => (note.value = undefined)}>
          {note.value}
        </Notice>
      )}
      {view.value ? (
        <HistoryOf view={view.value} reader={reader} onEmpty={() => (isAsking.value = true)} />
      ) : (
        <p class="field-hint">
          The messages that are held for a destination, and what new subscribers get first. Where access is configured,
          it takes an API key: to read, one with the scope read; to empty, admin.
        </p>
      )}
      {view.value && <EmptyDialog destination={view.value.destination} reader={reader} isOpen={isAsking} />}
    </Panel>
  )
}

function HistoryFigures({ totals }: { readonly totals: Totals }) {
  const { recovered, notRecovered, gapsFilled, gapsNotFilled, historyReads } = totals
  return (
    <dl class="history-figures">
      <Figure name="Recoveries" title="Subscriptions that went on from a position">
        <strong>{formatCount(recovered)}</strong> recovered, <strong>{formatCount(notRecovered)}</strong> incomplete
      </Figure>
      <Figure name="Gaps" title="Messages that did not come over the bus, and were looked for in the history">
        <strong>{formatCount(gapsFilled)}</strong> filled, <strong>{formatCount(gapsNotFilled)}</strong> not filled
      </Figure>
      <Figure name="History reads" title="By subscriptions, and to fill gaps">
        <strong>{formatCount(historyReads)}</strong> since the start
      </Figure>
    </dl>
  )
}

interface FigureProps {
  readonly name: string
  readonly title: string
  readonly children: ComponentChildren
}

function Figure({ name, title, children }: FigureProps) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd class="tabular">{children}</dd>
    </div>
  )
}

interface HistoryOfProps {
  readonly view: ReadHistory
  readonly reader: HistoryReader
  readonly onEmpty: () => void
}

function HistoryOf({ view, reader, onEmpty }: HistoryOfProps) {
  const { destination, isKept, messages, retained, newest, epoch, hasMore } = view
  return (
    <>
      {retained && (
        <ul class="kept-list" aria-label="Retained">
          <HistoryItem message={retained} isRetained />
        </ul>
      )}
      {!isKept ? (
        <EmptyState
          title={`${destination} has no history`}
          text="Its messages go to who is subscribed, and are not kept. The section history of the configuration says which are."
        />
      ) : (
        <>
          <div class="history-head">
            <p role="status">
              {summaryOf(view)}{' '}
              <span class="muted history-place">
                Newest offset <code>{newest}</code>, epoch <code>{epoch}</code>
              </span>
            </p>
            <Button kind="danger" onClick={onEmpty}>
              Empty…
            </Button>
          </div>
          {messages.length > 0 && (
            <ol class="kept-list" aria-label="Messages that are held">
              {messages.map((message, index) => (
                <HistoryItem key={message.offset ?? index} message={message} />
              ))}
            </ol>
          )}
          <div class="history-more">
            <Button
              kind={hasMore ? undefined : 'quiet'}
              disabled={reader.isBusy.value}
              onClick={() => void reader.readMore()}
            >
              {hasMore ? 'Load more' : 'Look for newer ones'}
            </Button>
          </div>
        </>
      )}
    </>
  )
}

function summaryOf({ destination, messages, hasMore }: ReadHistory): string {
  if (messages.length === 0) return `Nothing is held for ${destination}.`
  if (hasMore) return `The oldest ${formatCount(messages.length)} messages, and there are more.`
  return messages.length === 1 ? 'One message.' : `All ${formatCount(messages.length)} messages, oldest first.`
}

/** Where it is in the history, and when it came. */
function HistoryItem({
  message,
  isRetained = false,
}: {
  readonly message: HistoryMessage
  readonly isRetained?: boolean
}) {
  const { offset, timestamp } = message
  return (
    <KeptMessage message={message} timestamp={timestamp} badge={isRetained && <Badge kind="accent">retained</Badge>}>
      {offset === undefined ? <span class="muted">kept in a key</span> : <code class="muted">{offset}</code>}
    </KeptMessage>
  )
}

interface EmptyDialogProps {
  readonly destination: string
  readonly reader: HistoryReader
  readonly isOpen: Signal<boolean>
}

function EmptyDialog({ destination, reader, isOpen }: EmptyDialogProps) {
  const empty = () => {
    isOpen.value = false
    void reader.empty()
  }
  return (
    <Dialog
      title="Empty this history?"
      isOpen={isOpen}
      footer={
        <>
          <Button onClick={() => (isOpen.value = false)}>Keep it</Button>
          <Button kind="danger" onClick={empty}>
            Empty history
          </Button>
        </>
      }
    >
      <p>
        All messages that are held for <code>{destination}</code> go, on every node, and its epoch changes. Who comes
        back does not get them any more, and subscribers that asked are told so. This page cannot take it back.
      </p>
    </Dialog>
  )
}
