/** Which operations there are with access configured, and what each of them is handed. Called when the application is put together. */
import type { Endpoint } from './endpoint.ts'
import type { KeyGuard } from './key-guard.ts'
import {
  createPresenceHandler,
  createUserHandler,
  createUsersHandler,
  presenceRoute,
  userRoute,
  usersRoute,
  type People,
} from './people.ts'
import {
  closeUserRoute,
  createCloseUserHandler,
  createRevocationHandler,
  revocationRoute,
  type Ending,
} from './revocations.ts'
import { createTicketHandler, ticketRoute, type TicketDeps } from './tickets.ts'

export interface AccessEndpointDeps {
  readonly guard: KeyGuard
  /** Undefined if there are no tickets. */
  readonly tickets: TicketDeps | undefined
  readonly people: People
  /** Undefined without access: nobody has a name then. */
  readonly ending: Ending | undefined
  readonly maxBodyBytes: number
}

/** Returns the operations. */
export function accessEndpoints({ guard, tickets, people, ending, maxBodyBytes }: AccessEndpointDeps): Endpoint[] {
  const read = guard.require('read')
  const admin = guard.require('admin')
  const endpoints: Endpoint[] = [
    { route: usersRoute, handler: createUsersHandler(people), guard: read },
    { route: userRoute, handler: createUserHandler(people), guard: read },
    { route: presenceRoute, handler: createPresenceHandler(people), guard: read },
  ]
  if (tickets) endpoints.push({ route: ticketRoute, handler: createTicketHandler(tickets) })
  if (ending) {
    endpoints.push(
      { route: closeUserRoute, handler: createCloseUserHandler(ending), guard: admin },
      { route: revocationRoute, handler: createRevocationHandler(ending, maxBodyBytes), guard: admin },
    )
  }
  return endpoints
}
