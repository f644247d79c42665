/** One user: each session with its node and address, and what can be done about them. */
import { useEffect, useRef } from 'preact/hooks'
import { useSeconds } from '../connections/use-seconds.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { formatDuration } from '../ui/format.ts'
import type { Ending } from './ending-dialog.tsx'
import type { People } from './people.ts'

export interface UserDetailsProps {
  readonly people: People
  readonly onEnd: (ending: Ending) => void
}

export function UserDetails({ people, onEnd }: UserDetailsProps) {
  const now = useSeconds()
  const chosen = people.chosen.value
  const box = useRef<HTMLElement>(null)
  // Where there is one column it may be out of sight.
  useEffect(() => box.current?.scrollIntoView({ block: 'nearest' }), [chosen?.user])
  if (!chosen) {
    return (
      <div class="people-details">
        <EmptyState title="Choose a user" text="Its sessions are shown here, on every node." />
      </div>
    )
  }
  const { user, online, sessions } = chosen
  return (
    <section class="people-details is-chosen" aria-label={`User ${user}`} ref={box}>
      <div class="people-head">
        <h3>{user}</h3>
        {online ? <Badge kind="good">connected</Badge> : <Badge>not connected</Badge>}
        <div class="people-actions">
          <Button
            kind="danger"
            disabled={!online}
            onClick={() => onEnd({ kind: 'user', user, sessions: sessions.length })}
          >
            Close all sessions
          </Button>
          <Button kind="danger" onClick={() => onEnd({ kind: 'revoke-user', user })}>
            Revoke user…
          </Button>
        </div>
      </div>
      {online && (
        <div class="table-scroll" tabIndex={0} role="region" aria-label={`Sessions of ${user}`}>
          <table class="sessions user-sessions">
            <thead>
              <tr>
                <th scope="col">Session</th>
                <th scope="col">Node</th>
                <th scope="col">Address</th>
                <th scope="col">Connected for</th>
                <th scope="col">
                  <span class="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {sessions.map(({ id, node, address, connectedAt }) => (
                <tr key={id}>
                  <th scope="row">
                    <code>{id}</code>
                  </th>
                  <td data-name="node">
                    <code>{node}</code>
                  </td>
                  <td data-name="from">{address}</td>
                  <td class="tabular" data-name="for">
                    <time dateTime={connectedAt} title={connectedAt}>
                      {formatDuration(now - Date.parse(connectedAt))}
                    </time>
                  </td>
                  <td class="session-close">
                    <Button kind="danger" onClick={() => onEnd({ kind: 'session', id, user })}>
                      Close
                      <span class="visually-hidden">
                        {' '}
                        {id} of {user}
                      </span>
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}
