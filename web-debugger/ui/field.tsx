/** A label with its control, hint and error, wired by ids so that assistive technology reads them together. */
import type { VNode } from 'preact'
import { useId } from 'preact/hooks'

/** What a control inside a {@link Field} has to put on itself. */
export interface FieldIds {
  readonly id: string
  readonly describedBy: string | undefined
  readonly invalid: boolean
}

export interface FieldProps {
  readonly label: string
  readonly hint?: string | undefined
  readonly error?: string | undefined
  /** The label is for screen readers only. */
  readonly hideLabel?: boolean | undefined
  readonly children: (ids: FieldIds) => VNode
}

export function Field({ label, hint, error, hideLabel, children }: FieldProps) {
  const id = useId()
  const noteId = `${id}-note`
  const note = error ?? hint
  const invalid = error !== undefined
  return (
    <div class="field">
      <label class={hideLabel ? 'visually-hidden' : 'field-label'} for={id}>
        {label}
      </label>
      {children({ id, describedBy: note === undefined ? undefined : noteId, invalid })}
      {note !== undefined && (
        <p id={noteId} class={invalid ? 'field-error' : 'field-hint'} role={invalid ? 'alert' : undefined}>
          {note}
        </p>
      )}
    </div>
  )
}
