/** The sessions of the bridge: search them, see what each has subscribed, close one after a second thought. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Session } from '../api/types.ts'
import { announce } from '../ui/announce.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Notice } from '../ui/notice.tsx'
import { Panel } from '../ui/panel.tsx'
import { TextInput } from '../ui/text-input.tsx'
import { formatBytes, formatCount, formatDuration } from '../ui/format.ts'
import { protocolText } from './protocol-text.ts'
import type { SessionWatch } from './session-list.ts'

const MAX_SHOWN_SUBSCRIPTIONS = 3

export interface SessionsPanelProps {
  readonly sessions: SessionWatch
  /** The clock of the bridge, milliseconds since 1970. */
  readonly now: number
  /** The bridge does not answer, which is said elsewhere. */
  readonly isAway: boolean
}

export function SessionsPanel({ sessions, now, isAway }: SessionsPanelProps) {
  const doomed = useSignal<Session | undefined>(undefined)
  const isAsking = useSignal(false)
  useEffect(() => sessions.start(), [sessions])
  const list = sessions.list.value
  const isSearching = sessions.search.value.trim() !== ''
  const close = async () => {
    const { id } = doomed.value!
    isAsking.value = false
    await sessions.close(id)
    announce(sessions.problem.value ?? `Session ${id} is closed`)
  }
  return (
    <Panel
      title="Sessions"
      actions={list && <Badge>{isSearching ? `${formatCount(list.total)} found` : formatCount(list.total)}</Badge>}
    >
      <TextInput
        label="Search sessions"
        hideLabel
        type="search"
        value={sessions.search}
        placeholder="Search: id, user, address or destination"
      />
      {sessions.problem.value && !isAway && <Notice kind="error">{sessions.problem.value}</Notice>}
      {list && list.sessions.length === 0 ? (
        isSearching ? (
          <EmptyState title="No session matches" text="Search for a part of an id, user, address or destination." />
        ) : (
          <EmptyState title="No sessions" text="Connect a client, in the Client view or elsewhere: it appears here." />
        )
      ) : (
        <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of sessions">
          <table class="sessions">
            <thead>
              <tr>
                <th scope="col">Session</th>
                <th scope="col">From</th>
                <th scope="col">Protocol</th>
                <th scope="col">Open for</th>
                <th scope="col">Frames</th>
                <th scope="col">Unsent</th>
                <th scope="col">Subscriptions</th>
                <th scope="col">
                  <span class="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list?.sessions.map((session) => (
                <SessionRow
                  key={session.id}
                  session={session}
                  now={now}
                  onClose={() => {
                    doomed.value = session
                    isAsking.value = true
                  }}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {list && list.total > list.sessions.length && (
        <p class="field-hint">
          The newest {formatCount(list.sessions.length)} of {formatCount(list.total)}. Search to find the others.
        </p>
      )}
      <Dialog
        title="Close this session?"
        isOpen={isAsking}
        footer={
          <>
            <Button onClick={() => (isAsking.value = false)}>Keep it</Button>
            <Button kind="danger" onClick={() => void close()}>
              Close session
            </Button>
          </>
        }
      >
        <p>
          The client of <code>{doomed.value?.id}</code>
          {doomed.value?.user && ` (${doomed.value.user})`} is told so and loses its connection and{' '}
          {doomed.value?.subscriptionCount === 1
            ? 'its subscription'
            : `its ${formatCount(doomed.value?.subscriptionCount ?? 0)} subscriptions`}
          . Most clients connect again by themselves.
        </p>
      </Dialog>
    </Panel>
  )
}

function SessionRow({ session, now, onClose }: { session: Session; now: number; onClose: () => void }) {
  const { subscriptions, subscriptionCount } = session
  const shown = subscriptions.slice(0, MAX_SHOWN_SUBSCRIPTIONS)
  return (
    <tr>
      <th scope="row">
        <code>{session.id}</code>
        {session.user !== null && <span class="session-user">{session.user}</span>}
      </th>
      <td>{session.remoteAddress}</td>
      <td>{protocolText(session)}</td>
      <td class="tabular" data-name="open for">
        {formatDuration(now - session.openedAt)}
      </td>
      <td class="tabular" data-name="frames">
        {formatCount(session.framesReceived)}
      </td>
      <td class="tabular" data-name="unsent">
        {session.unsentBytes === 0 ? '0' : formatBytes(session.unsentBytes)}
      </td>
      <td>
        {subscriptionCount === 0 ? (
          <span class="muted">none</span>
        ) : (
          <ul class="chips">
            {shown.map(({ id, destination, ack }, index) => (
              <li key={index}>
                <code title={id === null ? `${destination}, ack ${ack}` : `${destination}, id ${id}, ack ${ack}`}>
                  {destination}
                </code>
              </li>
            ))}
            {subscriptionCount > shown.length && (
              <li class="muted">+{formatCount(subscriptionCount - shown.length)}</li>
            )}
          </ul>
        )}
      </td>
      <td class="session-close">
        <Button kind="danger" onClick={onClose} title={`Close session ${session.id}`}>
          Close<span class="visually-hidden"> {session.id}</span>
        </Button>
      </td>
    </tr>
  )
}
