/** What may be the name of a user. */

/** Control characters; and halves of a surrogate pair, which no encoding can carry. */
const UNFIT = /[\p{Cc}\p{Cs}]/u

/** Can it stand in a destination, a header and a log line? */
export function isUserName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !UNFIT.test(value)
}
