/**
 * The shell of the page: top bar, the three views, tour and dialogs. The client view stays in the document when it is
 * out of sight, so that it is as it was left; the other two keep what matters in their models.
 */
import { useSignal, type Signal } from '@preact/signals'
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
import type { Preferences } from './shell/preferences.ts'
import { listenForShortcuts } from './shell/shortcuts.ts'
import { ShortcutsDialog } from './shell/shortcuts-dialog.tsx'
import { TopBar, ViewNav } from './shell/top-bar.tsx'
import type { View } from './shell/view-address.ts'
import type { Kept } from './kept/kept.ts'
import type { Workspace } from './stomp/workspace.ts'
import type { Tour } from './tour/tour.ts'
import { TourCard } from './tour/tour-card.tsx'

/** Everything that outlives a component, made once in main. */
export interface Services {
  readonly preferences: Preferences
  readonly view: Signal<View>
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
  const { preferences, view, watch, backend, workspace, tour } = services
  const areShortcutsShown = useSignal(false)
  const toggleTour = () => {
    if (tour.isOpen.value) {
      tour.leave()
    } else {
      view.value = 'client'
      tour.open()
    }
  }
  const showShortcuts = () => (areShortcutsShown.value = true)
  useEffect(() => listenForShortcuts({ preferences, view, toggleTour, showShortcuts }), [])
  const shown = view.value
  return (
    <div class={tour.isOpen.value ? 'app has-tour' : 'app'}>
      <TopBar
        watch={watch}
        preferences={preferences}
        view={view}
        isTourOpen={tour.isOpen.value}
        onTour={toggleTour}
        onShortcuts={showShortcuts}
      />
      <main class="views">
        <ViewBox name="client" view={shown}>
          <h1 class="visually-hidden">STOMP client</h1>
          <ClientView
            workspace={workspace}
            onTour={toggleTour}
            kept={services.kept}
            layout={services.layout}
            beside={shown === 'client' ? <BackendPanel backend={backend} watch={watch} isNarrow /> : undefined}
          />
        </ViewBox>
        <ViewBox name="backend" view={shown}>
          {shown === 'backend' && <BackendPanel backend={backend} watch={watch} />}
        </ViewBox>
        <ViewBox name="bridge" view={shown}>
          {shown === 'bridge' && <BridgeView {...services} />}
        </ViewBox>
      </main>
      <ViewNav view={view} place="bottom" />
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
