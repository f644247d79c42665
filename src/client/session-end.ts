/** What the log says of a session that ends with an error, whatever protocol it speaks. */
import type { ErrorDescription } from '../errors.ts'
import type { Log } from '../log.ts'

export function logSessionEnd(log: Log, session: string, error: unknown, { code, message }: ErrorDescription): void {
  if (code === 'internal') log.error({ session, error }, 'Internal error in a session')
  else log.info({ session, code, reason: message }, 'A session ends with an error')
}
