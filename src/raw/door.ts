/** Opens plain WebSockets as clients. */
import type { Client } from '../client/client.ts'
import type { Clients } from '../client/clients.ts'
import type { RawFrame, RawPlan } from '../client/plans.ts'
import type { Encoding } from '../delivery/message.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import { RawConnection, type RawServices } from './connection.ts'
import { JSON_FRAMES, PLAIN_BODY, wrappedBody } from './encodings.ts'

export class RawDoor {
  readonly #clients: Clients
  readonly #services: RawServices
  /** By the field; there are as many as the configuration names. */
  readonly #wrapped = new Map<string, Encoding>()

  constructor(clients: Clients, services: RawServices) {
    this.#clients = clients
    this.#services = services
  }

  /** A socket has opened that is to be one. */
  open(socket: Socket, plan: RawPlan): SocketHandler {
    const encoding = this.#encodingOf(plan.frame)
    const make = (client: Client): RawConnection => {
      client.requestId = plan.requestId
      return new RawConnection(socket, client, plan, encoding, this.#services, this.#clients.release)
    }
    const { remoteAddress: address, session: id, identity } = plan
    const connection = this.#clients.open(socket, make, { address, id, identity })
    connection.begin()
    return connection
  }

  #encodingOf(frame: RawFrame): Encoding {
    if (frame === 'body') return PLAIN_BODY
    if (frame === 'json') return JSON_FRAMES
    let encoding = this.#wrapped.get(frame.wrap)
    if (!encoding) this.#wrapped.set(frame.wrap, (encoding = wrappedBody(frame.wrap)))
    return encoding
  }
}
