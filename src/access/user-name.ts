/** What may be the name of a user. */

/** Control characters; and halves of a surrogate pair, which no encoding can carry. */
const UNFIT = /[\p{Cc}\p{Cs}]/u

/** Longest name, in characters: as OpenID Connect has it for `sub` (Core 1.0, section 2). A destination has to hold it. */
export const MAX_USER_NAME = 255

/** Can it stand in a destination, a header and a log line? */
export function isUserName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_USER_NAME && !UNFIT.test(value)
}
