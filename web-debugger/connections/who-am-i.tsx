/** Who the server takes this connection for, until when, and a form to go on for longer with a new token. */
import { useSignal } from '@preact/signals'
import type { Agreement } from '../stomp/agreement.ts'
import type { Connection } from '../stomp/connection.ts'
import type { Expiry } from '../stomp/renewal.ts'
import { Button } from '../ui/button.tsx'
import { formatClock, formatDuration } from '../ui/format.ts'
import { Notice } from '../ui/notice.tsx'
import { TextInput } from '../ui/text-input.tsx'
import { useSeconds } from './use-seconds.ts'

/** This bridge always says who somebody is; of others it is not known what silence means. */
function isBridge({ server }: Agreement): boolean {
  return server?.startsWith('stomp-bridge/') ?? false
}

function userText(agreement: Agreement): string {
  return agreement.user ?? (isBridge(agreement) ? 'anonymous' : 'not told')
}

export function WhoAmI({ connection }: { readonly connection: Connection }) {
  const agreement = connection.agreement.value
  const isRenewing = useSignal(false)
  // What somebody types does not go with the session, or the rest of it would be shortcuts.
  if (!agreement && !isRenewing.value) return null
  const { renewal } = connection
  const expiry = renewal.expiry.value
  // Another server has no such thing; who is anonymous cannot become somebody.
  const canRenew = !agreement || (isBridge(agreement) && agreement.user !== undefined)
  return (
    <div class="who">
      <div class="who-line">
        <p>
          <span>
            <span class="who-label">User</span>{' '}
            <strong class="who-name">{agreement ? userText(agreement) : 'no session'}</strong>
          </span>
          {expiry && <ExpiryText expiry={expiry} />}
        </p>
        {canRenew && (
          <Button kind="quiet" pressed={isRenewing.value} onClick={() => (isRenewing.value = !isRenewing.value)}>
            Renew…
          </Button>
        )}
      </div>
      {canRenew && isRenewing.value && <RenewForm connection={connection} onDone={() => (isRenewing.value = false)} />}
    </div>
  )
}

function ExpiryText({ expiry: { atMs, source } }: { readonly expiry: Expiry }) {
  const now = useSeconds(atMs !== undefined)
  const isOwn = source === 'token'
  if (atMs === undefined) {
    return <span class="who-expiry">{isOwn ? 'The token does not say when it expires.' : 'Does not expire.'}</span>
  }
  const leftMs = atMs - now
  const when = leftMs > 0 ? `expires in ${formatDuration(leftMs)}` : `expired ${formatDuration(-leftMs)} ago`
  return (
    <span class={leftMs > 0 ? 'who-expiry tabular' : 'who-expiry who-expired tabular'}>
      Token {when}, at {formatClock(atMs)}.{' '}
      {isOwn ? 'Read from the token here, not checked.' : 'The bridge said so when it was renewed.'}
    </span>
  )
}

function RenewForm({ connection, onDone }: { readonly connection: Connection; readonly onDone: () => void }) {
  const { renewal } = connection
  const state = renewal.state.value
  const expiry = renewal.expiry.value
  const send = () => void connection.renew()
  return (
    <form
      class="who-form"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <TextInput
        label="New token"
        value={renewal.token}
        type="password"
        mono
        error={state === 'failed' ? renewal.problem.value : undefined}
        hint="Of the same user. Sent to /bridge/renew; reconnecting uses it too."
        onEnter={send}
      />
      <div>
        <Button kind="primary" type="submit" disabled={state === 'waiting' || renewal.token.value.trim() === ''}>
          {state === 'waiting' ? 'Renewing…' : 'Renew session'}
        </Button>
      </div>
      {state === 'done' && (
        <Notice kind="success" onDismiss={onDone}>
          {expiry?.atMs === undefined
            ? 'Renewed. The receipt names no end.'
            : `Renewed. The receipt says: expires ${Math.floor(expiry.atMs / 1000)}, which is ${formatClock(expiry.atMs)}.`}
        </Notice>
      )}
    </form>
  )
}
