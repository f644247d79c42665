/** What a connection is subscribed to. An entry outlives the session: the next one subscribes it again. */
import { signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { Command, type FrameToEncode, type Header } from '../../frames/index.ts'
import { Rate } from './rate.ts'
import { ERRORS_SUBSCRIPTION, type SoftError } from './soft-errors.ts'

export type AckMode = 'auto' | 'client' | 'client-individual'

export interface SubscribeOptions {
  readonly destination: string
  readonly ack?: AckMode
  readonly headers?: Iterable<Header>
}

/** How many colours there are to tell subscriptions apart. */
export const HUES = 8

/** Ended ones whose messages still have their colour. */
const KEPT = 1_000

export class SubscriptionEntry {
  readonly id: string
  readonly destination: string
  readonly ack: AckMode
  readonly headers: readonly Header[]
  /** 0 … HUES - 1 */
  readonly hue: number
  readonly isMuted = signal(false)
  /** Was SUBSCRIBE sent in this session? */
  readonly isActive: Signal<boolean> = signal(false)
  /** Why the server does not serve it, while the session goes on. */
  readonly refusal: Signal<SoftError | undefined> = signal(undefined)
  readonly rate = new Rate()
  #bytes = 0

  constructor(id: string, hue: number, options: SubscribeOptions) {
    this.id = id
    this.hue = hue
    this.destination = options.destination
    this.ack = options.ack ?? 'auto'
    this.headers = [...(options.headers ?? [])]
  }

  /** Messages since it was made. */
  get count(): number {
    return this.rate.total
  }

  get bytes(): number {
    return this.#bytes
  }

  countMessage(atMs: number, bytes: number): void {
    this.rate.add(atMs)
    this.#bytes += bytes
  }
}

export class Subscriptions {
  readonly #transmit: (frame: FrameToEncode) => boolean
  readonly #entries = signal<readonly SubscriptionEntry[]>([])
  /** Ended ones too: what they brought keeps its colour. */
  readonly #byId = new Map<string, SubscriptionEntry>()
  #made = 0

  constructor(transmit: (frame: FrameToEncode) => boolean) {
    this.#transmit = transmit
  }

  get entries(): ReadonlySignal<readonly SubscriptionEntry[]> {
    return this.#entries
  }

  find(id: string | undefined): SubscriptionEntry | undefined {
    return id === undefined ? undefined : this.#byId.get(id)
  }

  /** Without a session it waits for the next one. A header `id` is used if nothing else uses it. */
  add(options: SubscribeOptions): SubscriptionEntry {
    const headers = [...(options.headers ?? [])]
    const wanted = headers.find(([name]) => name === 'id')?.[1]
    const isTaken = wanted === ERRORS_SUBSCRIPTION || this.#entries.value.some((entry) => entry.id === wanted)
    const id = wanted !== undefined && wanted !== '' && !isTaken ? wanted : this.#freeId()
    const entry = new SubscriptionEntry(id, this.#made++ % HUES, {
      ...options,
      headers: headers.filter(([name]) => name !== 'id' && name !== 'destination' && name !== 'ack'),
    })
    this.#byId.set(id, entry)
    this.#forgetOldest()
    this.#entries.value = [...this.#entries.value, entry]
    this.#subscribe(entry)
    return entry
  }

  remove(entry: SubscriptionEntry): void {
    if (entry.isActive.value) this.#transmit({ command: Command.UNSUBSCRIBE, headers: [['id', entry.id]] })
    entry.isActive.value = false
    this.#entries.value = this.#entries.value.filter((other) => other !== entry)
  }

  /** The server does not serve it, or not any more. Found by its id, or as the active one of that destination. */
  refuse(error: SoftError): void {
    const entry =
      this.find(error.subscription) ??
      this.#entries.value.find(({ destination, isActive }) => isActive.value && destination === error.destination)
    if (!entry) return
    entry.isActive.value = false
    entry.refusal.value = error
  }

  /** Asks again for one that was refused. */
  retry(entry: SubscriptionEntry): void {
    if (!entry.isActive.value) this.#subscribe(entry)
  }

  /** A session has begun. */
  resume(): void {
    for (const entry of this.#entries.value) this.#subscribe(entry)
  }

  /** The session is over. */
  suspend(): void {
    for (const entry of this.#entries.value) {
      entry.isActive.value = false
      entry.refusal.value = undefined
    }
  }

  #subscribe(entry: SubscriptionEntry): void {
    const { id, destination, ack, headers, refusal } = entry
    refusal.value = undefined
    const own: Header[] = [
      ['id', id],
      ['destination', destination],
    ]
    // `auto` is what a server takes without the header.
    if (ack !== 'auto') own.push(['ack', ack])
    entry.isActive.value = this.#transmit({ command: Command.SUBSCRIBE, headers: [...own, ...headers] })
  }

  #forgetOldest(): void {
    if (this.#byId.size <= KEPT + this.#entries.value.length) return
    for (const [id, entry] of this.#byId) {
      if (this.#entries.value.includes(entry)) continue
      this.#byId.delete(id)
      return
    }
  }

  #freeId(): string {
    let number = this.#made
    while (this.#byId.has(`sub-${number}`)) number++
    return `sub-${number}`
  }
}
