/**
 * The view that is shown, in the address of the page and nowhere else: so that it can be linked to, Back leads to the one
 * before, and what another tab of the browser shows does not matter.
 */
import { effect, signal, untracked, type Signal } from '@preact/signals'

export const VIEWS = ['client', 'backend', 'bridge'] as const
export type View = (typeof VIEWS)[number]

/** The view that an address names. A plain one, or one with a profile, is for the client: everybody begins there. */
function viewOf(hash: string): View {
  return VIEWS.find((view) => hash === `#${view}`) ?? 'client'
}

function addressOf(view: View): string {
  return location.pathname + location.search + (view === 'client' ? '' : `#${view}`)
}

/** The view of the address. Each changes with the other. */
export function viewInAddress(): Signal<View> {
  const view = signal(viewOf(location.hash))
  effect(() => {
    const shown = view.value
    untracked(() => {
      if (viewOf(location.hash) !== shown) history.pushState(null, '', addressOf(shown))
    })
  })
  addEventListener('popstate', () => {
    view.value = viewOf(location.hash)
  })
  return view
}
