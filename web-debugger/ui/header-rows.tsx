/**
 * Headers as rows of name and value. Whoever has them as text pastes that into a name: a JSON object, or lines such as
 * `name: value`, become rows.
 */
import type { Signal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { Button } from './button.tsx'
import { Icon } from './icon.tsx'
import { parseHeaderRows, type HeaderRow } from './parse-header-rows.ts'

export type { HeaderRow } from './parse-header-rows.ts'

export interface HeaderRowsProps {
  readonly label: string
  readonly rows: Signal<readonly HeaderRow[]>
  readonly hint?: string | undefined
}

export function HeaderRows({ label, rows, hint }: HeaderRowsProps) {
  const box = useRef<HTMLFieldSetElement>(null)
  const change = (index: number, part: Partial<HeaderRow>) => {
    rows.value = rows.value.map((row, i) => (i === index ? { ...row, ...part } : row))
  }
  const add = () => {
    rows.value = [...rows.value, { name: '', value: '' }]
    requestAnimationFrame(() => box.current?.querySelector<HTMLInputElement>('.header-row:last-of-type input')?.focus())
  }
  const remove = (index: number) => {
    rows.value = rows.value.filter((_, i) => i !== index)
    requestAnimationFrame(() => box.current?.querySelector<HTMLButtonElement>('.header-add button')?.focus())
  }
  const paste = (index: number, event: ClipboardEvent) => {
    const pasted = parseHeaderRows(event.clipboardData?.getData('text/plain') ?? '')
    if (!pasted) return
    event.preventDefault()
    const { value } = rows
    const isEmpty = value[index]?.name === '' && value[index].value === ''
    rows.value = [...value.slice(0, isEmpty ? index : index + 1), ...pasted, ...value.slice(index + 1)]
  }
  return (
    <fieldset class="header-rows" ref={box}>
      <legend class="field-label">{label}</legend>
      {rows.value.map((row, index) => (
        <div class="header-row" key={index}>
          <input
            class="input mono"
            aria-label={`${label}: name ${index + 1}`}
            placeholder="name"
            value={row.name}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            onInput={(event) => change(index, { name: event.currentTarget.value })}
            onPaste={(event) => paste(index, event)}
          />
          <input
            class="input mono"
            aria-label={`${label}: value ${index + 1}`}
            placeholder="value"
            value={row.value}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => change(index, { value: event.currentTarget.value })}
          />
          <Button kind="quiet" title={`Remove header ${row.name || index + 1}`} onClick={() => remove(index)}>
            <Icon name="close" />
          </Button>
        </div>
      ))}
      <div class="header-add">
        <Button kind="quiet" onClick={add}>
          <Icon name="plus" /> Add header
        </Button>
        {hint && <span class="field-hint">{hint}</span>}
      </div>
    </fieldset>
  )
}
