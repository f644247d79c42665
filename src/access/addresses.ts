/**
 * Owns the addresses of somebody: between what a client writes (`/user/queue/x`: mine) and the destination that names
 * whose it is (`/user/alice/queue/x`). Pure text; who may subscribe or send is asked elsewhere.
 */
import { encodeSegment, isPattern } from '../destinations.ts'
import { quoted } from '../errors.ts'

/** Whom a destination reaches: one user, one session, the members of a group, or whoever has subscribed. */
export type AddressKind = 'user' | 'session' | 'group' | 'plain'

/** What a client means by the destination that it subscribes. */
export interface Address {
  readonly kind: AddressKind
  /** Where messages to it go, as backends and other nodes know it. */
  readonly internal: string
}

/** Who subscribes; a user's sessions share an address, an anonymous client has only that of its session. */
export interface Addressee {
  readonly user: string | undefined
  readonly session: string
}

const OWN_QUEUE = /^\/(user|session)\/queue((?:\/[^/]+)+)$/
const INTERNAL_QUEUE = /^\/(user|session)\/([^/]+)\/queue((?:\/[^/]+)+)$/
const GROUP = /^\/group\/([^/]+)((?:\/[^/]+)+)$/

/** Returns the first segment of a destination if it is one of an address. */
export function addressRoot(destination: string): 'user' | 'session' | 'group' | undefined {
  const root = /^\/(user|session|group)(?:\/|$)/.exec(destination)?.[1]
  return root as 'user' | 'session' | 'group' | undefined
}

/**
 * Returns the address of what a client subscribes, or undefined if nobody can subscribe that: somebody else's queue, a
 * pattern of queues, an empty segment. Membership of a group is not looked at.
 */
export function subscribedAddress(destination: string, addressee: Addressee): Address | undefined {
  const root = addressRoot(destination)
  if (root === undefined) return { kind: 'plain', internal: destination }
  if (root === 'group') {
    return groupOf(destination) === undefined ? undefined : { kind: 'group', internal: destination }
  }
  const rest = ownQueue(destination)
  if (rest === undefined) return undefined
  const owner = root === 'user' ? addressee.user : undefined
  return owner === undefined
    ? { kind: 'session', internal: `/session/${encodeSegment(addressee.session)}/queue${rest}` }
    : { kind: 'user', internal: `/user/${encodeSegment(owner)}/queue${rest}` }
}

/** Returns what follows `/user/queue` or `/session/queue` in the name of a client's own queue, from the slash on. */
export function ownQueue(destination: string): string | undefined {
  return isPattern(destination) ? undefined : OWN_QUEUE.exec(destination)?.[2]
}

/** Returns the encoded group of a well-formed `/group/{group}/…`; what follows the group may be a pattern. */
export function groupOf(destination: string): string | undefined {
  const group = GROUP.exec(destination)?.[1]
  return group === undefined || nameProblem(group) !== undefined ? undefined : group
}

/**
 * Returns the destination that a MESSAGE shows for an internal one. `asUser`: an anonymous client has subscribed its
 * session's queue as `/user/queue/x`.
 */
export function shownDestination(internal: string, asUser = false): string {
  const [, root, , rest] = INTERNAL_QUEUE.exec(internal) ?? []
  return root === undefined ? internal : `/${asUser ? 'user' : root}/queue${rest}`
}

/**
 * Why nothing can be sent to this internal destination, as a phrase that continues its name (`must …`); undefined if it
 * is a well-formed address, and for every destination that is none.
 */
export function addressProblem(destination: string): string | undefined {
  const root = addressRoot(destination)
  if (root === undefined) return undefined
  const form = root === 'group' ? '/group/{name}/…' : `/${root}/{name}/queue/…`
  const name = destination.split('/', 3)[2]
  if (name === undefined || name === '') return `must have the form ${form}`
  const problem = nameProblem(name)
  if (problem !== undefined) return `must have its ${root} name percent-encoded: ${quoted(name)} ${problem}`
  if (isPattern(destination)) return 'must not be a pattern'
  const isWellFormed = (root === 'group' ? GROUP : INTERNAL_QUEUE).test(destination)
  return isWellFormed ? undefined : `must have the form ${form}, with no empty segment`
}

/** Why this is no name as destinations hold it, as a phrase that continues it; undefined if it is one. */
export function nameProblem(encoded: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(encoded)) return 'has "%" without two hex digits: "%" itself is written %25'
  try {
    const written = encodeSegment(decodeURIComponent(encoded))
    return written === encoded ? undefined : `is written ${quoted(written)}`
  } catch {
    return 'has escapes that are not UTF-8' // all that decoding complains about
  }
}
