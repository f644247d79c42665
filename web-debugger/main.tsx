/** Starts the page: makes what outlives its components, once, and draws the shell. */
import { effect, signal } from '@preact/signals'
import { render } from 'preact'
import { createBridgeWatch } from './api/bridge-watch.ts'
import { createApi } from './api/client.ts'
import { App } from './app.tsx'
import { createBackendSide } from './backend/backend-side.ts'
import { createSessionWatch } from './bridge/session-list.ts'
import { createPreferences } from './shell/preferences.ts'
import { storageOrMemory } from './shell/storage.ts'
import { createWorkspace } from './stomp/workspace.ts'
import { createTour } from './tour/tour.ts'

const TOKEN_KEY = 'stomp-bridge.api-token'

async function start(): Promise<void> {
  const storage = storageOrMemory(() => localStorage)
  const preferences = createPreferences(storage)
  // Before anything is drawn, so that nothing flashes in the other colours.
  effect(() => {
    if (preferences.theme.value === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = preferences.theme.value
  })

  const session = storageOrMemory(() => sessionStorage)
  const token = signal(session.getItem(TOKEN_KEY) ?? '')
  effect(() => session.setItem(TOKEN_KEY, token.value))

  const api = createApi({
    fetch: (url, init) => fetch(url, init),
    origin: location.origin,
    aboutUrl: new URL('about.json', location.href).href,
    token: () => token.peek(),
  })
  const watch = createBridgeWatch({ api, token, isVisible: () => document.visibilityState === 'visible' })
  // The address of the WebSocket is in the first answer; without one the usual address is a good guess.
  await watch.refresh()
  watch.start()

  const path = watch.about.value?.stompPath ?? '/stomp'
  const workspace = createWorkspace({ defaultUrl: location.origin.replace(/^http/, 'ws') + path, storage })
  const backend = createBackendSide({ api, bridgeWatch: watch, schedule: (change) => requestAnimationFrame(change) })
  const tour = createTour({ workspace, backend, watch, origin: location.origin })
  const sessions = createSessionWatch(api)

  const services = { preferences, watch, sessions, backend, workspace, tour }
  render(<App services={services} />, document.getElementById('app')!)
}

void start()
