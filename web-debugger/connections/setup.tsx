/** What is there before a connection: where to connect, how, and as whom. */
import type { Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Connection } from '../stomp/connection.ts'
import { ForgetEverything } from '../kept/forget-everything.tsx'
import type { Kept } from '../kept/kept.ts'
import type { Tab, Workspace } from '../stomp/workspace.ts'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { Notice } from '../ui/notice.tsx'
import { TextInput } from '../ui/text-input.tsx'
import { completeUrl } from '../stomp/url.ts'
import { ConnectionSettings } from './connection-settings.tsx'
import { RefusalDetails } from './refusal-details.tsx'
import { SavedProfiles } from './saved-profiles.tsx'
import { TicketNote } from './ticket-note.tsx'

export interface SetupProps {
  readonly workspace: Workspace
  readonly tab: Tab
  readonly areSettingsOpen: Signal<boolean>
  readonly onTour?: (() => void) | undefined
  readonly kept?: Kept | undefined
}

export function Setup({ workspace, tab, areSettingsOpen, onTour, kept }: SetupProps) {
  const { connection, isSettingUp } = tab
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
        <ConnectRow connection={connection} onTour={isFirst ? onTour : undefined} />
        <SetupProblem connection={connection} isSettingUp={isSettingUp} />
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

function ConnectRow({ connection, onTour }: { connection: Connection; onTour: (() => void) | undefined }) {
  const { profile, problems, state } = connection
  const isBusy = state.value === 'connecting' || state.value === 'waiting'
  const isConnected = state.value === 'connected' || state.value === 'closing'
  const connect = () => connection.connect()
  const typed = profile.url.value
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
      <div class="setup-actions">
        {isBusy || isConnected ? (
          <Button onClick={() => connection.disconnect()}>{isBusy ? 'Stop' : 'Disconnect'}</Button>
        ) : (
          <Button kind="primary" onClick={connect}>
            Connect
          </Button>
        )}
        {onTour && (
          <Button onClick={onTour}>
            <Icon name="tour" />
            Take the tour
          </Button>
        )}
        {isBusy && (
          <span class="setup-busy" role="status">
            Connecting…
          </span>
        )}
      </div>
    </div>
  )
}

function SetupProblem({ connection, isSettingUp }: { connection: Connection; isSettingUp: Signal<boolean> }) {
  // What is wrong with the URL is said below its field.
  const isSaid = connection.problem.value === connection.problems.value.url
  const problem = isSaid ? undefined : connection.problem.value
  const hasLog = connection.state.value !== 'idle' && connection.log.size > 0
  if (problem === undefined && !hasLog) return null
  const back = connection.hasBeenConnected.value ? 'Back to the console' : 'Show the log of this attempt'
  return (
    <>
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      {problem !== undefined && <RefusalDetails connection={connection} />}
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
