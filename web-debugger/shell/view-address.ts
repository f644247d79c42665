/** The view that is shown, in the address of the page: so that it can be linked to, and Back leads to the one before. */
import { effect, untracked, type Signal } from '@preact/signals'
import { isProfileFragment } from '../stomp/profile-link.ts'
import { VIEWS, type View } from './preferences.ts'

/** The view that an address names; undefined if it names none. A profile is for the client. */
export function viewOf(hash: string): View | undefined {
  return isProfileFragment(hash) ? 'client' : VIEWS.find((view) => hash === `#${view}`)
}

/** The address of the client is the plain one: it is what everybody begins with. */
function addressOf(view: View): string {
  return location.pathname + location.search + (view === 'client' ? '' : `#${view}`)
}

/** Keeps address and view the same, beginning with what the address says; else with the view. */
export function followAddress(view: Signal<View>): void {
  view.value = viewOf(location.hash) ?? view.value
  let isFirst = true
  effect(() => {
    const shown = view.value
    untracked(() => {
      if ((viewOf(location.hash) ?? 'client') === shown) return
      if (isFirst) history.replaceState(null, '', addressOf(shown))
      else history.pushState(null, '', addressOf(shown))
    })
  })
  isFirst = false
  addEventListener('popstate', () => {
    view.value = viewOf(location.hash) ?? 'client'
  })
}
