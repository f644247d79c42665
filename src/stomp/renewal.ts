/** A session goes on with a new credential of the same user: SEND to `/bridge/renew`. */
import type { Header } from '../../frames/index.ts'
import type { Identity } from '../access/identity.ts'
import type { Client } from '../client/client.ts'
import { tellSoftError } from '../client/soft-errors.ts'
import type { Subscription } from '../client/subscription.ts'
import { ProtocolError } from '../errors.ts'

/**
 * From here on the client is who the new credential says. What it may no longer have ends: `onEnded` is called, and the
 * client is told. Returns the headers of the RECEIPT: `expires`, in seconds since 1970, if the credential expires.
 * Errors: ProtocolError `not-authenticated` if it is another user's.
 */
export function renew(
  client: Client,
  identity: Identity,
  onEnded: (subscription: Subscription) => void,
): readonly Header[] {
  if (identity.user !== client.identity.user) {
    throw new ProtocolError('not-authenticated', 'The new credential is one of another user')
  }
  client.identify(identity)
  for (const subscription of client.reviewSubscriptions()) {
    onEnded(subscription)
    const text = 'The new credential does not allow this subscription: it has ended'
    tellSoftError(client, new ProtocolError('not-authorized', text), subscription.destination, undefined)
  }
  const { expiresAt } = identity
  return expiresAt === undefined ? [] : [['expires', String(Math.floor(expiresAt))]]
}
