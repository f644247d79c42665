/**
 * The saved profiles, in the browser's storage, and their JSON for files. Secrets stay out of both unless a profile says
 * otherwise. Another tab of the browser may save too: what is stored is read again before it is changed.
 */
import { signal, type ReadonlySignal } from '@preact/signals'
import { withoutTicket } from './credential.ts'
import type { KeyValueStore } from './environment.ts'
import { readProfiles, writeProfiles } from './profile-file.ts'
import { titleOf, withoutSecrets, type Profile } from './profile.ts'

const KEY = 'stomp-bridge.debugger.profiles'
/** More than anybody chooses from, and few enough to be shown and stored. */
const MAX_PROFILES = 500

export class ProfileStore {
  readonly #storage: KeyValueStore
  readonly #profiles = signal<readonly Profile[]>([])
  readonly #problem = signal<string | undefined>(undefined)
  /** False where the storage has refused: then this tab alone knows what there is. */
  #isStored = true

  constructor(storage: KeyValueStore) {
    this.#storage = storage
    this.#profiles.value = this.#load()
  }

  get profiles(): ReadonlySignal<readonly Profile[]> {
    return this.#profiles
  }

  /** Why the last change could not be kept. */
  get problem(): ReadonlySignal<string | undefined> {
    return this.#problem
  }

  /** Takes the place of the one with the same name. */
  save(profile: Profile): void {
    this.reload()
    const { isSavingSecrets, url } = profile
    this.#add([isSavingSecrets ? { ...profile, url: withoutTicket(url) } : withoutSecrets(profile)])
  }

  remove(name: string): void {
    this.reload()
    this.#keep(this.#profiles.value.filter((profile) => profile.name !== name))
  }

  /** Takes up what another tab of the browser has saved. */
  reload(): void {
    if (this.#isStored) this.#profiles.value = this.#load()
  }

  exportJson(): string {
    return writeProfiles(this.#profiles.value)
  }

  /**
   * Adds what the text holds. Returns how many; 0 with the reason in `problem`. Secrets in it are left out: that they may
   * be stored here is for the person to say, not for the file.
   */
  importJson(text: string): number {
    this.reload()
    const found = readProfiles(text)
    if (found.length === 0) {
      return this.#refuse('No profile found. The file should be one that "Export" has written here.')
    }
    if (found.length + this.#profiles.value.length > MAX_PROFILES) {
      return this.#refuse(`The file has ${found.length} profiles. At most ${MAX_PROFILES} can be saved here.`)
    }
    this.#add(found.map(withoutSecrets))
    return found.length
  }

  #refuse(problem: string): 0 {
    this.#problem.value = problem
    return 0
  }

  #add(profiles: readonly Profile[]): void {
    const byName = new Map(this.#profiles.value.map((profile) => [profile.name, profile]))
    for (const profile of profiles) {
      const name = titleOf(profile)
      // The newest is the last.
      byName.delete(name)
      byName.set(name, { ...profile, name })
    }
    this.#keep([...byName.values()])
  }

  #load(): readonly Profile[] {
    try {
      return readProfiles(this.#storage.getItem(KEY) ?? '[]')
    } catch {
      // A page may be forbidden to keep anything; then there is nothing saved.
      return []
    }
  }

  #keep(profiles: readonly Profile[]): void {
    this.#profiles.value = profiles
    try {
      this.#storage.setItem(KEY, JSON.stringify(profiles))
      this.#isStored = true
      this.#problem.value = undefined
    } catch {
      this.#isStored = false
      this.#problem.value = 'The browser does not let this page save: profiles last until it is closed. Export them.'
    }
  }
}
