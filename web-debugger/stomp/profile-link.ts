/** A profile in the fragment of a link, which browsers send to no server. Never with a secret. */
import { toBase64 } from './body.ts'
import { createProfile, readProfile, withoutSecrets, type Profile } from './profile.ts'

const PREFIX = 'profile='
/** No profile that somebody typed is so long; one that is would only be in the way. */
const MAX_LENGTH = 16_384

/**
 * The fragment, without `#`. Fields that have their usual value are left out; messages, and then subscriptions, where
 * they would make it too long.
 */
export function toFragment(profile: Profile): string {
  const full = fragmentOf(profile)
  if (full.length <= MAX_LENGTH) return full
  const shorter = fragmentOf({ ...profile, messages: [] })
  return shorter.length <= MAX_LENGTH ? shorter : fragmentOf({ ...profile, messages: [], subscriptions: [] })
}

function fragmentOf(profile: Profile): string {
  const usual: Readonly<Record<string, unknown>> = { ...createProfile('') }
  const entries = Object.entries(withoutSecrets(profile)).filter(
    ([field, value]) => field === 'url' || JSON.stringify(value) !== JSON.stringify(usual[field]),
  )
  const bytes = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)))
  return PREFIX + toBase64(bytes).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
}

/** Does the fragment mean to be a profile, whether it can be read or not? */
export function isProfileFragment(fragment: string): boolean {
  return fragment.replace(/^#/, '').startsWith(PREFIX)
}

/** The profile of a fragment, with or without `#`; undefined if there is none. */
export function fromFragment(fragment: string): Profile | undefined {
  const text = fragment.replace(/^#/, '')
  if (!text.startsWith(PREFIX) || text.length > MAX_LENGTH) return undefined
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
