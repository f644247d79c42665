/** What is known of a connection that seems to be there: whether the server is heard, and how a loss would be noticed. */
import type { Connection } from '../stomp/connection.ts'
import { formatSeconds } from '../ui/format.ts'
import { useSeconds } from './use-seconds.ts'

/** Why "Connected" would say too much, in two words; undefined if there is no doubt. */
export function troubleOf(connection: Connection): string | undefined {
  if (connection.state.value !== 'connected') return undefined
  if (connection.heartBeats.liveness.value === 'late') return 'Heart-beat missed'
  return connection.isCutOff ? 'Computer offline' : undefined
}

export function SilenceNote({ connection }: { readonly connection: Connection }) {
  if (connection.state.value !== 'connected') return null
  const liveness = connection.heartBeats.liveness.value
  return (
    <>
      {connection.isCutOff && (
        <p class="connection-doubt">The browser says that this computer is offline. The server may be out of reach.</p>
      )}
      {liveness === 'late' && <LateNote connection={connection} />}
      {liveness === 'unwatched' && <p class="connection-unwatched">No heart-beat: a silent loss cannot be noticed.</p>}
    </>
  )
}

function LateNote({ connection: { heartBeats } }: { readonly connection: Connection }) {
  const now = useSeconds()
  const silentMs = Math.max(0, now - heartBeats.heardAtMs)
  return (
    <p class="connection-doubt tabular">
      Nothing from the server for {formatSeconds(silentMs)}; agreed was a heart-beat every{' '}
      {formatSeconds(heartBeats.everyMs)}. After {formatSeconds(heartBeats.lostAfterMs)} the connection counts as lost.
    </p>
  )
}
