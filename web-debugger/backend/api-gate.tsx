/**
 * Stands in the place of what needs the debug API while that cannot be used: says why not and what to do, and asks for
 * the token where one is needed.
 */
import { useSignal } from '@preact/signals'
import type { BridgeWatch } from '../api/bridge-watch.ts'
import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { TextInput } from '../ui/text-input.tsx'

const SETTING = 'debugger:\n  api: on'
const VARIABLE = 'STOMP_BRIDGE_DEBUGGER_API=on npm start'

export interface ApiGateProps {
  readonly watch: BridgeWatch
  /** What cannot be done without the API, as the beginning of a sentence. */
  readonly what: string
}

/** Is there something to show? While the bridge is away, what was known last is worth more than an empty page. */
export function isApiUsable({ access, bridge }: BridgeWatch): boolean {
  return access.value === 'on' || (access.value === 'unreachable' && bridge.value !== undefined)
}

export function ApiGate({ watch, what }: ApiGateProps) {
  const { access, problem } = watch
  switch (access.value) {
    case 'on':
      return null
    case 'unknown':
      return <EmptyState title="Asking the bridge…" text="This takes a moment." />
    case 'off':
      return <ApiIsOff what={what} />
    case 'token-needed':
    case 'token-wrong':
      return <TokenForm watch={watch} what={what} />
    case 'refused':
      return <EmptyState title="The bridge refuses this page" text={problem.value?.message ?? ''} />
    case 'unreachable':
      return (
        <EmptyState title="The bridge does not answer" text={problem.value?.message ?? ''}>
          <Button onClick={() => void watch.refresh()}>Try again</Button>
        </EmptyState>
      )
  }
}

function ApiIsOff({ what }: { readonly what: string }) {
  return (
    <div class="api-off">
      <p class="empty-title">The debug API of this bridge is off</p>
      <p class="muted">
        {what} needs it. It comes on by itself only for a bridge that listens on this machine alone and has no
        configuration file. To turn it on, add this to its configuration and restart:
      </p>
      <div class="command-box">
        <pre>{SETTING}</pre>
        <CopyButton label="Copy setting" text={() => SETTING} />
      </div>
      <p class="muted">Or start it with the setting in the environment:</p>
      <div class="command-box">
        <pre>{VARIABLE}</pre>
        <CopyButton label="Copy command" text={() => VARIABLE} />
      </div>
      <p class="field-hint">
        A bridge that other machines can reach wants <code>debugger.token</code> too: a secret of 16 characters or more,
        which this page will ask for.
      </p>
    </div>
  )
}

function TokenForm({ watch, what }: { readonly watch: BridgeWatch; readonly what: string }) {
  const text = useSignal('')
  const isWrong = watch.access.value === 'token-wrong'
  const save = () => {
    if (text.value.trim() === '') return
    watch.token.value = text.value.trim()
    void watch.refresh()
  }
  return (
    <form
      class="token-form"
      onSubmit={(event) => {
        event.preventDefault()
        save()
      }}
    >
      <p class="empty-title">The debug API wants its token</p>
      <p class="muted">
        {what} needs it. It is the value of <code>debugger.token</code> in the configuration of the bridge.
      </p>
      <TextInput
        label="Token"
        type="password"
        value={text}
        mono
        onEnter={save}
        error={isWrong ? 'The bridge does not accept this token. Check it and enter it again.' : undefined}
        hint="Kept in this tab only, until you close it."
      />
      <div>
        <Button kind="primary" type="submit" disabled={text.value.trim() === ''}>
          Use token
        </Button>
      </div>
    </form>
  )
}
