/** The second thought before sessions end: what exactly happens, and for how long. */
import { useSignal, type Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { formatDuration } from '../ui/format.ts'
import { TextInput } from '../ui/text-input.tsx'
import type { People } from './people.ts'

export type Ending =
  | { readonly kind: 'session'; readonly id: string; readonly user: string }
  | { readonly kind: 'user'; readonly user: string; readonly sessions: number }
  | { readonly kind: 'revoke-user'; readonly user: string }
  | { readonly kind: 'revoke-token' }

export interface EndingDialogProps {
  readonly people: People
  readonly ending: Ending | undefined
  readonly isOpen: Signal<boolean>
}

/** What the API takes. */
const MAX_SECONDS = 315_360_000

export function EndingDialog({ people, ending, isOpen }: EndingDialogProps) {
  const seconds = useSignal('3600')
  const tokenId = useSignal('')
  if (!ending) return null
  const count = Number(seconds.value)
  const isCount = Number.isInteger(count) && count >= 1 && count <= MAX_SECONDS
  const isRevocation = ending.kind === 'revoke-user' || ending.kind === 'revoke-token'
  const isReady = !isRevocation || (isCount && (ending.kind === 'revoke-user' || tokenId.value.trim() !== ''))
  const run = () => {
    isOpen.value = false
    void end(people, ending, count, tokenId.value.trim())
  }
  const { title, action, keep } = WORDS[ending.kind]
  return (
    <Dialog
      title={title}
      isOpen={isOpen}
      footer={
        <>
          <Button onClick={() => (isOpen.value = false)}>{keep}</Button>
          <Button kind="danger" disabled={!isReady} onClick={run}>
            {action}
          </Button>
        </>
      }
    >
      <p>{explain(ending)}</p>
      {ending.kind === 'revoke-token' && (
        <TextInput label="Id of the token" value={tokenId} mono hint="Its claim jti, not the token itself." />
      )}
      {isRevocation && (
        <TextInput
          label="For how many seconds"
          value={seconds}
          type="number"
          error={isCount ? undefined : `A whole number from 1 to ${MAX_SECONDS.toLocaleString('en')}`}
          hint={`That is ${formatDuration(count * 1000)}. Make it last until the tokens have expired.`}
        />
      )}
    </Dialog>
  )
}

const WORDS: Readonly<Record<Ending['kind'], { title: string; action: string; keep: string }>> = {
  session: { title: 'Close this session?', action: 'Close session', keep: 'Keep it' },
  user: { title: 'Close all sessions of this user?', action: 'Close all', keep: 'Keep them' },
  'revoke-user': { title: 'Revoke this user?', action: 'Revoke user', keep: 'Do not revoke' },
  'revoke-token': { title: 'Revoke a token?', action: 'Revoke token', keep: 'Do not revoke' },
}

function explain(ending: Ending): ComponentChildren {
  switch (ending.kind) {
    case 'session':
      return (
        <>
          The client of <code>{ending.id}</code> ({ending.user}) is told so and loses its connection. It may connect
          again, and most clients do by themselves.
        </>
      )
    case 'user':
      return (
        <>
          <strong>{ending.user}</strong> loses {ending.sessions === 1 ? 'one session' : `${ending.sessions} sessions`},
          on every node. The user may connect again.
        </>
      )
    case 'revoke-user':
      return (
        <>
          All sessions of <strong>{ending.user}</strong> end, on every node. Nobody gets in under this name until the
          time is over, also with a good credential. This page cannot take it back.
        </>
      )
    case 'revoke-token':
      return 'All sessions with this token end, on every node. It lets nobody in until the time is over. This page cannot take it back.'
  }
}

function end(people: People, ending: Ending, seconds: number, tokenId: string): Promise<void> {
  const time = formatDuration(seconds * 1000)
  switch (ending.kind) {
    case 'session':
      return people.closeSession(ending.id)
    case 'user':
      return people.closeUser(ending.user)
    case 'revoke-user':
      return people.revoke({ user: ending.user, seconds }, `${ending.user} is revoked for ${time}, on every node.`)
    case 'revoke-token':
      return people.revoke({ tokenId, seconds }, `The token ${tokenId} is revoked for ${time}, on every node.`)
  }
}
