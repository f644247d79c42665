/** The saved profiles, in the browser's storage, and their JSON for files. Secrets stay out of both unless a profile says otherwise. */
import { signal, type ReadonlySignal } from '@preact/signals'
import type { KeyValueStore } from './environment.ts'
import { createProfile, readProfile, titleOf, withoutSecrets, type Profile } from './profile.ts'

const KEY = 'stomp-bridge.debugger.profiles'
const FORMAT = 'stomp-bridge-debugger-profiles'

export class ProfileStore {
  readonly #storage: KeyValueStore
  readonly #profiles = signal<readonly Profile[]>([])
  readonly #problem = signal<string | undefined>(undefined)

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
    const kept = profile.isSavingSecrets ? profile : withoutSecrets(profile)
    const named = { ...kept, name: titleOf(profile) }
    const others = this.#profiles.value.filter(({ name }) => name !== named.name)
    this.#keep([...others, named])
  }

  remove(name: string): void {
    this.#keep(this.#profiles.value.filter((profile) => profile.name !== name))
  }

  exportJson(): string {
    const profiles = this.#profiles.value.map(withoutSecrets)
    return `${JSON.stringify({ format: FORMAT, version: 1, profiles }, undefined, 2)}\n`
  }

  /** Adds what the text holds. Gives how many; 0 with the reason in `problem`. */
  importJson(text: string): number {
    const found = readProfiles(text)
    if (found.length === 0) {
      this.#problem.value = 'No profile found. The file should be one that "Export" has written here.'
      return 0
    }
    this.#problem.value = undefined
    for (const profile of found) this.save(profile)
    return found.length
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
      this.#problem.value = undefined
    } catch {
      this.#problem.value = 'The browser does not let this page save: profiles last until it is closed. Export them.'
    }
  }
}

function readProfiles(text: string): Profile[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The caller says what was expected.
    return []
  }
  const list = Array.isArray(value) ? value : ((value as { profiles?: unknown } | null)?.profiles ?? [value])
  if (!Array.isArray(list)) return []
  return list.flatMap((each: unknown) => readProfile(each, createProfile('')) ?? [])
}
