/** All open clients of a bridge, whatever they speak: admits, counts, and ends them together. */
import { Recent } from '../recent.ts'
import type { Identity } from '../access/identity.ts'
import type { Clock } from '../clock.ts'
import { ERRORS, ProtocolError } from '../errors.ts'
import type { Socket, SocketHandler, Transport } from '../socket.ts'
import { Client, type ClientServices } from './client.ts'
import { ConnectRates, type ConnectLimits } from './connect-rates.ts'
import type { Door } from './door.ts'
import { refusalError, type Refusal } from './refusals.ts'
import { Seats, type SeatLimits } from './seats.ts'
import { endOfPeer } from './session-end.ts'
import { SessionLog } from './session-log.ts'
import { ShownEncodings } from './shown-encodings.ts'

/** How many clients may be told to close in one turn of the event loop at shutdown. */
const CLOSE_BATCH = 200
/** Between two batches while they are spread, in milliseconds; each time half as much more or less. */
const BATCH_EVERY_MS = 40

/** How many may be looked at in one turn when the rules have changed. */
const REVIEW_BATCH = 200

/** Ids of subscriptions of which each text is kept once. */
const MAX_SHARED_IDS = 1000

/** Of the same protocol over the same transport. */
interface Kind {
  readonly protocol: Door['protocol']
  readonly transport: Transport
  sessions: number
}

/** RFC 6455 section 7.4.1: nobody has said how it was closed. */
const NOT_SAID = 1006

/** Somebody who wants to come in. */
export interface Comer {
  /** Asking for it may not be free. */
  readonly remoteAddress: string
}

/** Anybody may come as often as it wants. */
export const NO_LIMITS: ConnectLimits & SeatLimits = {
  connectsPerSecond: 0,
  connectBurst: 0,
  connectsPerSecondPerAddress: 0,
  connectBurstPerAddress: 0,
  maxSessionsPerAddress: 0,
  maxSessionsPerUser: 0,
}

export interface OpenClientOptions {
  /** Where it comes from if a proxy stands between, else undefined or the address of the socket. */
  readonly address?: string | undefined
  /** From `nextId`, where it had to be known before. */
  readonly id?: string
  /** Who it is, where that is known already. */
  readonly identity?: Identity
  /** What `admit` has said of it, where it could not be told before the connection was open. */
  readonly refusal?: Refusal | undefined
}

export class Clients implements Iterable<Client> {
  readonly #services: ClientServices
  readonly #nodeId: string
  readonly #maxClients: number
  readonly #seats: Seats
  readonly #connectRates: ConnectRates
  readonly #open = new Set<Client>()
  readonly #forwarded = new Map<Client, string>()
  readonly #kinds = new Map<string, Kind>()
  readonly #sessionLog: SessionLog
  #count = 0
  #isDraining = false
  #onEmpty: (() => void) | undefined

