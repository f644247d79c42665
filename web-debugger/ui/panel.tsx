/** A titled part of a view; it can be folded where `isOpen` is given. */
import type { Signal } from '@preact/signals'
import type { ComponentChildren, VNode } from 'preact'
import { useId } from 'preact/hooks'
import { Icon } from './icon.tsx'

export interface PanelProps {
  readonly title: string
  readonly actions?: VNode | undefined
  readonly children: ComponentChildren
  readonly isOpen?: Signal<boolean> | undefined
}

export function Panel({ title, actions, children, isOpen }: PanelProps) {
  const id = useId()
  const isFolded = isOpen?.value === false
  return (
    <section class="panel" aria-labelledby={`${id}-title`}>
      <header class="panel-head">
        <h2 class="panel-title" id={`${id}-title`}>
          {isOpen ? (
            <button
              type="button"
              class="panel-toggle"
              aria-expanded={!isFolded}
              aria-controls={`${id}-body`}
              onClick={() => (isOpen.value = !isOpen.value)}
            >
              <Icon name="chevron" />
              {title}
            </button>
          ) : (
            title
          )}
        </h2>
        {actions && <div class="panel-actions">{actions}</div>}
      </header>
      <div class="panel-body" id={`${id}-body`} hidden={isFolded}>
        {children}
      </div>
    </section>
  )
}
