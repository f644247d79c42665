/** How the connection is: connected to what, since when agreed on what, or why not and what happens next. */
import { useRef } from 'preact/hooks'
import type { Connection } from '../stomp/connection.ts'
import type { ConnectionState } from '../stomp/line.ts'
import { secretNames } from '../stomp/profile.ts'
import { causeWords } from '../stomp/refusal.ts'
import { maskUrl } from '../stomp/secrets.ts'
import type { Tab } from '../stomp/workspace.ts'
import { Button } from '../ui/button.tsx'
import { formatSeconds } from '../ui/format.ts'
import { Notice } from '../ui/notice.tsx'
import { NextAttempt } from './next-attempt.tsx'
import { RefusalDetails } from './refusal-details.tsx'
import { RoundTripChart } from './round-trip-chart.tsx'
import { SilenceNote, troubleOf } from './silence.tsx'
import { StateButton } from './state-button.tsx'
import { WhoAmI } from './who-am-i.tsx'

const STATES: Readonly<Record<ConnectionState, string>> = {
  idle: 'Not connected',
  connecting: 'Connecting…',
  connected: 'Connected',
  closing: 'Disconnecting…',
  waiting: 'Connection lost',
  closed: 'Disconnected',
}

export interface ConnectionCardProps {
  readonly tab: Tab
  /** Shows a record in the console, by its number. */
  readonly onShow: (seq: number) => void
}

export function ConnectionCard({ tab, onShow }: ConnectionCardProps) {
  const { connection, isSettingUp } = tab
  const state = connection.state.value
  const { current, hasChanges } = connection
  const url = maskUrl(current.value.url, secretNames(current.value))
  const actions = useRef<HTMLDivElement>(null)
  const trouble = troubleOf(connection)
  return (
    <section class="connection-card" aria-label="Connection" data-state={trouble === undefined ? state : 'doubtful'}>
      <div class="connection-head">
        <p class="connection-state" role="status">
          <span class="connection-dot" aria-hidden="true" />
          {trouble ?? STATES[state]}
        </p>
        <div class="connection-actions" ref={actions}>
          <Button kind="quiet" onClick={() => (isSettingUp.value = true)}>
            Settings
          </Button>
          <StateButton tab={tab} />
        </div>
      </div>
      <p class="connection-url mono" title={url}>
        {url}
      </p>
      {hasChanges.value && (
        <p class="connection-unwatched">The settings have changed. They count from the next time that you connect.</p>
      )}
      <Agreed connection={connection} />
      <SilenceNote connection={connection} />
      <WhoAmI connection={connection} />
      <Trouble connection={connection} state={state} onShow={onShow} />
      {state === 'waiting' && <NextAttempt connection={connection} actions={actions} />}
      {state === 'connected' && current.value.mode === 'stomp' && <RoundTripChart connection={connection} />}
    </section>
  )
}

function Agreed({ connection }: { readonly connection: Connection }) {
  const agreement = connection.agreement.value
  if (!agreement) return null
  const { version, server, subProtocol, heartBeat } = agreement
  const beat = (ms: number) => (ms === 0 ? 'none' : formatSeconds(ms))
  return (
    <dl class="connection-facts">
      <Fact name="STOMP" value={version} />
      {server !== undefined && <Fact name="Server" value={server} />}
      <Fact name="Sub-protocol" value={subProtocol || 'none'} />
      <Fact name="Heart-beats" value={`out ${beat(heartBeat.outgoingMs)}, in ${beat(heartBeat.incomingMs)}`} />
    </dl>
  )
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

interface TroubleProps {
  readonly connection: Connection
  readonly state: ConnectionState
  readonly onShow: (seq: number) => void
}

function Trouble({ connection, state, onShow }: TroubleProps) {
  const problem = connection.problem.value
  return (
    <>
      {problem !== undefined && state !== 'connected' && (
        <p class="connection-problem" role="alert">
          {problem}
        </p>
      )}
      {state === 'connected' && <GoingOn connection={connection} />}
      {state !== 'connected' && (
        <RefusalDetails connection={connection} onConnect={() => connection.connect()} onShow={onShow} />
      )}
    </>
  )
}

/** Some servers send an ERROR and do not close. */
function GoingOn({ connection }: { readonly connection: Connection }) {
  const refusal = connection.refusal.value
  if (!refusal || !connection.hasGoneOn.value) return null
  return (
    <div class="refusal">
      <Notice kind="warning" onDismiss={() => connection.forgetRefusal()}>
        The server sent an ERROR, and the session goes on: {refusal.message}. {causeWords(refusal)} {refusal.details}
      </Notice>
    </div>
  )
}
