/**
 * A modal dialog on the native element, which keeps the focus inside, closes on Escape and gives the focus back. It
 * closes too when the part of the page goes out of sight that it is in: nobody could see it, and nothing else would work.
 */
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
  const isPressedBeside = useRef(false)
  const id = useId()
  const isShown = isOpen.value
  useEffect(() => {
    if (isShown && !dialog.current?.open) dialog.current?.showModal()
    if (!isShown && dialog.current?.open) dialog.current.close()
    if (!isShown) return
    // Told of each change between some size and none.
    const observer = new ResizeObserver(() => {
      if (!dialog.current?.checkVisibility()) isOpen.value = false
    })
    observer.observe(dialog.current!)
    return () => observer.disconnect()
  }, [isShown])
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={id}
      onClose={() => (isOpen.value = false)}
      // The backdrop belongs to the element itself; everything inside is in the box below.
      onPointerDown={(event) => (isPressedBeside.current = event.target === dialog.current)}
      onClick={(event) => {
        // Who selects a text may let go of it out there.
        if (event.target === dialog.current && isPressedBeside.current) isOpen.value = false
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
