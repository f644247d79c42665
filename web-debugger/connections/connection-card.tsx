/** How the connection is: connected to what, since when agreed on what, or why not and what happens next. */
import type { Connection } from '../stomp/connection.ts'
import type { ConnectionState } from '../stomp/line.ts'
import { maskUrl } from '../stomp/secrets.ts'
import type { Tab } from '../stomp/workspace.ts'
import { Button } from '../ui/button.tsx'
import { RoundTripChart } from './round-trip-chart.tsx'
import { useSeconds } from './use-seconds.ts'
import { WhoAmI } from './who-am-i.tsx'

const STATES: Readonly<Record<ConnectionState, string>> = {
  idle: 'Not connected',
  connecting: 'Connecting…',
  connected: 'Connected',
  closing: 'Disconnecting…',
  waiting: 'Connection lost',
  closed: 'Disconnected',
}

export function ConnectionCard({ tab }: { readonly tab: Tab }) {
  const { connection, isSettingUp } = tab
  const state = connection.state.value
  const url = maskUrl(connection.profile.url.value, connection.secretNames)
  return (
    <section class="connection-card" aria-label="Connection" data-state={state}>
      <div class="connection-head">
        <p class="connection-state" role="status">
          <span class="connection-dot" aria-hidden="true" />
          {STATES[state]}
        </p>
        <div class="connection-actions">
          <Button kind="quiet" onClick={() => (isSettingUp.value = true)}>
            Settings
          </Button>
          <StateButton connection={connection} state={state} />
        </div>
      </div>
      <p class="connection-url mono" title={url}>
        {url}
      </p>
      <Agreed connection={connection} />
      <WhoAmI connection={connection} />
      <Trouble connection={connection} state={state} />
      {state === 'connected' && connection.profile.mode.value === 'stomp' && <RoundTripChart connection={connection} />}
    </section>
  )
}

function StateButton({ connection, state }: { readonly connection: Connection; readonly state: ConnectionState }) {
  if (state === 'idle' || state === 'closed') {
    return (
      <Button kind="primary" onClick={() => connection.connect()}>
        Connect
      </Button>
    )
  }
  const words = { connecting: 'Stop', waiting: 'Stop', closing: 'Close now', connected: 'Disconnect' }
  return <Button onClick={() => connection.disconnect()}>{words[state]}</Button>
}

function Agreed({ connection }: { readonly connection: Connection }) {
  const agreement = connection.agreement.value
  if (!agreement) return null
  const { version, server, subProtocol, heartBeat } = agreement
  const beat = (ms: number) => (ms === 0 ? 'none' : `${ms / 1000} s`)
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

function Trouble({ connection, state }: { readonly connection: Connection; readonly state: ConnectionState }) {
  const problem = connection.problem.value
  return (
    <>
      {problem !== undefined && state !== 'connected' && (
        <p class="connection-problem" role="alert">
          {problem}
        </p>
      )}
      {state === 'waiting' && <NextAttempt connection={connection} />}
    </>
  )
}

function NextAttempt({ connection }: { readonly connection: Connection }) {
  const now = useSeconds()
  const atMs = connection.nextAttemptAtMs.value
  if (atMs === undefined) return null
  const seconds = Math.max(0, Math.ceil((atMs - now) / 1000))
  return (
    <p class="connection-next">
      Next attempt {seconds === 0 ? 'now' : `in ${seconds} s`}
      <Button kind="quiet" onClick={() => connection.connect()}>
        Try now
      </Button>
    </p>
  )
}
