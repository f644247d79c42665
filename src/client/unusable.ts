/**
 * Could anybody subscribe a destination, or send there, whatever the rules say? For people who look for a mistake:
 * nothing is subscribed or sent. A client finds the same out when it tries.
 */
import { subscribedAddress } from '../access/addresses.ts'
import { RENEW_DESTINATION } from '../access/built-in.ts'
import type { Identity } from '../access/identity.ts'
import { BusRefusedError } from '../bus/bus.ts'
import { ProtocolError } from '../errors.ts'
import { COMMANDS_DESTINATION } from '../redis-commands/redis-commands.ts'
import { requireSubscribable } from './authorize.ts'
import type { ClientServices } from './client.ts'

/** Any will do: all sessions have the same destinations. */
const SESSION = 'session'

type Services = Pick<ClientServices, 'access' | 'broker' | 'outbound' | 'queueRules' | 'commands'>

/** Returns what a client is told that tries it; undefined if it can be had, or if only the rules keep it away. */
export function unusableBecause(
  services: Services,
  identity: Identity,
  action: 'subscribe' | 'send',
  destination: string,
): string | undefined {
  try {
    if (action === 'subscribe') requireThere(services, identity, destination)
    else if (!isForTheBridge(services, destination)) services.outbound.requireSendable(destination)
    return undefined
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof BusRefusedError) return error.message
    throw error
  }
}

function requireThere({ access, broker, queueRules }: Services, identity: Identity, destination: string): void {
  // Where there are rules, they say it of what is nobody's.
  const address = access.isOpen
    ? requireSubscribable(access, identity, SESSION, destination)
    : subscribedAddress(destination, { user: identity.user, session: SESSION })
  if (!address || queueRules.ofSubscription(address.internal)) return
  broker.destinations.requireSubscribable(address.internal)
}

function isForTheBridge({ commands }: Services, destination: string): boolean {
  return destination === RENEW_DESTINATION || (destination === COMMANDS_DESTINATION && commands !== undefined)
}
