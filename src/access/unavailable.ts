/** The one answer to a login that cannot be judged now. It is never let in instead. */
import { ProtocolError } from '../errors.ts'

/** Seconds after which a client may ask again. */
const RETRY_AFTER_S = '5'

/** Returns what to throw. `cause` is for the log: it must hold no credential. */
export function loginUnavailable(cause: Error): ProtocolError {
  const headers = { 'retry-after': RETRY_AFTER_S }
  return new ProtocolError('auth-unavailable', 'The login cannot be checked now; try again later', headers, { cause })
}
