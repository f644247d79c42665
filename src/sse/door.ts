/** Opens streams of Server-Sent Events as clients. */
import type { Client } from '../client/client.ts'
import type { Clients } from '../client/clients.ts'
import type { StreamPlan } from '../client/plans.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import { StreamConnection, type StreamServices } from './connection.ts'

export class StreamDoor {
  readonly #clients: Clients
  readonly #services: StreamServices

  constructor(clients: Clients, services: StreamServices) {
    this.#clients = clients
    this.#services = services
  }

  /** A response has begun that is to be one. */
  open(socket: Socket, plan: StreamPlan): SocketHandler {
    const make = (client: Client): StreamConnection => {
      client.requestId = plan.requestId
      return new StreamConnection(socket, client, plan, this.#services, this.#clients.release)
    }
    const { remoteAddress: address, session: id, identity } = plan
    const connection = this.#clients.open(socket, make, { address, id, identity })
    connection.begin()
    return connection
  }
}
