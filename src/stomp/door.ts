/** Opens connections that speak STOMP as clients, over WebSocket and TCP. */
import { bareHandshake, type Handshake } from '../access/handshake.ts'
import type { Client } from '../client/client.ts'
import type { Clients, OpenClientOptions } from '../client/clients.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import type { SessionServices } from './services.ts'
import { Session } from './session.ts'

export class StompDoor {
  readonly #clients: Clients
  readonly #services: SessionServices

  constructor(clients: Clients, services: SessionServices) {
    this.#clients = clients
    this.#services = services
  }

  /** A socket has opened that is to be one, and was let in by what came with it. */
  open(socket: Socket, handshake: Handshake): SocketHandler {
    // Asking a socket for its address is not free.
    const address = handshake.remoteAddress === handshake.peerAddress ? undefined : handshake.remoteAddress
    return this.#open(socket, handshake, { address })
  }

  /** A socket has opened whose client could not be refused before, as with HTTP: over TCP. */
  openUnasked(socket: Socket): SocketHandler {
    return this.#open(socket, bareHandshake(socket.remoteAddress), { refusal: this.#clients.admit(socket) })
  }

  #open(socket: Socket, handshake: Handshake, options: OpenClientOptions): SocketHandler {
    const make = (client: Client): Session => {
      client.requestId = handshake.requestId
      return new Session(socket, client, handshake, this.#services, this.#clients.release)
    }
    return this.#clients.open(socket, make, options)
  }
}
