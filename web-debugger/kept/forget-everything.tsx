/** What the browser keeps of this page, and the button that takes it away. */
import { useSignal } from '@preact/signals'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Notice } from '../ui/notice.tsx'
import type { Kept } from './kept.ts'

export function ForgetEverything({ kept }: { readonly kept: Kept }) {
  const isAsking = useSignal(false)
  const problem = kept.problem.value
  return (
    <section class="kept-here" aria-label="Kept in this browser">
      {problem !== undefined ? (
        <Notice kind="warning">{problem}</Notice>
      ) : (
        <p class="field-hint">
          Tabs, subscriptions and the last 5,000 frames of each are kept over a reload, for this tab of the browser
          alone. Secrets are not.
        </p>
      )}
      <Button kind="quiet" onClick={() => (isAsking.value = true)}>
        Forget everything…
      </Button>
      <Dialog
        title="Forget everything?"
        isOpen={isAsking}
        footer={
          <>
            <Button onClick={() => (isAsking.value = false)}>Keep it</Button>
            <Button kind="danger" onClick={() => void kept.forget()}>
              Forget everything
            </Button>
          </>
        }
      >
        <p>
          Everything that this page has kept in this browser goes: saved profiles, frames and tabs, also of its other
          tabs, keys and settings. Connections of this tab end. This cannot be undone.
        </p>
      </Dialog>
    </section>
  )
}
