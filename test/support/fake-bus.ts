/** A bus that does what the test says, when it says it: what is published waits to be accepted, what is subscribed to go live. */
import {
  BusRefusedError,
  BusUnavailableError,
  type Bus,
  type BusListener,
  type BusMessage,
  type SubscriptionKind,
} from '../../src/bus/bus.ts'

/** One call of `publish` or `publishAll`. */
export interface HandedOver {
  readonly messages: readonly BusMessage[]
  accept(): void
  refuse(error?: Error): void
}

export interface FakeBusOptions {
  /** Accept what is published, at once; true unless told. */
  readonly accepts?: boolean
  /** Let subscriptions go live at once; true unless told. */
  readonly goesLive?: boolean
  /** Available from the start; true unless told. */
  readonly isAvailable?: boolean
}

export class FakeBus implements Bus {
  readonly description = 'a fake bus'
  unavailableReason: string | undefined = 'not started'
  /** Whether what is published from now on is accepted at once. */
  accepts: boolean
  goesLive: boolean
  /** Everything published, in order. */
  readonly handedOver: HandedOver[] = []
  /** Subscriptions, in order: `subscribe a`, `psubscribe a*`, `unsubscribe a`, `punsubscribe a*`. */
  readonly commands: string[] = []
  readonly channels = new Set<string>()
  readonly patterns = new Set<string>()
  #listener: BusListener | undefined
  readonly #isAvailable: boolean
  #pending: { readonly name: string; readonly live: () => void; readonly refuse: (error: Error) => void }[] = []

  constructor({ accepts = true, goesLive = true, isAvailable = true }: FakeBusOptions = {}) {
    this.accepts = accepts
    this.goesLive = goesLive
    this.#isAvailable = isAvailable
  }

  /** Channel and payload of everything published, as text. */
  get published(): string[] {
    return this.handedOver.flatMap(({ messages }) =>
      messages.map(({ channel, payload }) => `${channel} ${text(payload)}`),
    )
  }

  start(listener: BusListener): void {
    this.#listener = listener
    this.setReason(this.#isAvailable ? undefined : 'away')
  }

  publish(channel: string, payload: string | Uint8Array): Promise<unknown> {
    return this.publishAll([{ channel, payload }])
  }

  publishAll(messages: readonly BusMessage[]): Promise<unknown> {
    if (this.unavailableReason !== undefined) return Promise.reject(new BusUnavailableError(this.unavailableReason))
    return new Promise((resolve, reject) => {
      const handedOver: HandedOver = {
        messages,
        accept: () => resolve(messages.length),
        refuse: (error = new BusUnavailableError('refused by the test')) => reject(error),
      }
      this.handedOver.push(handedOver)
      if (this.accepts) handedOver.accept()
    })
  }

  subscribe(channel: string): Promise<void> {
    this.channels.add(channel)
    return this.#want('subscribe', channel)
  }

  unsubscribe(channel: string): void {
    this.channels.delete(channel)
    this.commands.push(`unsubscribe ${channel}`)
  }

  psubscribe(pattern: string): Promise<void> {
    this.patterns.add(pattern)
    return this.#want('psubscribe', pattern)
  }

  punsubscribe(pattern: string): void {
    this.patterns.delete(pattern)
    this.commands.push(`punsubscribe ${pattern}`)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** A payload comes; on the exact subscription unless told. */
  deliver(channel: string, payload: string | Uint8Array, pattern?: string): void {
    const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload
    this.#listener?.onMessage(channel, bytes, pattern)
  }

  /** Everything subscribed so far goes live, or only what has that name. */
  goLive(name?: string): void {
    for (const pending of this.#take(name)) pending.live()
  }

  /** The server refuses that channel or pattern, which stays wanted. */
  refuseSubscription(name: string): void {
    const refusal = new BusRefusedError(`no permission for ${name}`)
    this.#listener?.onRefusal(this.#kindOf(name), name, refusal)
    for (const pending of this.#take(name)) pending.refuse(refusal)
  }

  /** The server takes what it has refused before. */
  takeSubscription(name: string): void {
    this.#listener?.onRefusal(this.#kindOf(name), name, undefined)
    this.goLive(name)
  }

  setReason(reason: string | undefined): void {
    this.unavailableReason = reason
    this.#listener?.onAvailability(reason)
  }

  #kindOf(name: string): SubscriptionKind {
    return this.patterns.has(name) ? 'pattern' : 'channel'
  }

  #want(command: string, name: string): Promise<void> {
    this.commands.push(`${command} ${name}`)
    return new Promise((live, refuse) => {
      this.#pending.push({ name, live, refuse })
      if (this.goesLive) this.goLive(name)
    })
  }

  #take(name: string | undefined) {
    const taken = this.#pending.filter((pending) => name === undefined || pending.name === name)
    this.#pending = this.#pending.filter((pending) => !taken.includes(pending))
    return taken
  }
}

function text(payload: string | Uint8Array): string {
  return typeof payload === 'string' ? payload : new TextDecoder().decode(payload)
}
