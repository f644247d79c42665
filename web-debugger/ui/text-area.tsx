/** Several lines of text bound to a signal; Ctrl+Enter or Cmd+Enter does what the form is for. */
import type { Signal } from '@preact/signals'
import { Field } from './field.tsx'

export interface TextAreaProps {
  readonly label: string
  readonly value: Signal<string>
  readonly hint?: string | undefined
  readonly error?: string | undefined
  readonly rows?: number | undefined
  readonly placeholder?: string | undefined
  readonly mono?: boolean | undefined
  readonly onCtrlEnter?: (() => void) | undefined
  readonly disabled?: boolean | undefined
  readonly hideLabel?: boolean | undefined
}

export function TextArea(props: TextAreaProps) {
  const { label, value, hint, error, rows = 3, placeholder, mono, onCtrlEnter, disabled, hideLabel } = props
  return (
    <Field label={label} hint={hint} error={error} hideLabel={hideLabel}>
      {({ id, describedBy, invalid }) => (
        <textarea
          id={id}
          class={mono ? 'input textarea mono' : 'input textarea'}
          rows={rows}
          value={value.value}
          placeholder={placeholder}
          disabled={disabled}
          aria-describedby={describedBy}
          aria-invalid={invalid || undefined}
          aria-keyshortcuts={onCtrlEnter && 'Control+Enter Meta+Enter'}
          spellcheck={false}
          onInput={(event) => (value.value = event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || !onCtrlEnter) return
            event.preventDefault()
            onCtrlEnter()
          }}
        />
      )}
    </Field>
  )
}
