/** What stands before the keys of one client. Two clients never have the same, and none has one of the bridge's own. Pure text. */
import { encodeSegment } from '../destinations.ts'

/** Who it is. */
export interface KeyOwner {
  readonly user: string | undefined
  readonly session: string
}

/** What names of keys begin with that are not of clients: a user may have such a name. */
const TAKEN: readonly string[] = ['stomp-bridge', 'queue', 'user', 'group', 'session', 'broadcast', 'topic', 'app']
const SESSION_ID = /^[0-9a-z]+-\d+$/

/** Returns the prefix. `template`: has `{user}` once. An anonymous client has the id of its session. */
export function keyPrefixFor(template: string, { user, session }: KeyOwner): string {
  const name = user === undefined ? session : userName(user)
  return template.replace('{user}', () => name)
}

function userName(user: string): string {
  const encoded = encodeSegment(user)
  // No name is encoded so otherwise, so these are nobody else's.
  if (TAKEN.includes(encoded)) return `%${encoded.charCodeAt(0).toString(16).toUpperCase()}${encoded.slice(1)}`
  return SESSION_ID.test(encoded) ? encoded.replace('-', '%2D') : encoded
}
