/** The routes as a picture: destinations of browsers on one side, channels on the other, and between them what flows. */
import { routeKey, type Rates } from '../api/rates.ts'
import type { Bridge, Route } from '../api/types.ts'
import { Badge } from '../ui/badge.tsx'
import { Breakable } from '../ui/breakable.tsx'
import { formatCount, formatDuration, formatRate } from '../ui/format.ts'

/** From here on a route has one line. */
const MANY = 8

export interface RouteMapProps {
  readonly bridge: Bridge
  readonly rates: Rates | undefined
}

export function RouteMap({ bridge, rates }: RouteMapProps) {
  const { routes, prefixes, bus, totals, streamLagSeconds } = bridge
  const broadcast = rates?.broadcast
  const busName = bus.kind === 'redis' ? 'Redis' : 'Bus'
  return (
    <div class={routes.length > MANY ? 'route-map is-dense' : 'route-map'} role="table" aria-label="Routes">
      <div class="route-head" role="row">
        <span role="columnheader">Browsers</span>
        <span role="columnheader" class="visually-hidden">
          Flow
        </span>
        <span role="columnheader">{busName}</span>
      </div>
      {routes.map((route) => (
        <RouteRow key={routeKey(route)} route={route} rate={rates?.routes.get(routeKey(route)) ?? 0} />
      ))}
      <div class={`route-row route-both ${isBroadcasting(broadcast) ? 'is-flowing' : ''}`} role="row">
        <span class="route-end route-left" role="cell">
          <code>{prefixes.broker.map((prefix) => `${prefix}/…`).join(' ')}</code>
          <span class="route-note">SENDs to a topic, and POST /api/notification</span>
        </span>
        <span class="route-flow" role="cell">
          <span class="visually-hidden">both ways between the bridges,</span>
          <span class="route-rate tabular" title={`${formatCount(totals.broadcastPublished)} since the start`}>
            {formatRate(broadcast?.published ?? 0)}/s sent
          </span>
          <span class="route-line" aria-hidden="true" />
          <span class="route-rate tabular" title={`${formatCount(totals.broadcastReceived)} since the start`}>
            {formatRate(broadcast?.received ?? 0)}/s heard
          </span>
        </span>
        <span class="route-end route-right" role="cell">
          <code>{prefixes.broadcastChannel}</code>
          {prefixes.distribution !== 'shared' && (
            <span class="route-note">and a channel for each destination ({prefixes.distribution})</span>
          )}
        </span>
      </div>
      {streamLagSeconds !== null && (
        <p class="field-hint">
          The newest entry of a stream was {formatDuration(streamLagSeconds * 1000)} old when it was delivered here.
        </p>
      )}
    </div>
  )
}

function isBroadcasting(broadcast: Rates['broadcast'] | undefined): boolean {
  return broadcast !== undefined && broadcast.published + broadcast.received > 0
}

function RouteRow({ route, rate }: { readonly route: Route; readonly rate: number }) {
  const { direction, destination, kind, channel, codec, isConvention, messages } = route
  const verb = direction === 'outbound' ? 'SEND' : 'SUBSCRIBE'
  return (
    <div
      class={`route-row route-${direction} ${rate > 0 ? 'is-flowing' : ''} ${isConvention ? 'is-convention' : ''}`}
      role="row"
    >
      <span class="route-end route-left" role="cell">
        <span class="route-verb">{verb}</span>
        <code>
          <Breakable text={destination} />
        </code>
        {isConvention && <Badge title="Used where no other route fits">everything else</Badge>}
      </span>
      <span class="route-flow" role="cell">
        <span class="visually-hidden">{direction === 'outbound' ? `to the ${kind},` : `from the ${kind},`}</span>
        <span class="route-codec">{codec}</span>
        <span class="route-line" aria-hidden="true" />
        <span class="route-rate tabular">
          {formatRate(rate)}/s<span class="route-total"> · {formatCount(messages)}</span>
        </span>
      </span>
      <span class="route-end route-right" role="cell">
        <code>
          <Breakable text={channel} />
        </code>
        {kind === 'stream' && <Badge title="A Redis stream: entries stay until consumers have read them">stream</Badge>}
      </span>
    </div>
  )
}
