/** Buttons of the page, in four kinds. Every button that does something is one of these, so that focus, size and colour agree. */
import { isValidElement, type ComponentChildren } from 'preact'
import { Icon } from './icon.tsx'

export interface ButtonProps {
  readonly children: ComponentChildren
  readonly onClick?: ((event: MouseEvent) => void) | undefined
  readonly kind?: 'primary' | 'plain' | 'danger' | 'quiet' | undefined
  readonly type?: 'button' | 'submit' | undefined
  readonly disabled?: boolean | undefined
  /** A tooltip; it names the button too where the children are only a picture. */
  readonly title?: string | undefined
  /** For a button that stays pressed. */
  readonly pressed?: boolean | undefined
}

export function Button({ children, onClick, kind = 'plain', type = 'button', disabled, title, pressed }: ButtonProps) {
  return (
    <button
      type={type}
      class={`button button-${kind}`}
      disabled={disabled}
      title={title}
      aria-label={isPicture(children) ? title : undefined}
      aria-pressed={pressed}
      onClick={onClick}
    >
      {children}
    </button>
  )
}

/** With words in it, those are its name and the title only describes it. */
function isPicture(children: ComponentChildren): boolean {
  return isValidElement(children) && children.type === Icon
}
