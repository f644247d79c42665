/**
 * The shell of the page: top bar, the three views, tour and dialogs. The client view stays in the document when it is
 * out of sight, so that it is as it was left; the other two keep what matters in their models.
 */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import type { BridgeWatch } from './api/bridge-watch.ts'
import type { SampleWatch } from './api/sample-watch.ts'
import type { BackendSide } from './backend/backend-side.ts'
import { BackendPanel } from './backend/backend-panel.tsx'
import { BridgeView } from './bridge/bridge-view.tsx'
import type { Explainer } from './bridge/explainer.ts'
import type { HistoryReader } from './bridge/history-reader.ts'
import type { People } from './bridge/people.ts'
import type { QueueReader } from './bridge/queue-reader.ts'
import type { QueueWatch } from './bridge/queue-watch.ts'
import type { SessionWatch } from './bridge/session-list.ts'
import { ClientView } from './client-view.tsx'
import type { Layout } from './shell/layout.ts'
import type { Preferences, View } from './shell/preferences.ts'
import { listenForShortcuts } from './shell/shortcuts.ts'
import { ShortcutsDialog } from './shell/shortcuts-dialog.tsx'
import { TopBar, ViewNav } from './shell/top-bar.tsx'
import type { Kept } from './kept/kept.ts'
import type { Workspace } from './stomp/workspace.ts'
import type { Tour } from './tour/tour.ts'
import { TourCard } from './tour/tour-card.tsx'

/** Everything that outlives a component, made once in main. */
export interface Services {
  readonly preferences: Preferences
  readonly watch: BridgeWatch
  readonly samples: SampleWatch
  readonly explainer: Explainer
  readonly sessions: SessionWatch
  readonly people: People
  readonly history: HistoryReader
  readonly queues: QueueWatch
  readonly queueReader: QueueReader
  readonly backend: BackendSide
  readonly workspace: Workspace
  readonly tour: Tour
  readonly kept: Kept
  readonly layout: Layout
}

export function App({ services }: { readonly services: Services }) {
  const { preferences, watch, backend, workspace, tour } = services
  const areShortcutsShown = useSignal(false)
  const toggleTour = () => {
    if (tour.isOpen.value) {
      tour.leave()
    } else {
      preferences.view.value = 'client'
      tour.open()
    }
  }
  useEffect(
    () => listenForShortcuts({ preferences, toggleTour, showShortcuts: () => (areShortcutsShown.value = true) }),
    [],
  )
  const view = preferences.view.value
  return (
    <div class={tour.isOpen.value ? 'app has-tour' : 'app'}>
      <TopBar
        watch={watch}
        preferences={preferences}
        isTourOpen={tour.isOpen.value}
        onTour={toggleTour}
        onShortcuts={() => (areShortcutsShown.value = true)}
      />
      <main class="views">
        <ViewBox name="client" view={view}>
          <h1 class="visually-hidden">STOMP client</h1>
          <ClientView
            workspace={workspace}
            onTour={toggleTour}
            kept={services.kept}
            layout={services.layout}
            beside={view === 'client' ? <BackendPanel backend={backend} watch={watch} isNarrow /> : undefined}
          />
        </ViewBox>
        <ViewBox name="backend" view={view}>
          {view === 'backend' && <BackendPanel backend={backend} watch={watch} />}
        </ViewBox>
        <ViewBox name="bridge" view={view}>
          {view === 'bridge' && <BridgeView {...services} />}
        </ViewBox>
      </main>
      <ViewNav preferences={preferences} place="bottom" />
      <TourCard tour={tour} />
      <ShortcutsDialog isOpen={areShortcutsShown} preferences={preferences} />
    </div>
  )
}

function ViewBox({ name, view, children }: { name: View; view: View; children: ComponentChildren }) {
  return (
    <div class={`view view-${name}`} hidden={name !== view}>
      {children}
    </div>
  )
}
