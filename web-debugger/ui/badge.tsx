/** A word or number set off from the text around it. Its colour never says anything that its text does not. */
import type { ComponentChildren } from 'preact'

export interface BadgeProps {
  readonly children: ComponentChildren
  readonly kind?: 'neutral' | 'good' | 'warn' | 'bad' | 'accent' | undefined
  readonly title?: string | undefined
}

export function Badge({ children, kind = 'neutral', title }: BadgeProps) {
  return (
    <span class={`badge badge-${kind}`} title={title}>
      {children}
    </span>
  )
}
