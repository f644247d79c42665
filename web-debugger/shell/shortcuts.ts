/** The keyboard shortcuts of the shell: what they are, for the dialog, and what they do. */
import type { Signal } from '@preact/signals'
import type { Preferences } from './preferences.ts'
import type { View } from './view-address.ts'

export interface Shortcut {
  readonly keys: readonly string[]
  readonly text: string
}

export interface ShortcutGroup {
  readonly title: string
  readonly shortcuts: readonly Shortcut[]
}

/** Keys that work alone; the dialog can turn them off. */
export const SINGLE_KEYS: ShortcutGroup = {
  title: 'Anywhere on the page',
  shortcuts: [
    { keys: ['1'], text: 'Client view' },
    { keys: ['2'], text: 'Backend view' },
    { keys: ['3'], text: 'Bridge view' },
    { keys: ['/'], text: 'Search or filter in this view' },
    { keys: ['T'], text: 'Take the tour, or leave it' },
    { keys: ['?'], text: 'These shortcuts' },
  ],
}

export const OTHER_KEYS: readonly ShortcutGroup[] = [
  {
    title: 'In forms',
    shortcuts: [
      { keys: ['Ctrl', 'Enter'], text: 'Send, post or publish; Cmd on a Mac' },
      { keys: ['Enter'], text: 'In a line of text: connect, subscribe, watch' },
    ],
  },
  {
    title: 'In the list of the console',
    shortcuts: [
      { keys: ['Enter'], text: 'Go to the details of the line' },
      { keys: ['Esc'], text: 'Close the details, back to the list' },
      { keys: ['a'], text: 'ACK the message' },
      { keys: ['n'], text: 'NACK the message' },
      { keys: ['e', 'E'], text: 'The next error, the error before' },
    ],
  },
  {
    title: 'In the filter of the console',
    shortcuts: [
      {
        keys: ['red apple'],
        text: 'Text with exactly this in it, in any case; "…" where it would mean something else',
      },
      { keys: ['/id: \\d+/i'], text: 'A regular expression' },
      { keys: ['-word'], text: 'Without this; before each of the others too' },
      { keys: ['destination:/topic/x'], text: 'A header with this in its value' },
      { keys: ['size>1k'], text: 'Size on the wire, also < = <= >=' },
    ],
  },
  {
    title: 'In tabs and lists',
    shortcuts: [
      { keys: ['←', '→'], text: 'The tab before, the next tab' },
      { keys: ['Delete'], text: 'Close the tab' },
      { keys: ['↑', '↓'], text: 'The line above, the line below' },
      { keys: ['Page Up', 'Page Down'], text: 'A page of lines' },
      { keys: ['Home', 'End'], text: 'First line; last line, and follow what comes' },
      { keys: ['Esc'], text: 'Close a dialog, leave the tour' },
    ],
  },
]

export interface ShortcutActions {
  readonly preferences: Preferences
  readonly view: Signal<View>
  readonly toggleTour: () => void
  readonly showShortcuts: () => void
}

/** Returns what ends it. */
export function listenForShortcuts({ preferences, view, toggleTour, showShortcuts }: ShortcutActions): () => void {
  const views: Readonly<Record<string, View>> = { '1': 'client', '2': 'backend', '3': 'bridge' }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return
    if (!preferences.hasSingleKeys.value || isTyping(event.target) || document.querySelector('dialog[open]')) return
    const wanted = views[event.key]
    if (wanted) view.value = wanted
    else if (event.key === '?') showShortcuts()
    else if (event.key.toLowerCase() === 't') toggleTour()
    else if (event.key === '/') focusSearch()
    else return
    event.preventDefault()
  }
  document.addEventListener('keydown', onKeyDown)
  return () => document.removeEventListener('keydown', onKeyDown)
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement) return target.type !== 'checkbox' && target.type !== 'radio'
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable
}

function focusSearch(): void {
  const inputs = document.querySelectorAll<HTMLInputElement>('main input[type=search]')
  ;[...inputs].find((input) => input.checkVisibility())?.focus()
}
