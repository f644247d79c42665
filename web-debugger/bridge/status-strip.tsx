/** The state of the bridge in one line of figures. */
import type { ComponentChildren } from 'preact'
import type { Bridge } from '../api/types.ts'
import { Badge } from '../ui/badge.tsx'
import { formatBytes, formatClock, formatCount, formatDuration } from '../ui/format.ts'

export interface StatusStripProps {
  /** What it said last. */
  readonly bridge: Bridge
  /** It does not answer: why it was not ready may not be so any more. */
  readonly isAway: boolean
}

export function StatusStrip({ bridge, isAway }: StatusStripProps) {
  const { ready, bus, totals, startedAt, now, version, runtime, workers, isOpen } = bridge
  // What keeps the bus away is said beside it.
  const reasons = ready.reasons
    .map((reason) => (reason === bus.unavailableReason ? 'the bus is away' : reason))
    .join('; ')
  return (
    <dl class="status-strip">
      <Figure name="State">
        {isAway ? (
          <Badge kind="bad">Away</Badge>
        ) : ready.isReady ? (
          <Badge kind="good">Ready</Badge>
        ) : (
          <Badge kind="bad">Not ready</Badge>
        )}
        <small>
          {reasons !== '' && !isAway ? reasons : `${isAway ? 'was ' : ''}up for ${formatDuration(now - startedAt)}`}
        </small>
      </Figure>
      <Figure name={bus.kind === 'redis' ? 'Redis' : 'Bus'}>
        {isAway ? (
          <Badge>Unknown</Badge>
        ) : bus.unavailableReason === null ? (
          <Badge kind="good">{bus.kind === 'embedded' ? 'Embedded' : 'Connected'}</Badge>
        ) : (
          <Badge kind="bad">Unavailable</Badge>
        )}
        <small>
          {isAway ? bus.description : (bus.unavailableReason ?? bus.description)}
          {bus.unavailableSince !== null && !isAway && (
            <>
              , since {formatClock(bus.unavailableSince, now)} ({formatDuration(now - bus.unavailableSince)})
            </>
          )}
        </small>
      </Figure>
      <Figure name="Sessions">
        {formatCount(totals.sessions)}
        <small>{formatCount(totals.sessionsOpened)} since the start</small>
      </Figure>
      <Figure name="Subscriptions">
        {formatCount(totals.subscriptions)}
        <small>{formatBytes(totals.unsentBytes)} unsent</small>
      </Figure>
      <Figure name="Delivered">
        {formatCount(totals.messagesDelivered)}
        <small>{formatCount(totals.messagesPublished)} published</small>
      </Figure>
      <Figure name="Errors">
        {formatCount(totals.errors)}
        <small>frames read: {formatCount(totals.framesReceived)}</small>
      </Figure>
      <Figure name="Access">
        {isOpen ? <Badge>Open</Badge> : <Badge kind="good">Guarded</Badge>}
        <small>{isOpen ? 'anyone may subscribe and send' : 'rules say who may do what'}</small>
      </Figure>
      <Figure name="Version">
        {version}
        <small>
          {runtime}
          {workers > 1 && `, ${workers} workers`}
        </small>
      </Figure>
    </dl>
  )
}

function Figure({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd class="tabular">{children}</dd>
    </div>
  )
}
