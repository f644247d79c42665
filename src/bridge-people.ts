/** What backends ask of all nodes over HTTP, in the words of HTTP: sessions and users, and how their time ends. */
import { BusRefusedError, BusUnavailableError } from './bus/bus.ts'
import type { ClusterSessions } from './cluster/sessions.ts'
import type { Revocations } from './access/revocations.ts'
import { ProtocolError } from './errors.ts'
import type { Ending } from './http/revocations.ts'
import type { People } from './http/people.ts'

/** Returns who is connected. */
export function peopleOf(sessions: ClusterSessions): People {
  return {
    users: (limit, after) =>
      overBus(async () => {
        const { users, next } = await sessions.users({ limit, after })
        return { users: [...users], ...(next === undefined ? {} : { next }) }
      }),
    user: (user) =>
      overBus(async () => {
        const found = await sessions.user(user)
        const views = found.map(({ id, node, address, connectedAt }) => {
          return { id, node, address, connectedAt: new Date(connectedAt).toISOString() }
        })
        return { user, online: views.length > 0, sessions: views }
      }),
    presence: (destination) =>
      overBus(async () => {
        const { sessions: count, users } = await sessions.presence(destination)
        return { destination, sessions: count, users: [...users] }
      }),
  }
}

/** Returns what ends sessions on all nodes. */
export function endingOf(sessions: ClusterSessions, revocations: Revocations): Ending {
  return {
    closeUser: (user) => overBus(() => sessions.closeUserSessions(user)),
    revoke: ({ seconds, ...what }) => overBus(() => revocations.revoke(what, seconds)),
  }
}

/** Closes one session, whatever node it is on. False if there is none of this id. */
export function closeAnywhere(sessions: ClusterSessions): (id: string) => Promise<boolean> {
  return (id) => overBus(() => sessions.closeSession(id))
}

/** Errors: rejects with ProtocolError `bus-unavailable`, `bus-refused`. */
async function overBus<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof BusRefusedError) {
      throw new ProtocolError('bus-refused', 'Redis refuses what this needs: see its access rules', {}, { cause })
    }
    if (!(cause instanceof BusUnavailableError)) throw cause
    throw new ProtocolError(
      'bus-unavailable',
      'The other nodes cannot be reached: the bus is unavailable',
      {},
      { cause },
    )
  }
}
