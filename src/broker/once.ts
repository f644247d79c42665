/** Names for what is to be published once, made of what its sender calls it. */
import { createHash } from 'node:crypto'

/** Longest name that a sender may give, in characters. */
export const MAX_ONCE_LENGTH = 128

/** Why a sender cannot call it so, as a phrase that continues the name of the header; undefined if it can. */
export function onceProblem(key: string): string | undefined {
  // One that is short enough in UTF-16 is so in characters; only others are counted.
  const characters = key.length <= MAX_ONCE_LENGTH ? key.length : [...key].length
  return characters >= 1 && characters <= MAX_ONCE_LENGTH ? undefined : `must have 1 to ${MAX_ONCE_LENGTH} characters`
}

/**
 * Returns a name that only the same sender gives for the same destination. `sender`: undefined for all who are anonymous.
 * `content`: where one key is for several messages, what tells this one from the others.
 */
export function onceName(sender: string | undefined, destination: string, key: string, content?: string): string {
  const parts = content === undefined ? [sender, destination, key] : [sender, destination, key, content]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}
