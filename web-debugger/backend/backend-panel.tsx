/** The backend side as one view, or narrow beside the console, where the flows are seen happening. */
import { useSignal } from '@preact/signals'
import type { BridgeWatch } from '../api/bridge-watch.ts'
import { Badge } from '../ui/badge.tsx'
import { Panel } from '../ui/panel.tsx'
import { ApiGate, isApiUsable } from './api-gate.tsx'
import type { BackendSide } from './backend-side.ts'
import { ChannelLog } from './channel-log.tsx'
import { NotificationFormView } from './notification-form.tsx'
import { PublishFormView } from './publish-form.tsx'
import { hasVariables } from './route-match.ts'

export interface BackendPanelProps {
  readonly backend: BackendSide
  readonly watch: BridgeWatch
  /** In a column beside the console. */
  readonly isNarrow?: boolean
}

export function BackendPanel({ backend, watch, isNarrow = false }: BackendPanelProps) {
  const topics = topicsOf(watch)
  // Of three panels below each other one wants to fold away what is not needed now.
  const open = { notification: useSignal(true), publish: useSignal(true), watch: useSignal(true) }
  const fold = (panel: keyof typeof open) => (isNarrow ? open[panel] : undefined)
  return (
    <div class={isNarrow ? 'backend backend-narrow' : 'backend'}>
      {!isNarrow && (
        <div class="view-intro">
          <h1>Backend side</h1>
          <p class="muted">Be the backend: everything a service behind the bridge does, from here.</p>
        </div>
      )}
      <Panel title="Post a notification" isOpen={fold('notification')} actions={<Badge>HTTP → browsers</Badge>}>
        <NotificationFormView form={backend.notification} topics={topics} />
      </Panel>
      {isApiUsable(watch) ? (
        <>
          <Panel
            title="Publish on a channel"
            isOpen={fold('publish')}
            actions={<Badge>{busName(watch)} → browsers</Badge>}
          >
            <PublishFormView form={backend.publish} watch={watch} />
          </Panel>
          <div class="backend-watch">
            <Panel title="Watch channels" isOpen={fold('watch')} actions={<Badge>browsers → {busName(watch)}</Badge>}>
              <ChannelLog channels={backend.watch} watch={watch} />
            </Panel>
          </div>
        </>
      ) : (
        <div class="backend-gate">
          <Panel title="Publish and watch">
            <ApiGate watch={watch} what="Publishing on channels, and watching them," />
          </Panel>
        </div>
      )}
    </div>
  )
}

function busName(watch: BridgeWatch): string {
  return watch.bridge.value?.bus.kind === 'redis' ? 'Redis' : 'bus'
}

/** Destinations worth proposing: those of routes, and those that somebody has subscribed. */
function topicsOf(watch: BridgeWatch): string[] {
  const { routes = [], destinations = [] } = watch.bridge.value ?? {}
  const routed = routes.filter((route) => route.direction === 'inbound').map((route) => route.destination)
  return [...new Set(['/topic/toast', ...routed, ...destinations.map((entry) => entry.destination)])].filter(
    (destination) => !hasVariables(destination) && !/[*?]/.test(destination),
  )
}
