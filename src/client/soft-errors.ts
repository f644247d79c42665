/** Errors with which the session goes on: a MESSAGE to whoever has subscribed `/user/queue/errors`, and no RECEIPT. Of any protocol by which a client sends. */
import type { Client } from './client.ts'
import { ProtocolError, quoted } from '../errors.ts'
import type { HeaderPair } from '../headers.ts'
import type { Subscription } from './subscription.ts'

const ERRORS_QUEUE = '/user/queue/errors'

/** The value of CONNECT's header `errors` that asks for them. */
export const SOFT = 'soft'

/** Does the session go on after it? Over a rate it always does; what is not allowed only where that was asked for. */
export function isSoftError(error: unknown, isSoftSession: boolean): error is ProtocolError {
  if (!(error instanceof ProtocolError)) return false
  return error.code === 'rate-limited' || (isSoftSession && error.code === 'not-authorized')
}

/** `destination` and `receipt`: of the frame that was refused. */
export function tellSoftError(
  client: Client,
  { code, message, headers }: ProtocolError,
  destination: string,
  receipt: string | undefined,
): void {
  const pairs: HeaderPair[] = [
    ['code', code],
    ['refused-destination', destination],
    ['content-type', 'text/plain;charset=UTF-8'],
    ...Object.entries(headers),
  ]
  if (receipt !== undefined) pairs.push(['receipt-id', receipt])
  client.refused(code)
  client.sendOwn(ERRORS_QUEUE, pairs, message)
}

/** Subscriptions have ended, since the rules allow them no longer. Who is not soft ends with the first of them. */
export function tellDisallowed(client: Client, isSoftSession: boolean, ended: readonly Subscription[]): void {
  for (const { destination } of ended) {
    const text = `The rules have changed: you may no longer subscribe to ${quoted(destination)}`
    const error = new ProtocolError('not-authorized', text)
    if (!isSoftSession) return client.door.fail(error)
    tellSoftError(client, error, destination, undefined)
  }
}
