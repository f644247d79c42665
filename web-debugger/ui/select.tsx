/** One of a few values, bound to a signal. The native control: it is right on every device. */
import type { Signal } from '@preact/signals'
import { Field } from './field.tsx'

export interface SelectProps<T extends string> {
  readonly label: string
  readonly value: Signal<T>
  readonly options: readonly { readonly value: T; readonly text: string }[]
  readonly hint?: string | undefined
  readonly disabled?: boolean | undefined
  readonly hideLabel?: boolean | undefined
}

export function Select<T extends string>({ label, value, options, hint, disabled, hideLabel }: SelectProps<T>) {
  return (
    <Field label={label} hint={hint} hideLabel={hideLabel}>
      {({ id, describedBy }) => (
        <select
          id={id}
          class="input select"
          value={value.value}
          disabled={disabled}
          aria-describedby={describedBy}
          onChange={(event) => {
            const chosen = options.find((option) => option.value === event.currentTarget.value)
            if (chosen) value.value = chosen.value
          }}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.text}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}
