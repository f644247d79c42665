/** One line of text bound to a signal. */
import type { Signal } from '@preact/signals'
import { useId } from 'preact/hooks'
import { Field } from './field.tsx'

export interface TextInputProps {
  readonly label: string
  readonly value: Signal<string>
  readonly hint?: string | undefined
  readonly error?: string | undefined
  readonly type?: 'text' | 'password' | 'number' | 'search' | 'datetime-local' | undefined
  readonly placeholder?: string | undefined
  readonly disabled?: boolean | undefined
  /** Proposals; anything else may be typed. */
  readonly list?: readonly string[] | undefined
  readonly onEnter?: (() => void) | undefined
  readonly mono?: boolean | undefined
  readonly hideLabel?: boolean | undefined
}

export function TextInput(props: TextInputProps) {
  const { label, value, hint, error, type = 'text', placeholder, disabled, list, onEnter, mono, hideLabel } = props
  const listId = useId()
  return (
    <Field label={label} hint={hint} error={error} hideLabel={hideLabel}>
      {({ id, describedBy, invalid }) => (
        <>
          <input
            // The types tie `list` to some types of input; browsers ignore it on the others.
            {...({ type } as { type: 'text' })}
            list={list && listId}
            id={id}
            class={mono ? 'input mono' : 'input'}
            value={value.value}
            placeholder={placeholder}
            disabled={disabled}
            step={type === 'datetime-local' ? 1 : undefined}
            aria-describedby={describedBy}
            aria-invalid={invalid || undefined}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            onInput={(event) => (value.value = event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || event.isComposing || !onEnter) return
              event.preventDefault()
              onEnter()
            }}
          />
          {list && (
            <datalist id={listId}>
              {list.map((text) => (
                <option key={text} value={text} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  )
}
