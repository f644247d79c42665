/** One of a few values, all in sight: radio buttons that look like one control. */
import type { Signal } from '@preact/signals'
import { useId } from 'preact/hooks'

export interface ChoiceProps<T extends string> {
  readonly label: string
  readonly value: Signal<T>
  readonly options: readonly { readonly value: T; readonly text: string }[]
}

export function Choice<T extends string>({ label, value, options }: ChoiceProps<T>) {
  const name = useId()
  return (
    <div class="choice" role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <label class="choice-option" key={option.value}>
          <input
            type="radio"
            class="visually-hidden"
            name={name}
            checked={value.value === option.value}
            onChange={() => (value.value = option.value)}
          />
          <span>{option.text}</span>
        </label>
      ))}
    </div>
  )
}
