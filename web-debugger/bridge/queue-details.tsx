/** One work queue that is open: its oldest messages, and what can be done about them. */
import { useSignal } from '@preact/signals'
import type { RefObject } from 'preact'
import type { Queue, QueueMessage } from '../api/types.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Choice } from '../ui/choice.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { formatClock, formatCount } from '../ui/format.ts'
import { Icon } from '../ui/icon.tsx'
import { Notice } from '../ui/notice.tsx'
import { KeptMessage } from './kept-message.tsx'
import { QueueDialog, type QueueAct } from './queue-dialog.tsx'
import { countOfDead, countOfMessages, type QueueReader, type ReadQueue } from './queue-reader.ts'

export interface QueueDetailsProps {
  /** As it is now. */
  readonly queue: Queue
  readonly reader: QueueReader
  readonly box: RefObject<HTMLElement | null>
  readonly onClose: () => void
}

export function QueueDetails({ queue, reader, box, onClose }: QueueDetailsProps) {
  const { part, view, problem, done, isBusy } = reader
  const wanted = useSignal<QueueAct>('purge-ready')
  const isAsking = useSignal(false)
  const ask = (act: QueueAct) => {
    wanted.value = act
    isAsking.value = true
  }
  const run = async () => {
    isAsking.value = false
    await (wanted.peek() === 'redrive' ? reader.redrive() : reader.purge())
    // A button that has nothing to do any more loses the focus.
    const focused = document.activeElement
    if (!focused || focused === document.body || focused.matches(':disabled')) box.current?.focus()
  }
  const isDead = part.value === 'dead'
  const count = isDead ? queue.dead : queue.ready
  return (
    <section class="queue-details" aria-label={`Queue ${queue.queue}`} tabIndex={-1} ref={box}>
      <div class="queue-head">
        <h3 class="mono">{queue.queue}</h3>
        <Button kind="quiet" title="Close this queue" onClick={onClose}>
          <Icon name="close" />
        </Button>
      </div>
      <div class="queue-tools">
        <Choice
          label="Which messages"
          value={part}
          options={[
            { value: 'ready', text: `Ready (${formatCount(queue.ready)})` },
            { value: 'dead', text: `Dead (${formatCount(queue.dead)})` },
          ]}
        />
        <Button onClick={() => void reader.read()} disabled={isBusy.value}>
          Read again
        </Button>
        <div class="queue-actions">
          {isDead && (
            <Button onClick={() => ask('redrive')} disabled={count === 0}>
              Redrive…
            </Button>
          )}
          <Button kind="danger" onClick={() => ask(isDead ? 'purge-dead' : 'purge-ready')} disabled={count === 0}>
            Purge…
          </Button>
        </div>
      </div>
      {done.value && (
        <Notice kind={done.value.isOk ? 'success' : 'error'} onDismiss={() => (done.value = undefined)}>
          {done.value.text}
        </Notice>
      )}
      {problem.value !== undefined && (
        <Notice kind="error">
          {view.value && 'The messages could not be read again. '}
          {problem.value}
        </Notice>
      )}
      {view.value && <QueueMessages view={view.value} queue={queue} reader={reader} />}
      <QueueDialog act={wanted.value} queue={queue} isOpen={isAsking} onRun={() => void run()} />
    </section>
  )
}

interface QueueMessagesProps {
  readonly view: ReadQueue
  readonly queue: Queue
  readonly reader: QueueReader
}

function QueueMessages({ view, queue, reader }: QueueMessagesProps) {
  const { messages, part, canReadMore, hasMore } = view
  if (messages.length === 0) return <Nothing part={part} pending={queue.pending} readAt={view.readAt} />
  return (
    <>
      <p class="field-hint" role="status">
        {summaryOf(view)}
      </p>
      <ol class="kept-list" aria-label={part === 'dead' ? 'Dead messages' : 'Messages that are ready'}>
        {messages.map((message) => (
          <QueueItem key={message.id} message={message} isDead={part === 'dead'} />
        ))}
      </ol>
      {canReadMore && (
        <div>
          <Button disabled={reader.isBusy.value} onClick={() => void reader.readMore()}>
            Read more
          </Button>
        </div>
      )}
      {hasMore && !canReadMore && <p class="field-hint">More than these are not listed.</p>}
    </>
  )
}

function Nothing({ part, pending, readAt }: { part: ReadQueue['part']; pending: number; readAt: number }) {
  const at = `Read at ${formatClock(readAt)}.`
  if (part === 'dead')
    return <EmptyState title="No dead messages" text={`Nobody has failed with one too often. ${at}`} />
  const rest = pending > 0 ? 'Subscribers have all that it holds; what they give back comes here.' : 'It is empty.'
  return <EmptyState title="Nothing is ready" text={`${rest} ${at}`} />
}

function summaryOf({ messages, part, hasMore, readAt }: ReadQueue): string {
  const count = part === 'dead' ? countOfDead(messages.length) : countOfMessages(messages.length)
  const which = hasMore ? `the oldest ${count}` : messages.length === 1 ? count : `all ${count}, oldest first`
  return `Read at ${formatClock(readAt)}: ${which}.`
}

/** What the bridge says of why a message is dead. */
const REASONS: Readonly<Record<string, string>> = {
  nack: 'NACK',
  timeout: 'time-out',
  unreadable: 'unreadable',
}

function QueueItem({ message, isDead }: { readonly message: QueueMessage; readonly isDead: boolean }) {
  const reason = isDead ? REASONS[message.headers['reason'] ?? ''] : undefined
  return (
    <KeptMessage
      message={message}
      timestamp={timeOf(message.id)}
      badge={reason !== undefined && <Badge kind="bad">{reason}</Badge>}
      facts={[['message-id', message.id]]}
    />
  )
}

/** Ids end as those of entries of streams do, which begin with a time unless somebody gave another. */
function timeOf(id: string): number | undefined {
  const ms = Number(/-(\d{12,14})-\d+$/.exec(id)?.[1])
  return Number.isNaN(ms) ? undefined : ms
}
