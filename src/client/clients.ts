/** All open clients of a bridge, whatever they speak: admits, counts, and ends them together. */
import { Recent } from '../recent.ts'
import { ERRORS, ProtocolError } from '../errors.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import { Client, type ClientServices } from './client.ts'
import type { Door } from './door.ts'
import { ShownEncodings } from './shown-encodings.ts'

/** How many clients may be told to close in one turn of the event loop at shutdown. */
const CLOSE_BATCH = 200

/** Ids of subscriptions of which each text is kept once. */
const MAX_SHARED_IDS = 1000

/** Why no new client is let in now. */
export type Refusal = 'draining' | 'full'

export class Clients implements Iterable<Client> {
  readonly #services: ClientServices
  readonly #nodeId: string
  readonly #maxClients: number
  readonly #open = new Set<Client>()
  readonly #forwarded = new Map<Client, string>()
  #count = 0
  #isDraining = false
  #onEmpty: (() => void) | undefined

  constructor(services: Omit<ClientServices, 'ids' | 'encodings' | 'forwarded'>, nodeId: string, maxClients: number) {
    this.#services = {
      ...services,
      ids: new Recent(MAX_SHARED_IDS, (id) => id),
      encodings: new ShownEncodings(),
      forwarded: this.#forwarded,
    }
    this.#nodeId = nodeId
    this.#maxClients = maxClients
    services.metrics.observe('sessions', () => this.#open.size)
  }

  /** Why no new client may come in now; undefined if one may. */
  get refusal(): Refusal | undefined {
    return this.refusalBeside(0)
  }

  /** The same, while so many others are on their way in. */
  refusalBeside(coming: number): Refusal | undefined {
    if (this.#isDraining) return 'draining'
    return this.#open.size + coming >= this.#maxClients ? 'full' : undefined
  }

  get size(): number {
    return this.#open.size
  }

  /** Oldest first. */
  [Symbol.iterator](): Iterator<Client> {
    return this.#open.values()
  }

  /** Returns the id of a session that may come to be, unique over all nodes. */
  readonly nextId = (): string => `${this.#nodeId}-${++this.#count}`

  /**
   * A socket has opened: `makeDoor` makes what speaks its protocol. A client that comes in spite of a refusal is closed
   * with 1001 or 1013 (try again later). `id`: from `nextId`, where it had to be known before; `address`: where it comes from
   * if a proxy stands between, else undefined or the address of the socket.
   */
  open<Handler extends Door & SocketHandler>(
    socket: Socket,
    makeDoor: (client: Client) => Handler,
    address: string | undefined,
    id = this.nextId(),
  ): Handler {
    const client = new Client(socket, id, this.#services)
    if (address !== undefined && address !== socket.remoteAddress) this.#forwarded.set(client, address)
    const door = makeDoor(client)
    client.door = door
    const { refusal } = this
    this.#open.add(client)
    client.open()
    if (refusal === 'draining') door.refuse(ERRORS['shutting-down'].close, 'The server is shutting down')
    else if (refusal === 'full') door.refuse(1013, 'Too many sessions: try again later')
    return door
  }

  /** The connection is gone, and nothing that came over it is left to do. */
  readonly release = (client: Client): void => {
    this.#open.delete(client)
    this.#forwarded.delete(client)
    if (this.#open.size === 0) this.#onEmpty?.()
  }

  /** Somebody who operates the bridge wants a client gone: it ends with an error that says so. False if there is none of this id. */
  close(id: string): boolean {
    for (const client of this.#open) {
      if (client.id !== id) continue
      client.door.fail(new ProtocolError('closed-by-operator', 'The session was closed by an operator'))
      return true
    }
    return false
  }

  /** Finish and close every client; resolves when all are gone. What is left after the deadline is dropped. */
  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    if (this.#open.size === 0) return
    const timer = setTimeout(() => {
      for (const { door } of this.#open) door.terminate()
      this.#onEmpty?.()
    }, deadlineMs)
    let told = 0
    for (const { door } of [...this.#open]) {
      door.shutDown()
      if (++told % CLOSE_BATCH === 0) await new Promise((resolve) => setTimeout(resolve, 0))
    }
    if (this.#open.size > 0) await empty
    clearTimeout(timer)
  }
}
