/** A box to tick, bound to a signal. */
import type { Signal } from '@preact/signals'
import { useId } from 'preact/hooks'

export interface CheckboxProps {
  readonly label: string
  readonly value: Signal<boolean>
  readonly hint?: string | undefined
  readonly disabled?: boolean | undefined
}

export function Checkbox({ label, value, hint, disabled }: CheckboxProps) {
  const hintId = useId()
  return (
    <div class="field">
      <label class="checkbox">
        <input
          type="checkbox"
          checked={value.value}
          disabled={disabled}
          aria-describedby={hint && hintId}
          onChange={(event) => (value.value = event.currentTarget.checked)}
        />
        <span>{label}</span>
      </label>
      {hint && (
        <p id={hintId} class="field-hint checkbox-hint">
          {hint}
        </p>
      )}
    </div>
  )
}
