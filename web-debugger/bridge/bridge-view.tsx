/** The bridge from above: is it well, what flows where, who is connected. */
import type { BridgeWatch } from '../api/bridge-watch.ts'
import type { SampleWatch } from '../api/sample-watch.ts'
import { ApiGate, isApiUsable } from '../backend/api-gate.tsx'
import { Notice } from '../ui/notice.tsx'
import { Panel } from '../ui/panel.tsx'
import { ChartPanel } from './chart-panel.tsx'
import { ExplainPanel } from './explain-panel.tsx'
import type { Explainer } from './explainer.ts'
import { Destinations, Errors, Limits, Nodes } from './facts.tsx'
import { HistoryPanel } from './history-panel.tsx'
import type { HistoryReader } from './history-reader.ts'
import { PeoplePanel } from './people-panel.tsx'
import type { People } from './people.ts'
import { PresencePanel } from './presence-panel.tsx'
import { RouteMap } from './route-map.tsx'
import type { QueueReader } from './queue-reader.ts'
import type { QueueWatch } from './queue-watch.ts'
import { QueuesPanel } from './queues-panel.tsx'
import type { SessionWatch } from './session-list.ts'
import { SessionsPanel } from './sessions-panel.tsx'
import { StatusStrip } from './status-strip.tsx'

export interface BridgeViewProps {
  readonly watch: BridgeWatch
  readonly samples: SampleWatch
  readonly explainer: Explainer
  readonly sessions: SessionWatch
  readonly people: People
  readonly history: HistoryReader
  readonly queues: QueueWatch
  readonly queueReader: QueueReader
}

export function BridgeView({
  watch,
  samples,
  explainer,
  sessions,
  people,
  history,
  queues,
  queueReader,
}: BridgeViewProps) {
  const bridge = watch.bridge.value
  const destinations = bridge?.destinations.map(({ destination }) => destination) ?? []
  const isAway = watch.access.value === 'unreachable'
  return (
    <div class="bridge">
      <div class="view-intro">
        <h1>Bridge</h1>
        <p class="muted">What this bridge is doing now. It is asked every two seconds.</p>
      </div>
      {!isApiUsable(watch) && (
        <>
          <Panel title="Debug API">
            <ApiGate watch={watch} what="Most of this view" />
          </Panel>
          {isBridgeThere(watch) && (
            <>
              <PeoplePanel people={people} isOpen={undefined} />
              <PresencePanel people={people} proposals={[]} />
              <HistoryPanel reader={history} proposals={[]} totals={undefined} rules={[]} />
              <QueuesPanel watch={queues} reader={queueReader} />
            </>
          )}
        </>
      )}
      {isApiUsable(watch) && bridge && (
        <>
          {isAway && <Notice kind="warning">This is what the bridge said last. {watch.problem.value?.message}</Notice>}
          <StatusStrip bridge={bridge} isAway={isAway} />
          <div class="bridge-routes">
            <Panel title="Routes">
              <RouteMap bridge={bridge} rates={watch.rates.value} />
            </Panel>
          </div>
          <div class="bridge-chart">
            <ChartPanel history={watch.history.value} watch={samples} />
          </div>
          <div class="bridge-sessions">
            <SessionsPanel sessions={sessions} now={bridge.now} isAway={isAway} />
          </div>
          <PeoplePanel people={people} isOpen={bridge.isOpen} />
          <HistoryPanel reader={history} proposals={destinations} totals={bridge.totals} rules={bridge.histories} />
          <QueuesPanel watch={queues} reader={queueReader} />
          <div class="bridge-facts">
            <PresencePanel people={people} proposals={destinations} />
            <Destinations
              bridge={bridge}
              onAsk={(destination) => {
                people.destination.value = destination
                void people.askPresence()
              }}
            />
            <Errors bridge={bridge} />
            <Nodes bridge={bridge} />
          </div>
          <ExplainPanel explainer={explainer} proposals={destinations} />
          <Limits bridge={bridge} />
        </>
      )}
    </div>
  )
}

/** With an API key there is something to see without the debug API too. */
function isBridgeThere({ access }: BridgeWatch): boolean {
  return access.value !== 'unknown' && access.value !== 'unreachable'
}
