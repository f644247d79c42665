/** How the room of the client's view is shared out; remembered, and undefined where the page decides. */
import { effect, signal, type Signal } from '@preact/signals'
import type { KeyValueStore } from '../stomp/environment.ts'
import { keep } from './storage.ts'

export interface Layout {
  /** Width of the panels beside the console, in pixels. */
  readonly sideWidth: Signal<number | undefined>
  /** Width of the opened frame, in pixels. */
  readonly detailWidth: Signal<number | undefined>
  /** Are subscriptions listed by what their destinations begin with? */
  readonly areSubscriptionsGrouped: Signal<boolean>
}

const PREFIX = 'stomp-bridge.layout.'
const MAX_WIDTH = 4_000

export function createLayout(storage: KeyValueStore): Layout {
  const readWidth = (name: string) => {
    const width = Number(storage.getItem(PREFIX + name) ?? NaN)
    return width > 0 && width <= MAX_WIDTH ? width : undefined
  }
  const layout: Layout = {
    sideWidth: signal(readWidth('side-width')),
    detailWidth: signal(readWidth('detail-width')),
    areSubscriptionsGrouped: signal(storage.getItem(`${PREFIX}subscriptions`) === 'grouped'),
  }
  effect(() => void keep(storage, `${PREFIX}side-width`, String(layout.sideWidth.value ?? '')))
  effect(() => void keep(storage, `${PREFIX}detail-width`, String(layout.detailWidth.value ?? '')))
  effect(() => void keep(storage, `${PREFIX}subscriptions`, layout.areSubscriptionsGrouped.value ? 'grouped' : ''))
  return layout
}
