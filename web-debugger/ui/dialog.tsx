/** A modal dialog on the native element, which keeps the focus inside, closes on Escape and gives the focus back. */
import type { Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { Button } from './button.tsx'
import { Icon } from './icon.tsx'

export interface DialogProps {
  readonly title: string
  readonly isOpen: Signal<boolean>
  readonly children: ComponentChildren
  readonly footer?: ComponentChildren
}

export function Dialog({ title, isOpen, children, footer }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  const isShown = isOpen.value
  useEffect(() => {
    if (isShown && !dialog.current?.open) dialog.current?.showModal()
    if (!isShown && dialog.current?.open) dialog.current.close()
  }, [isShown])
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={id}
      onClose={() => (isOpen.value = false)}
      onClick={(event) => {
        // The backdrop belongs to the element itself; everything inside is in the box below.
        if (event.target === dialog.current) isOpen.value = false
      }}
    >
      {isShown && (
        <div class="dialog-box">
          <header class="dialog-head">
            <h2 class="dialog-title" id={id}>
              {title}
            </h2>
            <Button kind="quiet" title="Close dialog" onClick={() => (isOpen.value = false)}>
              <Icon name="close" />
            </Button>
          </header>
          <div class="dialog-body">{children}</div>
          {footer && <footer class="dialog-foot">{footer}</footer>}
        </div>
      )}
    </dialog>
  )
}
