/** The clients of this node, as other nodes ask for them. */
import type { LocalSessions, SessionFacts, UserCount } from '../cluster/local-sessions.ts'
import { ProtocolError } from '../errors.ts'
import type { Client } from './client.ts'
import type { Clients } from './clients.ts'

export class ClientSessions implements LocalSessions {
  readonly #clients: Clients

  constructor(clients: Clients) {
    this.#clients = clients
  }

  close(id: string): boolean {
    return this.#clients.close(id)
  }

  closeUser(user: string): number {
    return this.#end(
      (client) => client.identity.user === user,
      () => new ProtocolError('closed-by-operator', 'All sessions of this user were closed by an operator'),
    )
  }

  /** Ends those whose credential, or whose user, is revoked. */
  endRevoked({ tokenId, user }: { readonly tokenId?: string | undefined; readonly user?: string | undefined }): number {
    return this.#end(
      ({ identity }) =>
        (tokenId !== undefined && identity.tokenId === tokenId) || (user !== undefined && identity.user === user),
      () => new ProtocolError('revoked', 'This login was revoked'),
    )
  }

  *sessionsOf(user: string): Generator<SessionFacts> {
    for (const client of this.#present()) if (client.identity.user === user) yield factsOf(client)
  }

  users(): Iterable<UserCount> {
    const counts = new Map<string, number>()
    for (const { identity } of this.#present()) {
      if (identity.user !== undefined) counts.set(identity.user, (counts.get(identity.user) ?? 0) + 1)
    }
    return [...counts].map(([user, sessions]) => ({ user, sessions }))
  }

  *subscribers(destination: string): Generator<SessionFacts> {
    for (const client of this.#present()) if (client.hasSubscribed(destination)) yield factsOf(client)
  }

  /** Who has said DISCONNECT, or was closed, is not there any more, also if the connection is not gone yet. */
  *#present(): Generator<Client> {
    for (const client of this.#clients) if (!client.hasLeft) yield client
  }

  #end(isMeant: (client: Client) => boolean, reason: () => ProtocolError): number {
    const meant = [...this.#present()].filter(isMeant)
    for (const { door } of meant) door.fail(reason())
    return meant.length
  }
}

function factsOf({ id, identity, remoteAddress, openedAtMs }: Client): SessionFacts {
  return { id, user: identity.user, address: remoteAddress, connectedAt: openedAtMs }
}
