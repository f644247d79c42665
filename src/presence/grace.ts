/** The time that presence takes, in milliseconds. */

/** Who is back within this time was never gone. */
export const GRACE_MS = 2000
/** For timers that come late, and the way to Redis and back. */
const SLACK_MS = 500

/** Returns the lease of a node: after it and the time to come back, the users of a killed node have left. */
export function leaseMs(ttlSeconds: number): number {
  return ttlSeconds * 1000 - GRACE_MS - SLACK_MS
}
