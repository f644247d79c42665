/** Looks at what an authenticator says before anybody believes it: they are written by others, too, also without types. */
import type { LoginReason } from '../metrics.ts'
import type { Verdict } from './authenticator.ts'
import type { Identity } from './identity.ts'
import { isUserName } from './user-name.ts'

/** Halves of a surrogate pair: no encoding can carry them. */
const BROKEN_TEXT = /\p{Cs}/u

/** Is it one of the three things that may be said? An object without `user` is not: that must not pass for an anonymous one. */
export function isVerdict(value: unknown): value is Verdict {
  return value === 'refused' || value === 'not-mine' || isIdentity(value)
}

/** Why this identity may not come in; undefined if it may. `now`: in seconds since 1970. */
export function faultOf(
  { user, expiresAt }: Identity,
  { now, toleranceSeconds }: { now: number; toleranceSeconds: number },
): LoginReason | undefined {
  if (user !== undefined && !isUserName(user)) return 'user-name'
  if (expiresAt !== undefined && expiresAt + toleranceSeconds <= now) return 'expired'
  return undefined
}

function isIdentity(value: unknown): value is Identity {
  if (typeof value !== 'object' || value === null || !('user' in value)) return false
  const { user, groups, claims, expiresAt, tokenId } = value as Record<keyof Identity, unknown>
  return (
    isTextOrMissing(user) &&
    (groups === undefined || (Array.isArray(groups) && groups.every(isGroup))) &&
    (claims === undefined || (typeof claims === 'object' && claims !== null && !Array.isArray(claims))) &&
    (expiresAt === undefined || Number.isFinite(expiresAt)) &&
    isTextOrMissing(tokenId)
  )
}

function isTextOrMissing(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

function isGroup(value: unknown): boolean {
  return typeof value === 'string' && !BROKEN_TEXT.test(value)
}
