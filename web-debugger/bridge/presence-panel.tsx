/** Who has subscribed a destination, on all nodes. */
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { formatCount } from '../ui/format.ts'
import { Notice } from '../ui/notice.tsx'
import { Panel } from '../ui/panel.tsx'
import { TextInput } from '../ui/text-input.tsx'
import type { People } from './people.ts'

export interface PresencePanelProps {
  readonly people: People
  /** Destinations to propose. */
  readonly proposals: readonly string[]
}

export function PresencePanel({ people, proposals }: PresencePanelProps) {
  const { destination, presence, presenceProblem } = people
  const ask = () => void people.askPresence()
  const answer = presence.value
  return (
    <Panel title="Who has subscribed">
      <div class="people-search">
        <TextInput
          label="Destination"
          hideLabel
          value={destination}
          list={proposals}
          placeholder="/topic/rooms/1"
          onEnter={ask}
          mono
        />
        <Button onClick={ask}>Ask</Button>
      </div>
      {presenceProblem.value !== undefined && <Notice kind="error">{presenceProblem.value}</Notice>}
      {answer ? (
        <>
          <p role="status">
            <code>{answer.destination}</code>: {summaryOf(answer)}
          </p>
          {answer.users.length > 0 && (
            <ul class="fact-list presence-list" aria-label="Subscribers">
              {answer.users.map(({ user, sessions }) => (
                <li key={user}>
                  {user}
                  <span class="fact-value">
                    <Badge>
                      {formatCount(sessions)} {sessions === 1 ? 'session' : 'sessions'}
                    </Badge>
                  </span>
                </li>
              ))}
            </ul>
          )}
        </>
      ) : (
        <p class="field-hint">
          All nodes are asked. Who has subscribed a pattern, such as /topic/**, is not counted. Takes an API key with
          the scope read where access is configured.
        </p>
      )}
    </Panel>
  )
}

function summaryOf({ sessions, users }: NonNullable<People['presence']['value']>): string {
  if (sessions === 0) return 'nobody has subscribed it.'
  const anonymous = sessions - users.reduce((sum, each) => sum + each.sessions, 0)
  const all = sessions === 1 ? 'one session' : `${formatCount(sessions)} sessions`
  if (users.length === 0) return `${all}, anonymous.`
  return anonymous === 0 ? `${all}.` : `${all}, of which ${formatCount(anonymous)} anonymous.`
}
