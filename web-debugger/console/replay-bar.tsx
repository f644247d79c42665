/** After a log was imported: sends again what it has sent, when somebody says so. */
import { useSignal } from '@preact/signals'
import type { Tab } from '../stomp/workspace.ts'
import { Button } from '../ui/button.tsx'
import { Choice } from '../ui/choice.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Icon } from '../ui/icon.tsx'
import { formatCount, formatDuration } from '../ui/format.ts'
import { Notice } from '../ui/notice.tsx'

/** Destinations that are named before it begins. */
const MAX_NAMED = 8

export function ReplayBar({ tab }: { readonly tab: Tab }) {
  const { replay, connection } = tab
  const isAsking = useSignal(false)
  const pace = useSignal<'log' | 'once'>('log')
  const plan = replay.plan.value
  const progress = replay.progress.value
  if (!plan) return null
  const { messages, hiddenHeaders } = plan
  const count = `${formatCount(messages.length)} ${messages.length === 1 ? 'message' : 'messages'}`
  const isConnected = connection.state.value === 'connected'
  return (
    <div class="replay">
      {progress ? (
        <>
          <Button kind="danger" onClick={() => replay.stop()}>
            <Icon name="stop" />
            Stop
          </Button>
          <span class="tabular" role="status">
            Sent {formatCount(progress.sent)} of {formatCount(progress.total)}
          </span>
        </>
      ) : (
        <>
          <span class="replay-text">The imported log has sent {count}.</span>
          <Button disabled={!isConnected} onClick={() => (isAsking.value = true)}>
            Replay…
          </Button>
          {!isConnected && <span class="muted">Connect first</span>}
          <Button kind="quiet" title="Do not replay" onClick={() => replay.dismiss()}>
            <Icon name="close" />
          </Button>
        </>
      )}
      {replay.problem.value !== undefined && <Notice kind="error">{replay.problem.value}</Notice>}
      <Dialog
        title={`Send ${count} again?`}
        isOpen={isAsking}
        footer={
          <>
            <Button onClick={() => (isAsking.value = false)}>Do not send</Button>
            <Button
              kind="primary"
              disabled={!isConnected}
              onClick={() => {
                isAsking.value = false
                replay.start(pace.value === 'once')
              }}
            >
              Send {count}
            </Button>
          </>
        }
      >
        <p role="status">
          To {connection.title.value}, which is {isConnected ? 'connected now:' : 'not connected. Connect first:'}
        </p>
        <ul class="mono">
          {countByDestination(messages).map(([destination, times]) => (
            <li key={destination}>
              {destination} × {formatCount(times)}
            </li>
          ))}
        </ul>
        {hiddenHeaders > 0 && (
          <p>
            The log hides {formatCount(hiddenHeaders)} {hiddenHeaders === 1 ? 'header' : 'headers'}: sent without.
          </p>
        )}
        <Choice
          label="Pace"
          value={pace}
          options={[
            { value: 'log', text: `As in the log, ${formatDuration(messages.at(-1)!.afterMs)}` },
            { value: 'once', text: 'At once' },
          ]}
        />
      </Dialog>
    </div>
  )
}

function countByDestination(messages: readonly { readonly destination: string }[]): [string, number][] {
  const counts = new Map<string, number>()
  for (const { destination } of messages) counts.set(destination, (counts.get(destination) ?? 0) + 1)
  const all = [...counts].sort(([, a], [, b]) => b - a)
  const rest = all.slice(MAX_NAMED).reduce((sum, [, times]) => sum + times, 0)
  return rest > 0 ? [...all.slice(0, MAX_NAMED), ['others', rest]] : all
}