  constructor(
    services: Omit<ClientServices, 'ids' | 'encodings' | 'forwarded' | 'seats'>,
    nodeId: string,
    maxClients: number,
    clock: Clock,
    limits: ConnectLimits & SeatLimits = NO_LIMITS,
  ) {
    this.#seats = new Seats(limits)
    this.#connectRates = new ConnectRates(limits, () => services.deadlines.now())
    this.#services = {
      ...services,
      ids: new Recent(MAX_SHARED_IDS, (id) => id),
      encodings: new ShownEncodings(),
      forwarded: this.#forwarded,
      seats: this.#seats,
    }
    this.#nodeId = nodeId
    this.#maxClients = maxClients
    this.#sessionLog = new SessionLog(services.log, clock)
    services.metrics.observe('sessions', () => this.#open.size)
    services.metrics.observeSessions(() =>
      [...this.#kinds.values()].map(({ protocol, transport, sessions }) => [protocol, transport, sessions]),
    )
  }

  /** Is there room for one more, beside so many who are on their way in? Undefined if there is. */
  roomRefusal(coming = 0): 'draining' | 'full' | undefined {
    if (this.#isDraining) return 'draining'
    return this.#open.size + coming >= this.#maxClients ? 'full' : undefined
  }

  /**
   * Somebody wants to come in: counted, and judged by all but who it is. Returns why it may not, undefined if it may.
   * `coming`: so many others are on their way in.
   */
  admit(from: Comer, coming = 0): Refusal | undefined {
    const refusal =
      this.roomRefusal(coming) ??
      (this.#seats.isAddressFull(from) ? 'address-sessions' : undefined) ??
      this.#connectRates.take(from)
    if (refusal) this.#services.metrics.refusals[refusal]++
    return refusal
  }

  /** It is known who wants to come in. Returns why that one may not, undefined if it may. */
  admitUser(user: string | undefined): Refusal | undefined {
    if (!this.#seats.isUserFull(user)) return undefined
    this.#services.metrics.refusals['user-sessions']++
    return 'user-sessions'
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
   * with 1001 or 1013 (try again later): there was room for it when it was asked, and others were quicker.
   */
  open<Handler extends Door & SocketHandler>(
    socket: Socket,
    makeDoor: (client: Client) => Handler,
    { address, id = this.nextId(), identity, refusal: known }: OpenClientOptions = {},
  ): Handler {
    const from: Comer = address === undefined ? socket : { remoteAddress: address }
    const refusal = known ?? this.#refusalOf(from, identity?.user)
    const client = new Client(socket, id, this.#services)
    if (address !== undefined && address !== socket.remoteAddress) this.#forwarded.set(client, address)
    if (!refusal) this.#seats.open(client, from)
    if (identity) client.identify(identity)
    const door = makeDoor(client)
    client.door = door
    this.#open.add(client)
    this.#kindOf(client).sessions++
    this.#sessionLog.opened(client)
    client.open()
    if (refusal) {
      const error = refusalError(refusal)
      client.endsAs(error.code, ERRORS[error.code].close, error.message)
      door.refuse(error)
    }
    return door
  }

  /** The rates are not asked again: that counts. */
  #refusalOf(from: Comer, user: string | undefined): Refusal | undefined {
    const refusal = this.roomRefusal() ?? (this.#seats.isAddressFull(from) ? 'address-sessions' : undefined)
    if (refusal) this.#services.metrics.refusals[refusal]++
    return refusal ?? this.admitUser(user)
  }

  /** The connection is gone, and nothing that came over it is left to do. */
  readonly release = (client: Client): void => {
    if (!this.#open.delete(client)) return
    this.#ended(client)
    this.#forwarded.delete(client)
    this.#seats.leave(client)
    if (this.#open.size === 0) this.#onEmpty?.()
  }

  #ended(client: Client): void {
    const kind = this.#kindOf(client)
    kind.sessions--
    const { protocol, transport } = kind
    const end = client.end ?? endOfPeer(NOT_SAID)
    const seconds = (Date.now() - client.openedAtMs) / 1000
    // Who was refused at CONNECT was never counted as opened.
    if (client.hasBegun) {
      this.#services.metrics.sessionEnded({ protocol, transport, reason: end.code, closeCode: end.closeCode, seconds })
    }
    this.#sessionLog.ended(client, end, seconds)
  }

  #kindOf({ door, transport }: Client): Kind {
    const { protocol } = door
    const key = `${protocol} ${transport}`
    let kind = this.#kinds.get(key)
    if (!kind) this.#kinds.set(key, (kind = { protocol, transport, sessions: 0 }))
    return kind
  }

  /** Somebody who operates the bridge wants a client gone: it ends with an error that says so. False if there is none of this id. */
  close(id: string): boolean {
    for (const client of this.#open) {
      if (client.id !== id || client.hasLeft) continue
      client.door.fail(new ProtocolError('closed-by-operator', 'The session was closed by an operator'))
      return true
    }
    return false
  }

  /**
   * What clients may do has changed: what one has subscribed and may not any more ends. Resolves when all have been looked
   * at.
   */
  async reviewSubscriptions(): Promise<void> {
    let reviewed = 0
    for (const client of [...this.#open]) {
      const ended = client.door.isOpen ? client.reviewSubscriptions() : []
      if (ended.length > 0) client.door.disallow(ended)
      if (++reviewed % REVIEW_BATCH === 0) await new Promise((resolve) => setTimeout(resolve, 0))
    }
  }

  /**
   * Finish and close every client; resolves when all are gone. What is left after the deadline is dropped.
   * `spreadMs`: over how long they are told, in random order; those who have not been told yet go on as before.
   */
  async drain(deadlineMs: number, spreadMs = 0): Promise<void> {
    this.#isDraining = true
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    if (this.#open.size === 0) return this.#sessionLog.close()
    const overdue = new AbortController()
    const timer = setTimeout(() => {
      overdue.abort()
      for (const client of this.#open) {
        client.endsAs('shutting-down', NOT_SAID, 'It did not end in time')
        client.door.terminate()
      }
      this.#onEmpty?.()
    }, deadlineMs)
    await this.#tellAll(spreadMs, overdue.signal)
    if (this.#open.size > 0) await empty
    clearTimeout(timer)
    this.#sessionLog.close()
  }

  async #tellAll(spreadMs: number, overdue: AbortSignal): Promise<void> {
    const { deadlines } = this.#services
    const isSpread = spreadMs > BATCH_EVERY_MS
    const all = isSpread ? shuffled([...this.#open]) : [...this.#open]
    const begun = deadlines.now()
    for (let told = 0; told < all.length && this.#open.size > 0 && !overdue.aborted;) {
      const elapsed = isSpread ? (deadlines.now() - begun) / spreadMs : 1
      const due = Math.ceil(all.length * Math.min(1, elapsed))
      const end = Math.min(due, told + CLOSE_BATCH)
      for (; told < end; told++) all[told]!.door.shutDown()
      if (told === all.length) break
      const pauseMs = told < due ? 0 : BATCH_EVERY_MS * (0.5 + Math.random())
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}

/** In random order: those who came together do not come back together. */
function shuffled<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[items[i], items[j]] = [items[j]!, items[i]!]
  }
  return items
}
