/** A message in the flow of the page: what happened and what to do. Errors are read out at once, the rest politely. */
import type { ComponentChildren } from 'preact'
import { Button } from './button.tsx'
import { Icon } from './icon.tsx'

export interface NoticeProps {
  readonly kind: 'info' | 'warning' | 'error' | 'success'
  readonly children: ComponentChildren
  readonly onDismiss?: (() => void) | undefined
}

export function Notice({ kind, children, onDismiss }: NoticeProps) {
  return (
    <div class={`notice notice-${kind}`} role={kind === 'error' ? 'alert' : 'status'}>
      <Icon name={kind} />
      <div class="notice-text">{children}</div>
      {onDismiss && (
        <Button kind="quiet" title="Dismiss" onClick={onDismiss}>
          <Icon name="close" />
        </Button>
      )}
    </div>
  )
}
