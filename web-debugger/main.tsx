/** Starts the page: makes what outlives its components, once, and draws the shell. */
import { computed, effect, signal, type ReadonlySignal } from '@preact/signals'
import { render } from 'preact'
import { createBridgeWatch } from './api/bridge-watch.ts'
import { createApi } from './api/client.ts'
import { rootOf } from './api/root.ts'
import { createSampleWatch } from './api/sample-watch.ts'
import { App } from './app.tsx'
import { createBackendSide } from './backend/backend-side.ts'
import { createExplainer } from './bridge/explainer.ts'
import { createHistoryReader } from './bridge/history-reader.ts'
import { createPeople } from './bridge/people.ts'
import { createQueueReader } from './bridge/queue-reader.ts'
import { createQueueWatch } from './bridge/queue-watch.ts'
import { createSessionWatch } from './bridge/session-list.ts'
import { claimPage } from './kept/claim-page.ts'
import { FrameDatabase } from './kept/frame-database.ts'
import { PageKeeper } from './kept/page-keeper.ts'
import { createLayout } from './shell/layout.ts'
import { createPreferences } from './shell/preferences.ts'
import { forgetAll, keep, storageOrNone } from './shell/storage.ts'
import { viewInAddress } from './shell/view-address.ts'
import { createWorkspace } from './stomp/workspace.ts'
import { createTour } from './tour/tour.ts'
import { drawTextStraight } from './ui/straight-text.ts'

const TOKEN_KEY = 'stomp-bridge.api-token'
const API_KEY_KEY = 'stomp-bridge.api-key'
/** How long the first answer of the bridge may keep the page empty. */
const FIRST_ANSWER_MS = 1_500

async function start(): Promise<void> {
  const storage = storageOrNone(() => localStorage)
  const preferences = createPreferences(storage)
  const view = viewInAddress()
  const layout = createLayout(storage)
  // Before anything is drawn, so that nothing flashes in the other colours.
  effect(() => {
    if (preferences.theme.value === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = preferences.theme.value
  })

  const session = storageOrNone(() => sessionStorage)
  const token = signal(session.getItem(TOKEN_KEY) ?? '')
  effect(() => void keep(session, TOKEN_KEY, token.value))
  const apiKey = signal(session.getItem(API_KEY_KEY) ?? '')
  effect(() => void keep(session, API_KEY_KEY, apiKey.value))

  const api = createApi({
    fetch: (url, init) => fetch(url, init),
    root: () => root.peek(),
    aboutUrl: new URL('about.json', location.href).href,
    token: () => token.peek(),
    apiKey: () => apiKey.peek(),
  })
  const isVisible = () => document.visibilityState === 'visible'
  const watch = createBridgeWatch({ api, token, isVisible })
  const root: ReadonlySignal<string> = computed(() => rootOf(location.href, watch.about.value?.path))
  // The address of the WebSocket is in the first answer; without one the usual address is a good guess.
  await Promise.race([watch.refresh(), new Promise((resolve) => setTimeout(resolve, FIRST_ANSWER_MS))])
  watch.start()

  const path = watch.about.value?.stompPath ?? '/stomp'
  const workspace = createWorkspace({ defaultUrl: root.value.replace(/^http/, 'ws') + path, storage })
  effect(() => {
    workspace.bridgeLimits.value = watch.bridge.value?.limits
  })
  const backend = createBackendSide({
    api,
    bridgeWatch: watch,
    apiKey,
    root,
    schedule: (change) => requestAnimationFrame(change),
  })
  const tour = createTour({ workspace, backend, watch, root })
  const sessions = createSessionWatch(api)
  const samples = createSampleWatch(api)
  const explainer = createExplainer(api)

  const people = createPeople({ api, apiKey })
  const history = createHistoryReader({ api, apiKey })

  const queues = createQueueWatch({ api, apiKey, isVisible })
  const queueReader = createQueueReader({ api, apiKey, onChange: () => queues.refresh() })

  const keeper = new PageKeeper({
    workspace,
    storage: session,
    store: new FrameDatabase(() => indexedDB),
    now: () => Date.now(),
    // The types know only browsers where it is there.
    claim: (id) => claimPage(id, (navigator as { locks?: LockManager }).locks),
  })
  await keeper.start()
  addEventListener('pagehide', () => keeper.flush())
  const kept = { problem: keeper.problem, forget: () => forgetAll(keeper) }

  const services = {
    kept,
    layout,
    preferences,
    view,
    watch,
    samples,
    explainer,
    sessions,
    people,
    history,
    queues,
    queueReader,
    backend,
    workspace,
    tour,
  }
  drawTextStraight()
  render(<App services={services} />, document.getElementById('app')!)
}

void start()
