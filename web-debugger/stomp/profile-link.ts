/** A profile in the fragment of a link, which browsers send to no server. Never with a secret. */
import { createProfile, readProfile, withoutSecrets, type Profile } from './profile.ts'

const PREFIX = 'profile='

/** The fragment, without `#`. Fields that have their usual value are left out. */
export function toFragment(profile: Profile): string {
  const usual: Readonly<Record<string, unknown>> = { ...createProfile('') }
  const entries = Object.entries(withoutSecrets(profile)).filter(
    ([field, value]) => field === 'url' || JSON.stringify(value) !== JSON.stringify(usual[field]),
  )
  const bytes = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)))
  const base64 = btoa(String.fromCharCode(...bytes))
  return PREFIX + base64.replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
}

/** The profile of a fragment, with or without `#`; undefined if there is none. */
export function fromFragment(fragment: string): Profile | undefined {
  const text = fragment.replace(/^#/, '')
  if (!text.startsWith(PREFIX)) return undefined
  try {
    const binary = atob(text.slice(PREFIX.length).replace(/-/g, '+').replace(/_/g, '/'))
    const json = new TextDecoder().decode(Uint8Array.from(binary, (unit) => unit.charCodeAt(0)))
    const profile = readProfile(JSON.parse(json), createProfile(''))
    return profile && withoutSecrets(profile)
  } catch {
    // A link that was cut, or is not ours.
    return undefined
  }
}
