/** May a client have what it wants? The same answer before its connection is open and after. */
import type { Access } from '../access/access.ts'
import { groupOf, subscribedAddress, type Address } from '../access/addresses.ts'
import { ruledDestination } from '../access/built-in.ts'
import type { Identity } from '../access/identity.ts'
import { ProtocolError, quoted } from '../errors.ts'

/**
 * Returns the address of what it wants to subscribe. `session`: its id.
 * Errors: ProtocolError `not-authorized`; `bad-destination` on an open bridge if nobody can subscribe that.
 */
export function requireSubscribable(access: Access, identity: Identity, session: string, destination: string): Address {
  const address = subscribedAddress(destination, { user: identity.user, session })
  if (address && access.maySubscribe(identity, destination)) return address
  // Without rules there is one thing that some may have and others not: a group. Everything else nobody can.
  if (access.isOpen && groupOf(ruledDestination(destination)) === undefined) {
    const why = address
      ? 'a pattern must not reach beyond the destinations of one kind, and presence is that of a single one'
      : 'only /user/queue/… and /session/queue/…, which are your own, and /group/{group}/…'
    throw new ProtocolError('bad-destination', `Cannot subscribe to ${quoted(destination)}: ${why}`)
  }
  throw new ProtocolError('not-authorized', `You may not subscribe to ${quoted(destination)}`)
}

/** The same as a question. */
export function maySubscribe(access: Access, identity: Identity, session: string, destination: string): boolean {
  const address = subscribedAddress(destination, { user: identity.user, session })
  return address !== undefined && access.maySubscribe(identity, destination)
}

/** Errors: ProtocolError `not-authorized`. */
export function requireSendable(access: Access, identity: Identity, destination: string): void {
  if (access.maySend(identity, destination)) return
  throw new ProtocolError('not-authorized', `You may not send to ${quoted(destination)}`)
}
