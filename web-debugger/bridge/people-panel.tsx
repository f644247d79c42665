/** Users of the bridge on all nodes: page through them, look at the sessions of one, end them, revoke what lets them in. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { ApiKeyField } from '../backend/api-key-field.tsx'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { formatCount } from '../ui/format.ts'
import { Notice } from '../ui/notice.tsx'
import { Panel } from '../ui/panel.tsx'
import { TextInput } from '../ui/text-input.tsx'
import { EndingDialog, type Ending } from './ending-dialog.tsx'
import type { People } from './people.ts'
import { UserDetails } from './user-details.tsx'

export interface PeoplePanelProps {
  readonly people: People
  /** May anyone do anything here? Undefined if that is not known. */
  readonly isOpen: boolean | undefined
}

export function PeoplePanel({ people, isOpen }: PeoplePanelProps) {
  if (isOpen) {
    return (
      <Panel title="Users">
        <EmptyState
          title="Nobody has a name here"
          text="This bridge is open: who connects is not asked who it is. With access in its configuration its users are listed here."
        />
      </Panel>
    )
  }
  return <GuardedPeople people={people} />
}

function GuardedPeople({ people }: { readonly people: People }) {
  const { apiKey, problem, done, isKeyWrong } = people
  const ending = useSignal<Ending | undefined>(undefined)
  const isAsking = useSignal(false)
  useEffect(() => people.start(), [people])
  const ask = (what: Ending) => {
    ending.value = what
    isAsking.value = true
  }
  const hasKey = apiKey.value !== ''
  return (
    <Panel
      title="Users"
      actions={
        hasKey && !isKeyWrong.value ? (
          <Button kind="quiet" onClick={() => ask({ kind: 'revoke-token' })}>
            Revoke a token…
          </Button>
        ) : undefined
      }
    >
      <ApiKeyField
        apiKey={apiKey}
        isWrong={isKeyWrong.value}
        what="To see users it takes the scope read, to end sessions the scope admin:"
      />
      {hasKey && problem.value !== undefined && !isKeyWrong.value && (
        <Notice kind="error">
          {problem.value}
          <div class="notice-action">
            <Button kind="quiet" onClick={() => void people.refresh()}>
              Try again
            </Button>
          </div>
        </Notice>
      )}
      {done.value && (
        <Notice kind={done.value.isOk ? 'success' : 'error'} onDismiss={() => (done.value = undefined)}>
          {done.value.text}
        </Notice>
      )}
      {hasKey && people.page.value && (
        <div class="people">
          <UserList people={people} />
          <UserDetails people={people} onEnd={ask} />
        </div>
      )}
      <EndingDialog people={people} ending={ending.value} isOpen={isAsking} />
    </Panel>
  )
}

function UserList({ people }: { readonly people: People }) {
  const { search, page, pageNumber, chosen } = people
  const { users, next } = page.value!
  const isSearching = search.value.trim() !== ''
  const lookUp = () => {
    if (isSearching) void people.choose(search.value.trim())
  }
  return (
    <div class="people-list-box">
      <div class="people-search">
        <TextInput
          label="Search users"
          hideLabel
          type="search"
          value={search}
          placeholder="Beginning of a name"
          onEnter={lookUp}
        />
        <Button onClick={lookUp} disabled={!isSearching} title="Show the user of exactly this name, connected or not">
          Look up
        </Button>
      </div>
      {users.length === 0 ? (
        isSearching ? (
          <EmptyState title="Nobody of such a name" text="No connected user’s name begins so, in this spelling." />
        ) : (
          <EmptyState
            title="No users"
            text="Nobody is connected under a name. Anonymous sessions are not listed here."
          />
        )
      ) : (
        <ul class="people-list" aria-label="Users">
          {users.map(({ user, sessions }) => (
            <li key={user}>
              <button
                type="button"
                class="people-item"
                aria-pressed={chosen.value?.user === user}
                onClick={() => void people.choose(user)}
              >
                <span class="people-name">{user}</span>
                <Badge>
                  {formatCount(sessions)} {sessions === 1 ? 'session' : 'sessions'}
                </Badge>
              </button>
            </li>
          ))}
        </ul>
      )}
      {(next !== undefined || pageNumber.value > 1) && (
        <div class="people-pages">
          <Button kind="quiet" disabled={pageNumber.value === 1} onClick={() => void people.previousPage()}>
            Previous page
          </Button>
          <span class="tabular muted">Page {formatCount(pageNumber.value)}</span>
          <Button kind="quiet" disabled={next === undefined} onClick={() => void people.nextPage()}>
            Next page
          </Button>
        </div>
      )}
    </div>
  )
}
