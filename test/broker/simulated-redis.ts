/**
 * A bus whose server is slow in its own time: each SUBSCRIBE, PSUBSCRIBE and the like takes effect when the test says,
 * and what the server sends arrives when the test says; both in order, as on one connection. The connection can be lost.
 */
import { globToRegExp } from '../../src/glob.ts'
import { BusRefusedError, type Bus, type BusListener } from '../../src/bus/bus.ts'

type Kind = 'channel' | 'pattern'

interface Command {
  readonly kind: Kind
  readonly name: string
  /** Undefined for one that ends the subscription. */
  readonly interest: Interest | undefined
}

type Arrival =
  | { readonly confirmed: Command }
  | { readonly refused: Command }
  | { readonly channel: string; readonly payload: string; readonly pattern?: string }

interface Interest {
  isRefused: boolean
  live: Promise<void>
  resolve: () => void
  reject: (error: Error) => void
}

export class SimulatedRedis implements Bus {
  readonly description = 'a simulated Redis'
  unavailableReason: string | undefined = 'not started'
  /** What the server has subscribed for us. */
  readonly subscribed: Record<Kind, Set<string>> = { channel: new Set(), pattern: new Set() }
  /** Channels and patterns that the server refuses to subscribe. */
  readonly refused: Set<string>
  /** Called when what is on its way, in either direction, is lost. */
  onLost: (() => void) | undefined
  readonly #wanted: Record<Kind, Map<string, Interest>> = { channel: new Map(), pattern: new Map() }
  readonly #onTheirWay: Command[] = []
  readonly #arriving: Arrival[] = []
  #listener: BusListener | undefined
  #isConnected = false
  /** Until these many confirmations have come after a reconnect, the bus is not available. */
  #unconfirmed = 0

  constructor(refused: Set<string> = new Set()) {
    this.refused = refused
  }

  get isIdle(): boolean {
    return this.#onTheirWay.length === 0 && this.#arriving.length === 0
  }

  start(listener: BusListener): void {
    this.#listener = listener
    this.reconnect()
  }

  /** The server does the next command. */
  serve(): void {
    const command = this.#onTheirWay.shift()
    if (!command) return
    if (command.interest && this.refused.has(command.name)) {
      this.#arriving.push({ refused: command })
      return
    }
    const subscribed = this.subscribed[command.kind]
    if (command.interest) subscribed.add(command.name)
    else subscribed.delete(command.name)
    this.#arriving.push({ confirmed: command })
  }

  /** The next thing that the server has sent arrives. */
  receive(): void {
    const arrival = this.#arriving.shift()
    if (!arrival) return
    if ('channel' in arrival) {
      this.#listener?.onMessage(arrival.channel, new TextEncoder().encode(arrival.payload), arrival.pattern)
      return
    }
    if ('refused' in arrival) this.#refusedArrives(arrival.refused)
    else this.#confirmedArrives(arrival.confirmed)
    if (this.#unconfirmed > 0 && --this.#unconfirmed === 0) this.#setReason(undefined)
  }

  #refusedArrives({ kind, name, interest }: Command): void {
    if (!interest || this.#wanted[kind].get(name) !== interest) return
    const refusal = new BusRefusedError(name)
    if (!interest.isRefused) this.#listener?.onRefusal(kind, name, refusal)
    interest.isRefused = true
    interest.reject(refusal)
  }

  #confirmedArrives({ kind, name, interest }: Command): void {
    if (!interest) return
    if (interest.isRefused && this.#wanted[kind].get(name) === interest)
      this.#listener?.onRefusal(kind, name, undefined)
    interest.isRefused = false
    interest.resolve()
  }

  /** The access rules forbid this name from now on: the server closes the connection of who has it. */
  revoke(name: string): void {
    this.refused.add(name)
    if (!this.subscribed.channel.has(name) && !this.subscribed.pattern.has(name)) return
    this.lose()
    this.reconnect()
  }

  grant(name: string): void {
    this.refused.delete(name)
  }

  /** Ask again for what was refused. */
  probe(): void {
    if (!this.#isConnected) return
    for (const kind of ['channel', 'pattern'] as const) {
      for (const [name, interest] of this.#wanted[kind]) {
        if (interest.isRefused) this.#onTheirWay.push({ kind, name, interest })
      }
    }
  }

  /** Another client publishes; the server sends it at once to whom it has subscribed: exact first. */
  publishFromOutside(channel: string, payload: string): void {
    if (this.subscribed.channel.has(channel)) this.#arriving.push({ channel, payload })
    for (const pattern of this.subscribed.pattern) {
      if (globToRegExp(pattern).test(channel)) this.#arriving.push({ channel, payload, pattern })
    }
  }

  lose(): void {
    if (!this.#isConnected) return
    this.#isConnected = false
    this.#unconfirmed = 0
    this.#onTheirWay.length = 0
    this.#arriving.length = 0
    for (const names of Object.values(this.subscribed)) names.clear()
    this.onLost?.()
    this.#setReason('lost')
  }

  /** Subscribes everything again, exact channels first; available when all that is confirmed. */
  reconnect(): void {
    if (this.#isConnected) return
    this.#isConnected = true
    for (const kind of ['channel', 'pattern'] as const) {
      for (const [name, interest] of this.#wanted[kind]) this.#onTheirWay.push({ kind, name, interest })
    }
    this.#unconfirmed = this.#onTheirWay.length
    if (this.#unconfirmed === 0) this.#setReason(undefined)
  }

  publish(): Promise<unknown> {
    return Promise.resolve()
  }

  publishAll(): Promise<unknown> {
    return Promise.resolve()
  }

  subscribe(channel: string): Promise<void> {
    return this.#want('channel', channel)
  }

  unsubscribe(channel: string): void {
    this.#drop('channel', channel)
  }

  psubscribe(pattern: string): Promise<void> {
    return this.#want('pattern', pattern)
  }

  punsubscribe(pattern: string): void {
    this.#drop('pattern', pattern)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #want(kind: Kind, name: string): Promise<void> {
    const existing = this.#wanted[kind].get(name)
    if (existing && !existing.isRefused) return existing.live
    const pending = newPending()
    const interest = existing ? Object.assign(existing, pending) : { isRefused: false, ...pending }
    this.#wanted[kind].set(name, interest)
    if (this.#isConnected) this.#onTheirWay.push({ kind, name, interest })
    return interest.live
  }

  #drop(kind: Kind, name: string): void {
    this.#wanted[kind].delete(name)
    if (this.#isConnected) this.#onTheirWay.push({ kind, name, interest: undefined })
  }

  #setReason(reason: string | undefined): void {
    this.unavailableReason = reason
    this.#listener?.onAvailability(reason)
  }
}

function newPending(): Omit<Interest, 'isRefused'> {
  let resolve!: () => void
  let reject!: (error: Error) => void
  const live = new Promise<void>((onLive, onRefused) => {
    resolve = onLive
    reject = onRefused
  })
  live.catch(() => {}) // it may be refused again when nobody waits
  return { live, resolve, reject }
}
