/**
 * What no rule has a say in: each gets its own. Own queues and groups are open to those they belong to and to nobody
 * else; presence is open where its destination is. An open bridge, which has no rules, has these too.
 */
import { groupOf, ownQueue } from './addresses.ts'
import type { Decision } from './decision.ts'
import { isPattern, watchedBy } from '../destinations.ts'
import type { Identity } from './identity.ts'
import { meet, parsePattern } from './patterns.ts'
import { Subject } from './subject.ts'

/** Where a session sends a new credential of its own. */
export const RENEW_DESTINATION = '/bridge/renew'

/** Nothing here is subscribed by a pattern that begins above it. */
const RESERVED = ['user', 'session', 'group', 'presence']
const RESERVED_PATTERNS = RESERVED.map((root) => parsePattern(`/${root}/**`))

const OWN_QUEUE = builtIn(true, 'everyone may subscribe to queues of their own')
const NOT_OWN_QUEUE = builtIn(
  false,
  'below /user and /session only /user/queue/… and /session/queue/… can be subscribed',
)
const OWN_GROUP = builtIn(true, 'the members of a group may subscribe to it')
const NOT_OWN_GROUP = builtIn(false, 'only the members of a group may subscribe to it')
const NO_GROUP = builtIn(false, 'a group is subscribed as /group/{name}/…, with its name percent-encoded')
const TOO_WIDE = builtIn(false, 'a pattern must not reach into /user, /session, /group or /presence')
const NO_PRESENCE = builtIn(false, 'presence is subscribed as /presence/…, with the exact name of a destination')
const RENEWAL = builtIn(true, 'everyone may renew the own credential')
const ONLY_SUBSCRIBED = builtIn(false, 'nobody sends to /presence')

function builtIn(allowed: boolean, reason: string): Decision {
  return { allowed, rule: undefined, reason }
}

/** Returns what is decided of a SUBSCRIBE before any rule; undefined where rules decide, on `ruledDestination`. */
export function builtInSubscribe(destination: string, subject: Subject): Decision | undefined {
  const root = firstSegment(destination)
  if (root === 'user' || root === 'session') return ownQueue(destination) === undefined ? NOT_OWN_QUEUE : OWN_QUEUE
  if (root === 'group') return groupDecision(destination, subject)
  if (root === 'presence') return presenceDecision(destination, subject)
  if (root !== undefined && !isPattern(root)) return undefined
  return isPattern(destination) && isTooWide(destination) ? TOO_WIDE : undefined
}

/** Returns what is decided of a SEND before any rule; undefined where rules decide. */
export function builtInSend(destination: string): Decision | undefined {
  if (destination === RENEW_DESTINATION) return RENEWAL
  // Asked for each SEND: no text is cut out of nearly all that are not meant.
  return destination.startsWith('/presence') && firstSegment(destination) === 'presence' ? ONLY_SUBSCRIBED : undefined
}

/** Returns the destination on which rules decide for a SUBSCRIBE to this one: for presence, that which is watched. */
export function ruledDestination(destination: string): string {
  return watchedBy(destination) ?? destination
}

/** Without rules: may this be subscribed? */
export function maySubscribeOpenly(identity: Identity, destination: string): boolean {
  return builtInSubscribe(destination, new Subject(identity))?.allowed ?? true
}

/** Without rules: may something be sent there? */
export function maySendOpenly(destination: string): boolean {
  return builtInSend(destination)?.allowed ?? true
}

function groupDecision(destination: string, subject: Subject): Decision {
  const group = groupOf(destination)
  if (group === undefined) return NO_GROUP
  return subject.groups.has(group) ? OWN_GROUP : NOT_OWN_GROUP
}

function presenceDecision(destination: string, subject: Subject): Decision | undefined {
  if (isPattern(destination)) return NO_PRESENCE
  const watched = ruledDestination(destination)
  const root = firstSegment(watched)
  if (root === 'group') return groupDecision(watched, subject)
  return root === undefined || root === '' || RESERVED.includes(root) ? NO_PRESENCE : undefined
}

/** Of `/first/…`; undefined for what does not begin with a slash. */
function firstSegment(destination: string): string | undefined {
  if (!destination.startsWith('/')) return undefined
  const end = destination.indexOf('/', 1)
  return destination.slice(1, end < 0 ? undefined : end)
}

function isTooWide(pattern: string): boolean {
  const segments = parsePattern(pattern)
  return RESERVED_PATTERNS.some((reserved) => meet(reserved, segments, { steps: 0 }))
}
