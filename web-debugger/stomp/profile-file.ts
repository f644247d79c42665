/** Profiles as a file, which a person exports and others import; also read by the commands of the bridge. */
import { createProfile, readProfile, withoutSecrets, type Profile } from './profile.ts'

const FORMAT = 'stomp-bridge-debugger-profiles'

/** Returns the text of a file, without secrets. */
export function writeProfiles(profiles: readonly Profile[]): string {
  return `${JSON.stringify({ format: FORMAT, version: 1, profiles: profiles.map(withoutSecrets) }, undefined, 2)}\n`
}

/** Returns the profiles of such a file, of a list, or the one that the text is; none where it is something else. */
export function readProfiles(text: string): Profile[] {
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
