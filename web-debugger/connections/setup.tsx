/** What is there before a connection: where to connect, how, and as whom. */
import type { Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Connection } from '../stomp/connection.ts'
import { ForgetEverything } from '../kept/forget-everything.tsx'
import type { Kept } from '../kept/kept.ts'
import { secretNames } from '../stomp/profile.ts'
import { maskUrl } from '../stomp/secrets.ts'
import type { Tab, Workspace } from '../stomp/workspace.ts'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { Notice } from '../ui/notice.tsx'
import { TextInput } from '../ui/text-input.tsx'
import { completeUrl } from '../stomp/url.ts'
import { ConnectionSettings } from './connection-settings.tsx'
import { NextAttempt } from './next-attempt.tsx'
import { RefusalDetails } from './refusal-details.tsx'
import { SavedProfiles } from './saved-profiles.tsx'
import { StateButton } from './state-button.tsx'
import { TicketNote } from './ticket-note.tsx'

export interface SetupProps {
  readonly workspace: Workspace
  readonly tab: Tab
  readonly areSettingsOpen: Signal<boolean>
  readonly onTour?: (() => void) | undefined
  readonly kept?: Kept | undefined
}

export function Setup({ workspace, tab, areSettingsOpen, onTour, kept }: SetupProps) {
  const { connection } = tab
  const box = useRef<HTMLDivElement>(null)
  const isFirst = workspace.connections.value.length === 1 && !connection.hasBeenConnected.value
  useEffect(() => {
    // Who asked for it goes on here; at the very beginning nobody did.
    if (!isFirst) box.current?.querySelector('input')?.focus()
  }, [])
  return (
    <div class="setup" ref={box}>
      <div class="setup-box">
        {isFirst ? (
          <header class="setup-head">
            <h1>See what goes over the wire</h1>
            <p>
              Connect to this bridge, or to any STOMP server: watch every frame, subscribe, send, and find out why
              something does not arrive.
            </p>
          </header>
        ) : (
          <header class="setup-head">
            <h1>{connection.hasBeenConnected.value ? 'Connection settings' : 'New connection'}</h1>
          </header>
        )}
        <ConnectRow tab={tab} onTour={isFirst ? onTour : undefined} />
        <SetupProblem tab={tab} />
        <details
          class="setup-settings"
          open={areSettingsOpen.value}
          onToggle={(event) => (areSettingsOpen.value = event.currentTarget.open)}
        >
          <summary>
            <Icon name="chevron" />
            Version, sign-in, headers, heart-beats
          </summary>
          <ConnectionSettings connection={connection} />
        </details>
        <SavedProfiles workspace={workspace} tab={tab} />
        {kept && <ForgetEverything kept={kept} />}
      </div>
    </div>
  )
}

function ConnectRow({ tab, onTour }: { tab: Tab; onTour: (() => void) | undefined }) {
  const { connection } = tab
  const { profile, problems, hasChanges } = connection
  const state = connection.state.value
  const actions = useRef<HTMLDivElement>(null)
  const connect = () => tab.connect()
  const typed = profile.url.value
  const [problem] = Object.values(problems.value)
  // An empty one is not wrong before somebody wants to connect.
  const isWrong = typed !== '' || connection.problem.value === problems.value.url
  const url = completeUrl(typed, connection.environment.isSecurePage)
  return (
    <div class="setup-connect">
      <TextInput
        label="URL"
        value={profile.url}
        placeholder="ws://localhost:8080/stomp"
        error={isWrong ? problems.value.url : undefined}
        hint={url !== typed.trim() && problems.value.url === undefined ? `Connects to ${url}` : undefined}
        onEnter={connect}
        mono
      />
      <TicketNote connection={connection} />
      <div class="setup-actions" ref={actions}>
        {hasChanges.value && (
          <Button kind="primary" disabled={problem !== undefined} onClick={connect}>
            Reconnect with these settings
          </Button>
        )}
        <StateButton tab={tab} />
        {onTour && (
          <Button onClick={onTour}>
            <Icon name="tour" />
            Take the tour
          </Button>
        )}
        {state === 'connecting' && (
          <span class="setup-busy" role="status">
            Connecting…
          </span>
        )}
      </div>
      {hasChanges.value && <ChangesNote connection={connection} problem={problem} />}
      {state === 'waiting' && <NextAttempt connection={connection} actions={actions} />}
    </div>
  )
}

/** What is typed here is not yet what it is connected with. */
function ChangesNote({ connection, problem }: { connection: Connection; problem: string | undefined }) {
  const { url, ...current } = connection.current.value
  return (
    <p class="field-hint">
      {problem ?? (
        <>
          These settings count from the next time that you connect. Until then it stays{' '}
          <span class="mono">{maskUrl(url, secretNames(current))}</span>
        </>
      )}
    </p>
  )
}

function SetupProblem({ tab }: { tab: Tab }) {
  const { connection, isSettingUp } = tab
  // What is wrong with the URL is said below its field.
  const isSaid = connection.problem.value === connection.problems.value.url
  const problem = isSaid ? undefined : connection.problem.value
  const hasLog = connection.state.value !== 'idle' && connection.log.size > 0
  if (problem === undefined && !hasLog) return null
  const back = connection.hasBeenConnected.value ? 'Back to the console' : 'Show the log of this attempt'
  return (
    <>
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      {problem !== undefined && <RefusalDetails connection={connection} onConnect={() => tab.connect()} />}
      {hasLog && (
        <div>
          <Button kind="quiet" onClick={() => (isSettingUp.value = false)}>
            {back}
            <Icon name="arrow" />
          </Button>
        </div>
      )}
    </>
  )
}
