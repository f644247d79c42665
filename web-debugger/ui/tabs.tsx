/**
 * A row of tabs, as the WAI-ARIA pattern has it: one stop for the Tab key, arrows move, Home and End go to the ends,
 * Delete closes. A close button is no child of the tab list, where only tabs may be; the strip lays it over its tab.
 */
import type { Signal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { Button } from './button.tsx'
import { Icon } from './icon.tsx'

export interface Tab {
  readonly id: string
  readonly text: string
  readonly badge?: string | undefined
}

export interface TabsProps {
  readonly label: string
  readonly tabs: readonly Tab[]
  readonly selected: Signal<string>
  readonly onClose?: ((id: string) => void) | undefined
  readonly onAdd?: (() => void) | undefined
}

export function Tabs({ label, tabs, selected, onClose, onAdd }: TabsProps) {
  const strip = useRef<HTMLDivElement>(null)
  const focusSelected = () => {
    requestAnimationFrame(() => strip.current?.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus())
  }
  const select = (index: number) => {
    const tab = tabs[(index + tabs.length) % tabs.length]
    if (!tab) return
    selected.value = tab.id
    focusSelected()
  }
  const onKeyDown = (event: KeyboardEvent, index: number) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'ArrowRight') select(index + 1)
    else if (event.key === 'ArrowLeft') select(index - 1)
    else if (event.key === 'Home') select(0)
    else if (event.key === 'End') select(tabs.length - 1)
    else if (event.key === 'Delete' && onClose) {
      onClose(tabs[index]!.id)
      focusSelected()
    } else return
    event.preventDefault()
  }
  return (
    <div class={onClose ? 'tabs tabs-closable' : 'tabs'} ref={strip}>
      <div class="tab-list" role="tablist" aria-label={label}>
        {tabs.map((tab, index) => {
          const isSelected = tab.id === selected.value
          return (
            <button
              type="button"
              key={tab.id}
              class="tab"
              role="tab"
              aria-selected={isSelected}
              tabIndex={isSelected ? 0 : -1}
              aria-keyshortcuts={onClose && 'Delete'}
              style={{ order: 2 * index }}
              onClick={() => (selected.value = tab.id)}
              onKeyDown={(event) => onKeyDown(event, index)}
            >
              <span class="tab-text">{tab.text}</span>
              {tab.badge !== undefined && <span class="tab-badge">{tab.badge}</span>}
            </button>
          )
        })}
      </div>
      {onClose &&
        tabs.map((tab, index) => (
          <button
            type="button"
            key={tab.id}
            class="tab-close"
            title={`Close ${tab.text}`}
            aria-label={`Close ${tab.text}`}
            tabIndex={tab.id === selected.value ? 0 : -1}
            style={{ order: 2 * index + 1 }}
            onClick={() => onClose(tab.id)}
          >
            <Icon name="close" />
          </button>
        ))}
      {onAdd && (
        <div class="tab-add" style={{ order: 2 * tabs.length }}>
          <Button kind="quiet" title={`Add: ${label}`} onClick={onAdd}>
            <Icon name="plus" />
          </Button>
        </div>
      )}
    </div>
  )
}
