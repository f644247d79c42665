/** The second thought before messages of a work queue go: which queue, how many, and what becomes of them. */
import type { Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import type { Queue } from '../api/types.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { countOfDead, countOfMessages } from './queue-reader.ts'

export type QueueAct = 'redrive' | 'purge-ready' | 'purge-dead'

export interface QueueDialogProps {
  readonly act: QueueAct
  /** As it is now, also while the dialog is open. */
  readonly queue: Queue
  readonly isOpen: Signal<boolean>
  readonly onRun: () => void
}

export function QueueDialog({ act, queue, isOpen, onRun }: QueueDialogProps) {
  const count = act === 'purge-ready' ? queue.ready : queue.dead
  const { title, keep, verb } = WORDS[act]
  return (
    <Dialog
      title={title}
      isOpen={isOpen}
      footer={
        <>
          <Button onClick={() => (isOpen.value = false)}>{keep}</Button>
          <Button kind={act === 'redrive' ? 'primary' : 'danger'} disabled={count === 0} onClick={onRun}>
            {verb} {countOfMessages(count)}
          </Button>
        </>
      }
    >
      <p>{explain(act, queue)}</p>
    </Dialog>
  )
}

const WORDS: Readonly<Record<QueueAct, { title: string; keep: string; verb: string }>> = {
  redrive: { title: 'Put the dead messages back?', keep: 'Leave them', verb: 'Redrive' },
  'purge-ready': { title: 'Purge this queue?', keep: 'Keep them', verb: 'Delete' },
  'purge-dead': { title: 'Purge the dead messages?', keep: 'Keep them', verb: 'Delete' },
}

function explain(act: QueueAct, { queue, ready, dead }: Queue): ComponentChildren {
  const name = <code>{queue}</code>
  switch (act) {
    case 'redrive':
      return (
        <>
          This puts <strong>{countOfDead(dead)}</strong> of {name} back at its end, oldest first, counted from the
          beginning again. What it has no room for stays dead.
        </>
      )
    case 'purge-ready':
      return (
        <>
          This deletes <strong>{countOfMessages(ready)}</strong> of {name} that nobody works on, and what comes
          meanwhile. What subscribers have stays with them. This page cannot take it back.
        </>
      )
    case 'purge-dead':
      return (
        <>
          This deletes <strong>{countOfDead(dead)}</strong> of {name}. This page cannot take it back.
        </>
      )
  }
}
