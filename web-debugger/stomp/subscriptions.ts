/** What a connection is subscribed to. An entry outlives the session: the next one subscribes it again. */
import { signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { Command, type FrameToEncode, type Header } from '../../frames/index.ts'
import { isAsking, markerWords, sincePlace, withoutAsk, type Marker, type Origin, type Place } from './place.ts'
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

/** Code of the error for who asks where nothing is kept. */
export const NO_HISTORY = 'no-history'

/** Who asks the same again is refused again. */
const ASK_REFUSALS: readonly string[] = [NO_HISTORY, 'bad-header']

export class SubscriptionEntry {
  readonly id: string
  readonly destination: string
  readonly ack: AckMode
  /** As they were given. */
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
  #asks: boolean
  #place: Place | undefined
  /** Of this session. */
  #marker: Marker | undefined
  /** Messages since the marker. */
  #sinceMarker = 0
  #askRefusal: string | undefined

  constructor(id: string, hue: number, options: SubscribeOptions) {
    this.id = id
    this.hue = hue
    this.destination = options.destination
    this.ack = options.ack ?? 'auto'
    this.headers = [...(options.headers ?? [])]
    this.#asks = isAsking(this.headers)
  }

  /** Messages since it was made. */
  get count(): number {
    return this.rate.total
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The offset seen last; undefined where there is no history. */
  get place(): Place | undefined {
    return this.#place
  }

  /** Why it does not ask any more: the code of the error. */
  get askRefusal(): string | undefined {
    return this.#askRefusal
  }

  /** It has asked, and nothing was answered yet. */
  get isUnanswered(): boolean {
    return this.#asks && this.isActive.value && !this.#marker
  }

  /** What the last marker said, with what is left of it now. */
  get placeText(): string | undefined {
    const offset = this.#place?.offset
    if (!this.#marker) return offset === undefined ? undefined : `at ${offset}`
    const left = Math.max(0, this.#marker.count - this.#sinceMarker)
    return markerWords(this.#sinceMarker > 0 && offset !== undefined ? { ...this.#marker, offset } : this.#marker, left)
  }

  /** Is something missing, as the last marker said? */
  get hasGap(): boolean {
    return this.#marker?.isRecovered === false
  }

  countMessage(atMs: number, bytes: number): void {
    this.rate.add(atMs)
    this.#bytes += bytes
    this.#sinceMarker++
  }

  /** `isRepeated`: it was given back, and comes again. */
  follow({ offset, epoch, marker }: Origin, destination: string | undefined, isRepeated: boolean): void {
    if (marker) {
      this.#marker = marker
      this.#sinceMarker = 0
    }
    // Else messages follow, each with its own offset; after a loss among them the rest has to be asked for.
    const isPlace = marker ? marker.count === 0 : !isRepeated
    // A pattern brings destinations with offsets of their own.
    const isOwn = this.#asks || destination === this.destination
    if (isPlace && isOwn && offset !== undefined && epoch !== undefined) this.#place = { offset, epoch }
  }

  /** Returns the headers of the next SUBSCRIBE: who has asked goes on from where it was. */
  nextHeaders(): readonly Header[] {
    this.#marker = undefined
    this.#sinceMarker = 0
    if (!this.#asks) return withoutAsk(this.headers)
    return this.#place ? [...withoutAsk(this.headers), ...sincePlace(this.#place)] : this.headers
  }

  /** From here on it is content with what is live. */
  stopAsking(code: string): void {
    if (this.#asks) this.#askRefusal = code
    this.#asks = false
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
    if (ASK_REFUSALS.includes(error.code)) entry.stopAsking(error.code)
  }

  /** The server ends the session because one has asked: it would do so each time. `text` names the destination, or not. */
  refuseAsk(code: string, text: string): void {
    if (!ASK_REFUSALS.includes(code)) return
    const asking = this.#entries.value.filter(({ isUnanswered }) => isUnanswered)
    const entry = asking.find(({ destination }) => text.includes(`"${destination}"`)) ?? asking[0]
    entry?.stopAsking(code)
  }

  /** The offset seen last at this destination, by those that have ended too. */
  placeOf(destination: string): Place | undefined {
    return [...this.#byId.values()].findLast((entry) => entry.destination === destination && entry.place)?.place
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
    const { id, destination, ack, refusal } = entry
    refusal.value = undefined
    const own: Header[] = [
      ['id', id],
      ['destination', destination],
    ]
    // `auto` is what a server takes without the header.
    if (ack !== 'auto') own.push(['ack', ack])
    entry.isActive.value = this.#transmit({ command: Command.SUBSCRIBE, headers: [...own, ...entry.nextHeaders()] })
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
