/** Who may do what, and which rule says so. */
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Choice } from '../ui/choice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Panel } from '../ui/panel.tsx'
import { TextInput } from '../ui/text-input.tsx'
import type { Explained, Explainer } from './explainer.ts'

const ACTIONS = [
  { value: 'subscribe', text: 'Subscribe' },
  { value: 'send', text: 'Send' },
] as const

export interface ExplainPanelProps {
  readonly explainer: Explainer
  /** Destinations to propose. */
  readonly proposals: readonly string[]
}

export function ExplainPanel({ explainer, proposals }: ExplainPanelProps) {
  const { action, destination, user, groups, claims, answer, problem } = explainer
  const ask = () => void explainer.ask()
  return (
    <Panel title="Who may do what">
      <div class="explain-form">
        <Choice label="Action" value={action} options={ACTIONS} />
        <TextInput
          label="Destination"
          value={destination}
          list={proposals}
          placeholder="/topic/rooms/1"
          onEnter={ask}
          mono
        />
        <TextInput label="User" value={user} hint="Nobody if it is empty: anonymous" onEnter={ask} />
        <TextInput label="Groups" value={groups} placeholder="staff, room-7" onEnter={ask} />
        <TextInput label="Claims" value={claims} placeholder='{"role": "admin"}' onEnter={ask} mono />
        <Button onClick={ask}>Explain</Button>
      </div>
      {problem.value !== undefined && <Notice kind="error">{problem.value}</Notice>}
      {answer.value && <Answer answer={answer.value} />}
    </Panel>
  )
}

function Answer({ answer: { allowed, rule, reason, problem, wish } }: { readonly answer: Explained }) {
  return (
    <>
      <p role="status" class="explain-answer">
        <Badge kind={allowed ? 'good' : 'bad'}>{allowed ? 'Allowed' : 'Denied'}</Badge>{' '}
        {wish.user ?? 'Somebody anonymous'} {allowed ? 'may' : 'may not'}{' '}
        {wish.action === 'send' ? 'send to' : 'subscribe'} <code>{wish.destination}</code>
        {rule === null ? ': ' : `, by access.rules[${rule}]: `}
        {reason}
      </p>
      {problem !== null && <Notice kind="warning">Whatever the rules say, a client is refused: {problem}.</Notice>}
    </>
  )
}
