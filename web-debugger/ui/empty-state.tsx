/** What stands where nothing is yet: what would be here, and what to do about it. */
import type { ComponentChildren } from 'preact'

export interface EmptyStateProps {
  readonly title: string
  readonly text: string
  readonly children?: ComponentChildren
}

export function EmptyState({ title, text, children }: EmptyStateProps) {
  return (
    <div class="empty-state">
      <p class="empty-title">{title}</p>
      <p class="empty-text">{text}</p>
      {children && <div class="empty-actions">{children}</div>}
    </div>
  )
}
