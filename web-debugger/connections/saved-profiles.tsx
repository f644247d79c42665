/** Saved profiles: use one, save this one, carry them elsewhere as a file or a link. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { fillForm, readForm } from '../stomp/profile-form.ts'
import { toFragment } from '../stomp/profile-link.ts'
import { secretNames, titleOf, type Profile } from '../stomp/profile.ts'
import { withoutRenewals } from '../stomp/saved-work.ts'
import { maskUrl } from '../stomp/secrets.ts'
import type { Tab, Workspace } from '../stomp/workspace.ts'
import { announce } from '../ui/announce.ts'
import { Button } from '../ui/button.tsx'
import { Checkbox } from '../ui/checkbox.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { Icon } from '../ui/icon.tsx'
import { Notice } from '../ui/notice.tsx'
import { TextInput } from '../ui/text-input.tsx'
import { chooseFile, download } from './download.ts'

/** Far more than all profiles that can be saved. */
const MAX_FILE_BYTES = 8 * 1024 * 1024

export interface SavedProfilesProps {
  readonly workspace: Workspace
  readonly tab: Tab
}

export function SavedProfiles({ workspace, tab }: SavedProfilesProps) {
  const { connection } = tab
  const { store } = workspace
  const profiles = store.profiles.value
  const isSaving = useSignal(false)
  const hasWork = useSignal(false)
  const work = workOf(tab)
  const read = () => ({
    ...readForm(connection.profile),
    ...(hasWork.value ? work : { subscriptions: [], messages: [] }),
  })
  useEffect(() => {
    // Sent to a tab when another one has changed the storage.
    const reload = () => store.reload()
    addEventListener('storage', reload)
    return () => removeEventListener('storage', reload)
  }, [store])
  const save = () => {
    store.save(read())
    isSaving.value = false
    announce('Profile saved')
  }
  return (
    <section class="profiles" aria-label="Profiles">
      <div class="profiles-head">
        <h2>Profiles</h2>
        <div class="profiles-actions">
          <Button kind="quiet" pressed={isSaving.value} onClick={() => (isSaving.value = !isSaving.value)}>
            Save this one
          </Button>
          <CopyButton label="Copy link" text={() => linkTo(read())} />
          <Button kind="quiet" onClick={() => void importFile(workspace)}>
            Import
          </Button>
          <Button
            kind="quiet"
            disabled={profiles.length === 0}
            title="All profiles as JSON, without secrets"
            onClick={() => download('stomp-profiles.json', [store.exportJson()], 'application/json')}
          >
            Export
          </Button>
        </div>
      </div>
      {work.subscriptions.length + work.messages.length > 0 && (
        <Checkbox
          label={`With ${count(work.subscriptions.length, 'subscription')} and ${count(work.messages.length, 'message')}`}
          value={hasWork}
          hint="What is subscribed here, and what was sent, goes into the profile that you save and into the link. Secret headers do not."
        />
      )}
      {store.problem.value !== undefined && <Notice kind="error">{store.problem.value}</Notice>}
      {isSaving.value && (
        <div class="profiles-save">
          <TextInput
            label="Name"
            value={connection.profile.name}
            placeholder={titleOf({ name: '', url: connection.profile.url.value })}
            onEnter={save}
          />
          <Checkbox
            label="Save passcode and token too"
            value={connection.profile.isSavingSecrets}
            hint="In this browser, readable for whoever can use it. Never in exports and links."
          />
          <div>
            <Button kind="primary" onClick={save}>
              Save profile
            </Button>
          </div>
        </div>
      )}
      {profiles.length === 0 ? (
        <p class="field-hint">None saved yet. They stay in this browser; a link or an export carries them elsewhere.</p>
      ) : (
        <ul class="profiles-list">
          {profiles.map((profile) => (
            <ProfileItem key={profile.name} profile={profile} workspace={workspace} tab={tab} />
          ))}
        </ul>
      )}
    </section>
  )
}

function ProfileItem({ profile, workspace, tab: { connection } }: SavedProfilesProps & { readonly profile: Profile }) {
  const url = maskUrl(profile.url, secretNames(profile))
  return (
    <li class="profiles-item">
      <button
        type="button"
        class="profiles-use"
        title={url}
        onClick={() => {
          fillForm(connection.profile, profile)
          announce(`Filled in: ${profile.name}`)
        }}
      >
        <strong>
          <span class="visually-hidden">Use the profile </span>
          {profile.name}
        </strong>
        <span class="mono">{url}</span>
      </button>
      <Button
        kind="quiet"
        title={`Delete the profile ${profile.name}`}
        onClick={() => workspace.store.remove(profile.name)}
      >
        <Icon name="trash" />
      </Button>
    </li>
  )
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`
}

/** What a profile can bring along: of what is here, and of what it was filled in from. */
function workOf({ connection, sender }: Tab): Pick<Profile, 'subscriptions' | 'messages'> {
  const live = connection.subscriptions.value.map(({ destination, ack, headers }) => ({
    destination,
    ack,
    headers: headers.map(([name, value]) => ({ name, value })),
  }))
  const waiting = connection.profile.subscriptions.value
  const messages = sender.recent.value.flatMap(({ destination, headers, bodyKind, text }) =>
    bodyKind === 'file' ? [] : [{ destination, headers, bodyKind, text }],
  )
  return { subscriptions: [...live, ...waiting], messages: withoutRenewals(messages) }
}

function linkTo(profile: Profile): string {
  return `${location.origin}${location.pathname}#${toFragment(profile)}`
}

async function importFile({ store }: Workspace): Promise<void> {
  const file = await chooseFile('.json,application/json')
  if (!file) return
  // What is no text of such a size holds no profiles; the store says so.
  const text = file.size > MAX_FILE_BYTES ? '' : await file.text().catch(() => '')
  const count = store.importJson(text)
  if (count > 0) announce(count === 1 ? 'One profile imported' : `${count} profiles imported`)
}
