/** The quieter parts of the bridge view: nodes, the most subscribed destinations, endpoints and limits. */
import type { Bridge } from '../api/types.ts'
import { Badge } from '../ui/badge.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Panel } from '../ui/panel.tsx'
import { formatCount, formatDuration, formatLimit } from '../ui/format.ts'

const MAX_SHOWN_DESTINATIONS = 12

export function Nodes({ bridge: { nodes, node, workers } }: { readonly bridge: Bridge }) {
  return (
    <Panel title="Nodes">
      {nodes === null ? (
        <p class="muted">
          This is node <code>{node}</code>. The bus cannot tell which others there are.
        </p>
      ) : (
        <ul class="fact-list">
          {nodes.map((each) => (
            <li key={each.id}>
              <code>{each.id}</code>
              {each.isThis && <Badge kind="accent">this one</Badge>}
              <span class="fact-value muted tabular">
                {each.address ?? (workers > 1 ? `${workers} workers` : 'this process')}
                {each.address !== null && `, for ${formatDuration(each.ageSeconds * 1000)}`}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

export interface DestinationsProps {
  readonly bridge: Bridge
  /** Somebody wants to know who has subscribed it. */
  readonly onAsk: (destination: string) => void
}

export function Destinations({ bridge: { destinations }, onAsk }: DestinationsProps) {
  const most = destinations[0]?.subscriptions ?? 1
  return (
    <Panel title="Subscribed destinations">
      {destinations.length === 0 ? (
        <EmptyState title="Nobody has subscribed" text="Destinations appear here as soon as a client subscribes." />
      ) : (
        <ul class="bar-list">
          {destinations.slice(0, MAX_SHOWN_DESTINATIONS).map(({ destination, subscriptions }) => (
            <li key={destination}>
              <button
                type="button"
                class="bar-button"
                title={`Who has subscribed ${destination}?`}
                onClick={() => onAsk(destination)}
              >
                <code>{destination}</code>
              </button>
              <span class="tabular">{formatCount(subscriptions)}</span>
              <span class="bar" aria-hidden="true" style={{ width: `${(100 * subscriptions) / most}%` }} />
            </li>
          ))}
        </ul>
      )}
      {destinations.length > MAX_SHOWN_DESTINATIONS && (
        <p class="field-hint">and {destinations.length - MAX_SHOWN_DESTINATIONS} more</p>
      )}
    </Panel>
  )
}

export function Errors({ bridge: { errors } }: { readonly bridge: Bridge }) {
  const most = errors[0]?.count ?? 1
  return (
    <Panel title="Errors by code">
      {errors.length === 0 ? (
        <EmptyState
          title="No client was refused anything"
          text="ERROR frames and soft errors are counted here by code."
        />
      ) : (
        <ul class="bar-list">
          {errors.map(({ code, count }) => (
            <li key={code}>
              <code>{code}</code>
              <span class="tabular">{formatCount(count)}</span>
              <span class="bar" aria-hidden="true" style={{ width: `${(100 * count) / most}%` }} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

function PathOrOff({ path }: { readonly path: string | null }) {
  return <span class="fact-value">{path === null ? 'off' : <code>{path}</code>}</span>
}

export function Limits({ bridge: { limits, endpoints, isOpen } }: { readonly bridge: Bridge }) {
  return (
    <Panel title="Endpoints and limits">
      <ul class="fact-list fact-columns">
        <li>
          STOMP over WebSocket
          <code class="fact-value">{endpoints.stomp}</code>
        </li>
        <li>
          STOMP over TCP
          <span class="fact-value">
            {endpoints.tcp ? <code>{`${endpoints.tcp.host}:${endpoints.tcp.port}`}</code> : 'off'}
          </span>
        </li>
        <li>
          Plain WebSocket
          <PathOrOff path={endpoints.raw && `${endpoints.raw}/…`} />
        </li>
        <li>
          Server-Sent Events
          <PathOrOff path={endpoints.sse && `${endpoints.sse}/…`} />
        </li>
        {endpoints.configured.map((path) => (
          <li key={path}>
            Plain WebSocket
            <PathOrOff path={path} />
          </li>
        ))}
        <li>
          Sign-in
          <span class="fact-value">
            {isOpen ? 'none: anyone may subscribe and send' : 'needed: rules say who may do what'}
          </span>
        </li>
        {Object.entries(limits).map(([name, value]) => (
          <li key={name}>
            <code>{name}</code>
            <span class="fact-value tabular">{formatLimit(name, value)}</span>
          </li>
        ))}
      </ul>
    </Panel>
  )
}
