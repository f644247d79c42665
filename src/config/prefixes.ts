/** Owns what lies below a prefix, and which destinations are those of users, groups and sessions whatever the prefixes are. */

/** No prefix may be one of these, or lie below. */
const RESERVED_PREFIXES = ['/user', '/group', '/session', '/presence', '/bridge']

/** One segment that is not empty; `{*rest}` could be more than one. */
const SEGMENT = String.raw`(?!\{\*)[^/]+`

/** As backends address them: `/user/alice/queue/x`. */
const RECEIVER = new RegExp(`^/(user/${SEGMENT}/queue|group/${SEGMENT}|session/${SEGMENT}/queue)/.`, 's')
/** As clients subscribe to their own: `/user/queue/x`. */
const OWN = new RegExp(`^/(user/queue|group/${SEGMENT}|session/queue)/.`, 's')

/** Returns the reserved prefix that this one is, or lies below. */
export function reservedPrefix(prefix: string): string | undefined {
  return RESERVED_PREFIXES.find((reserved) => prefix === reserved || prefix.startsWith(`${reserved}/`))
}

/** Is it, or is it a template of, the address of a user, a group or a session? */
export function isReceiver(destination: string): boolean {
  return RECEIVER.test(destination)
}

/** Is it what a client subscribes to for itself? */
export function isOwnAddress(destination: string): boolean {
  return OWN.test(destination)
}

/** Says whether a destination (or template of one) lies below one of the prefixes. */
export function isBelow(destination: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => destination.startsWith(`${prefix}/`) && destination.length > prefix.length + 1)
}
