/** Opens connections that speak STOMP as clients, over WebSocket and TCP. */
import { bareHandshake, type Handshake } from '../access/handshake.ts'
import type { Clients } from '../client/clients.ts'
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

  /** A socket has opened that is to be one. `handshake`: what came with it; nothing over TCP. */
  open(socket: Socket, handshake: Handshake = bareHandshake(socket.remoteAddress)): SocketHandler {
    return this.#clients.open(
      socket,
      (client) => new Session(socket, client, handshake, this.#services, this.#clients.release),
      // Asking a socket for its address is not free.
      handshake.remoteAddress === handshake.peerAddress ? undefined : handshake.remoteAddress,
    )
  }
}
