/**
 * A Pub/Sub server in memory, with a bus for each node on it. Everything that is published waits until the test delivers
 * it; on the way it can be lost, and a node can be cut off, or killed.
 */
import { BusRefusedError, BusUnavailableError, type Bus, type BusListener, type BusMessage } from '../../src/bus/bus.ts'

interface Published {
  readonly type?: string
}

export class Network {
  readonly buses = new Set<NetworkBus>()
  /** Channel and payload of everything published, parsed. */
  readonly published: { readonly channel: string; readonly message: Published }[] = []

  connect(): NetworkBus {
    const bus = new NetworkBus(this)
    this.buses.add(bus)
    return bus
  }

  publish(channel: string, payload: string): void {
    this.published.push({ channel, message: parsed(payload) })
    for (const bus of this.buses) bus.arrive(channel, payload)
  }

  /** Deliver what waits, and what comes of it, until nothing is on its way. */
  async deliver(): Promise<void> {
    do {
      for (const bus of this.buses) bus.deliver()
      await settle()
    } while ([...this.buses].some(({ waiting }) => waiting > 0))
  }
}

/** Lets everything run that waits for nothing but its turn. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export class NetworkBus implements Bus {
  readonly description = 'a network in memory'
  unavailableReason: string | undefined = 'not started'
  /** So many deliveries are lost. */
  losing = 0
  /** Of those that have this in them only. */
  losingOnly = ''
  /** As while its process stands still: what comes to it waits, and it says nothing. */
  isStill = false
  /** Channels that may not be used. */
  readonly forbidden = new Set<string>()
  readonly #network: Network
  readonly #channels = new Set<string>()
  #listener: BusListener | undefined
  #inbox: { readonly channel: string; readonly payload: string }[] = []
  #pending: (() => void)[] = []

  constructor(network: Network) {
    this.#network = network
  }

  get waiting(): number {
    return this.isStill ? 0 : this.#inbox.length
  }

  start(listener: BusListener): void {
    this.#listener = listener
    this.mend()
  }

  /** Like an outage: what is on its way is lost. */
  cut(): void {
    if (this.unavailableReason !== undefined) return
    this.unavailableReason = 'cut'
    this.#inbox = []
    this.#listener?.onAvailability('cut')
  }

  mend(): void {
    if (this.unavailableReason === undefined || !this.#network.buses.has(this)) return
    this.unavailableReason = undefined
    for (const live of this.#pending.splice(0)) live()
    this.#listener?.onAvailability(undefined)
  }

  /** The process is gone, without a word. */
  kill(): void {
    this.#network.buses.delete(this)
    this.#inbox = []
    this.unavailableReason = 'killed'
  }

  publish(channel: string, payload: string | Uint8Array): Promise<unknown> {
    if (this.unavailableReason !== undefined) return Promise.reject(new BusUnavailableError(this.unavailableReason))
    if (this.forbidden.has(channel)) return Promise.reject(new BusRefusedError('no permission'))
    if (this.isStill) return Promise.resolve()
    this.#network.publish(channel, String(payload))
    return Promise.resolve()
  }

  async publishAll(messages: readonly BusMessage[]): Promise<unknown> {
    return Promise.all(messages.map(({ channel, payload }) => this.publish(channel, payload)))
  }

  subscribe(channel: string): Promise<void> {
    if (this.forbidden.has(channel)) {
      const refusal = new BusRefusedError('no permission')
      this.#listener?.onRefusal('channel', channel, refusal)
      return Promise.reject(refusal)
    }
    this.#channels.add(channel)
    if (this.unavailableReason === undefined) return Promise.resolve()
    return new Promise((live) => this.#pending.push(live))
  }

  /** What was forbidden is granted, and what was asked for is taken. */
  grant(channel: string): void {
    this.forbidden.delete(channel)
    this.#channels.add(channel)
    this.#listener?.onRefusal('channel', channel, undefined)
  }

  unsubscribe(channel: string): void {
    this.#channels.delete(channel)
  }

  psubscribe(): Promise<void> {
    return Promise.resolve()
  }

  punsubscribe(): void {}

  async close(): Promise<void> {
    this.kill()
  }

  arrive(channel: string, payload: string): void {
    if (this.unavailableReason !== undefined || !this.#channels.has(channel)) return
    if (this.losing > 0 && payload.includes(this.losingOnly)) this.losing--
    else this.#inbox.push({ channel, payload })
  }

  /** The first so many that wait. */
  deliver(count = this.#inbox.length): void {
    if (this.isStill) return
    for (const { channel, payload } of this.#inbox.splice(0, count)) {
      this.#listener?.onMessage(channel, new TextEncoder().encode(payload), undefined)
    }
  }
}

function parsed(payload: string): Published {
  try {
    return JSON.parse(payload) ?? {}
  } catch {
    return {}
  }
}
