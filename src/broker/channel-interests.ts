/**
 * Which channels and patterns are subscribed on the bus, and for whom: counted, released a moment after the last one
 * left, and arranged so that a payload is delivered exactly once although Redis sends it once per matching subscription.
 *
 * The rule that makes this safe without looking at Redis's replies: a route fed by an exact channel and by its pattern
 * takes the exact copy. Exact channels are only ever added while the pattern is not there, and only ever dropped
 * while it is not there; so no payload falls between the two, whatever the timing.
 */
import { BusRefusedError, DESTINATION_PREFIX, type Bus, type SubscriptionKind } from '../bus/bus.ts'
import { globToRegExp } from '../glob.ts'
import type { ChannelInterest, InboundRoute } from '../routes/table.ts'
import { newSignal } from '../signal.ts'
import { newHold, type BusInterest, type Entry, type Hold, type Liveness, type Part } from './hold.ts'

/** Patterns that may be subscribed at a time because clients want them: Redis compares each message with all of them. */
const MAX_PATTERNS = 64
/** A channel that has to outlive its route's pattern is looked at again after this time at the earliest, in milliseconds. */
const MIN_RECHECK_MS = 1000

export class ChannelInterests {
  readonly #bus: Bus
  readonly #releaseDelayMs: number
  readonly #channels = new Map<string, Entry>()
  readonly #patterns = new Map<string, Entry>()
  /** What the bridge cannot do without. */
  readonly #kept = new Set<Entry>()
  #permanent: readonly Part[] = []
  /** Called after the bus has refused something that was live; `refusalOf` says whom it concerns. */
  onRefusal: (() => void) | undefined
  /** Everybody who waits to be live. */
  readonly #waiting = new Set<Hold>()
  #isBusAvailable = false
  #isClosed = false

  constructor(bus: Bus, releaseDelayMs: number) {
    this.#bus = bus
    this.#releaseDelayMs = releaseDelayMs
  }

  /** Subscribe a channel for good, whatever the routes want of it. */
  keep(channel: string): void {
    const entry = this.#obtain('channel', channel)
    entry.holders++
    this.#kept.add(entry)
  }

  /** Hold for good what these routes need, and nothing any more that others needed before. */
  keepRoutes(interests: readonly ChannelInterest[]): void {
    const before = this.#permanent
    this.#permanent = this.#changed(before, interests)
    for (const part of before) if (!this.#permanent.includes(part)) this.#drop(part)
    this.#releaseOutlived()
  }

  /** The routes have changed: from here on this is what a hold needs. Returns what is new in it. */
  change(hold: Hold, interests: readonly BusInterest[]): readonly BusInterest[] {
    const before = hold.entries
    hold.entries = this.#changed(before, interests)
    for (const part of before) {
      if (hold.entries.includes(part)) continue
      part.entry.waiting.delete(hold)
      this.#drop(part)
    }
    if (hold.pending) {
      for (const { entry } of hold.entries) entry.waiting.add(hold)
      this.#settleIfLive(hold)
    }
    return interests.filter(({ route }) => !before.some((part) => part.route === route))
  }

  /** These routes are no more: nothing is delivered for them. */
  retire(routes: readonly InboundRoute[]): void {
    for (const entries of [this.#channels, this.#patterns]) {
      for (const entry of entries.values()) for (const route of routes) entry.routes.delete(route)
    }
    this.#releaseOutlived()
  }

  /** Take what a subscription to this destination needs. */
  hold(interests: readonly BusInterest[]): Hold {
    for (const entry of this.#kept) this.#askIfRefused(entry)
    return newHold(
      interests.map((interest) => this.#acquire(interest)),
      true,
    )
  }

  /** May this pattern be subscribed beside the others? */
  hasRoomFor(pattern: string): boolean {
    return this.#patterns.has(pattern) || this.#patterns.size < MAX_PATTERNS
  }

  /** Take the same for one subscription more. False if not all of it is live: then it has to have a hold of its own, to wait with. */
  share(hold: Hold): boolean {
    if (hold.users === 0 || !this.isLive(hold)) return false
    hold.users++
    return true
  }

  get isBusAvailable(): boolean {
    return this.#isBusAvailable
  }

  /** Is everything held fed by the bus? */
  isLive(hold: Hold): boolean {
    if (!this.#isBusAvailable) return false
    for (const { entry } of hold.entries) if (!entry.isLive) return false
    return !hold.needsKept || this.#keptRefusal === undefined
  }

  /** Has the bus taken everything held? It keeps that while it is away. */
  isTaken(hold: Hold): boolean {
    return hold.entries.every(({ entry }) => entry.isLive)
  }

  /** Why the bus does not feed what is held; undefined where it may still. */
  refusalIn(hold: Hold): BusRefusedError | undefined {
    for (const { entry } of hold.entries) if (entry.refusal) return entry.refusal
    return hold.needsKept ? this.#keptRefusal : undefined
  }

  /** The same of what was live; undefined where it never was, or where `whenLive` has told it. */
  refusalOf(hold: Hold): BusRefusedError | undefined {
    return hold.pending || hold.isToldOfRefusal ? undefined : this.refusalIn(hold)
  }

  /** Why the bridge cannot do its work although the bus is there: the bus refuses what is held for good. */
  get unavailableReason(): string | undefined {
    for (const { kind, name, refusal } of [...this.#kept, ...this.#permanent.map(({ entry }) => entry)]) {
      if (refusal) return `Redis refuses the ${kind} ${JSON.stringify(name)}: ${refusal.message}`
    }
    return undefined
  }

  /**
   * Take one channel for who wants to see its payloads. It is always subscribed by its name, also beside a pattern: no
   * route of a subscription is added by it, so what those get does not change.
   */
  holdChannel(channel: string): Hold {
    const entry = this.#obtain('channel', channel)
    clearTimeout(entry.releaseTimer)
    entry.releaseTimer = undefined
    entry.holders++
    return newHold([{ entry, route: undefined }], false)
  }

  /** Undefined if everything held is live. Ask once per hold, or again after a rejection: it is then told when it is live. */
  whenLive(hold: Hold, refusal: (cause: BusRefusedError) => Error = (cause) => cause): Liveness | undefined {
    if (this.isLive(hold)) return undefined
    this.#waiting.add(hold)
    for (const { entry } of hold.entries) entry.waiting.add(hold)
    const live = newSignal()
    const liveOrLost = newSignal()
    hold.pending = { live, liveOrLost, refusal }
    if (!this.#isBusAvailable) liveOrLost.resolve()
    return { live: live.promise, liveOrLost: liveOrLost.promise }
  }

  release(hold: Hold): void {
    if (--hold.users > 0) return
    for (const part of hold.entries) this.#drop(part)
    this.#settle(hold)
  }

  /** The bus came or went; on its return it has subscribed everything again. */
  setBusAvailable(isAvailable: boolean): void {
    this.#isBusAvailable = isAvailable
    if (!isAvailable) this.#dropOutlived()
    for (const hold of this.#waiting) {
      if (isAvailable) this.#settleIfLive(hold)
      else hold.pending?.liveOrLost.resolve()
    }
  }

  /** The bus refuses a channel or pattern, or takes it again. */
  setRefusal(kind: SubscriptionKind, name: string, refusal: BusRefusedError | undefined): void {
    const entry = this.#entriesOf(kind).get(name)
    if (!entry) return
    if (refusal) this.#refused(entry, refusal)
    else this.#live(entry)
  }

  /** The routes that a payload, which came in this way, is to be delivered for. */
  routesFor(channel: string, pattern: string | undefined): InboundRoute[] {
    const exact = this.#channels.get(channel)
    if (pattern === undefined) {
      if (!exact) return []
      // It can be here before the word that the bus takes the channel again: from now on this copy counts.
      if (exact.refusal) this.#live(exact)
      return [...exact.routes.keys()]
    }
    const entry = this.#patterns.get(pattern)
    if (!entry) return []
    if (entry.refusal) this.#live(entry)
    return [...entry.routes.keys()].filter((route) => !exact || exact.refusal || !exact.routes.has(route))
  }

  /**
   * Of the copies of a payload without a route, which come one for each way that is subscribed: is this the one that counts
   * where it must be taken once? The exact one is, or else that of the oldest pattern.
   */
  isFirstCopy(channel: string, pattern: string | undefined): boolean {
    if (pattern === undefined) return true
    if (this.#channels.get(channel)?.isLive) return false
    for (const [name, { isLive }] of this.#patterns) {
      if (isLive && name.startsWith(DESTINATION_PREFIX) && globToRegExp(name).test(channel)) return name === pattern
    }
    return true
  }

  close(): void {
    this.#isClosed = true
    for (const entries of [this.#channels, this.#patterns]) {
      for (const entry of entries.values()) clearTimeout(entry.releaseTimer)
    }
  }

  /** What is held for the same route stays as it is: for one destination a route wants one thing. */
  #changed(before: readonly Part[], interests: readonly BusInterest[]): Part[] {
    return interests.map((interest) => before.find(({ route }) => route === interest.route) ?? this.#acquire(interest))
  }

  #drop({ entry, route }: Part): void {
    const holders = route && entry.routes.get(route)
    // one that was retired is not listed any more
    if (holders !== undefined) entry.routes.set(route!, holders - 1)
    if (--entry.holders === 0) this.#releaseLater(entry, this.#releaseDelayMs)
  }

  #acquire({ kind, name, route }: BusInterest): Part {
    const covering = route && this.#coveringPattern({ kind, name, route })
    const entry = covering ?? this.#obtain(kind, name)
    clearTimeout(entry.releaseTimer)
    entry.releaseTimer = undefined
    entry.holders++
    if (route) entry.routes.set(route, (entry.routes.get(route) ?? 0) + 1)
    return { entry, route }
  }

  /** While a route's pattern is subscribed, for this route or another, it serves also those who want one channel of it. */
  #coveringPattern({ kind, name, route }: ChannelInterest): Entry | undefined {
    if (kind === 'pattern' || route.channel.isFixed) return undefined
    if (this.#channels.get(name)?.routes.has(route)) return undefined
    const pattern = this.#patterns.get(route.channel.glob)
    return pattern?.refusal ? undefined : pattern
  }

  #obtain(kind: Entry['kind'], name: string): Entry {
    const entries = this.#entriesOf(kind)
    const existing = entries.get(name)
    if (existing) {
      this.#askIfRefused(existing)
      return existing
    }
    const entry: Entry = {
      kind,
      name,
      routes: new Map(),
      holders: 0,
      isLive: false,
      refusal: undefined,
      waiting: new Set(),
      releaseTimer: undefined,
    }
    entries.set(name, entry)
    this.#ask(entry)
    return entry
  }

  /** The bus asks by itself now and then; somebody who waits wants to know it now. */
  #askIfRefused(entry: Entry): void {
    if (entry.refusal) this.#ask(entry)
  }

  #ask(entry: Entry): void {
    const { kind, name } = entry
    const live = kind === 'channel' ? this.#bus.subscribe(name) : this.#bus.psubscribe(name)
    live.then(
      () => this.#live(entry),
      (error: unknown) => {
        // Otherwise the bus is closed, and everybody is told in another way.
        if (error instanceof BusRefusedError) this.#refused(entry, error)
      },
    )
  }

  #live(entry: Entry): void {
    entry.isLive = true
    entry.refusal = undefined
    for (const hold of this.#waitingFor(entry)) this.#settleIfLive(hold)
  }

  /** Nobody gets it. Those who wait are told here, those who had it by `onRefusal`. */
  #refused(entry: Entry, refusal: BusRefusedError): void {
    const wasLive = entry.isLive
    entry.isLive = false
    entry.refusal = refusal
    for (const hold of this.#waitingFor(entry)) {
      hold.isToldOfRefusal = true
      hold.pending?.live.reject(hold.pending.refusal(refusal))
      this.#endWaiting(hold)
    }
    if (wasLive && this.#entriesOf(entry.kind).get(entry.name) === entry) this.onRefusal?.()
  }

  #waitingFor(entry: Entry): Hold[] {
    if (!this.#kept.has(entry)) return [...entry.waiting]
    return [...this.#waiting].filter((hold) => hold.needsKept || entry.waiting.has(hold))
  }

  get #keptRefusal(): BusRefusedError | undefined {
    for (const { refusal } of this.#kept) if (refusal) return refusal
    return undefined
  }

  #entriesOf(kind: Entry['kind']): Map<string, Entry> {
    return kind === 'channel' ? this.#channels : this.#patterns
  }

  #releaseLater(entry: Entry, delayMs: number): void {
    if (this.#isClosed) return
    clearTimeout(entry.releaseTimer)
    entry.releaseTimer = setTimeout(() => this.#releaseNow(entry), delayMs)
  }

  #releaseNow(entry: Entry): void {
    entry.releaseTimer = undefined
    if (entry.holders > 0 || this.#entriesOf(entry.kind).get(entry.name) !== entry) return
    if (entry.kind === 'pattern') {
      this.#patterns.delete(entry.name)
      this.#bus.punsubscribe(entry.name)
      return
    }
    for (const route of entry.routes.keys()) {
      const pattern = this.#patterns.get(route.channel.glob)
      if (!pattern?.routes.has(route)) continue
      if (entry.refusal || pattern.refusal) continue // copies come one way at most
      // the route's pattern is there: the exact channel has to outlive it, or the connection that both are on
      if (this.#permanent.some(({ entry: each }) => each === pattern)) return
      this.#releaseLater(entry, Math.max(this.#releaseDelayMs, MIN_RECHECK_MS))
      return
    }
    this.#channels.delete(entry.name)
    this.#bus.unsubscribe(entry.name)
  }

  /** No copy of a payload is on its way any more: exact channels that only had to outlive a pattern can go. */
  #dropOutlived(): void {
    for (const [name, { holders, releaseTimer }] of this.#channels) {
      if (holders > 0 || releaseTimer !== undefined) continue
      this.#channels.delete(name)
      this.#bus.unsubscribe(name)
    }
  }

  /** What had to outlive a pattern that was there for good is looked at again. */
  #releaseOutlived(): void {
    for (const entry of this.#channels.values()) {
      if (entry.holders === 0 && entry.releaseTimer === undefined) this.#releaseLater(entry, this.#releaseDelayMs)
    }
  }

  #settleIfLive(hold: Hold): void {
    if (this.isLive(hold)) this.#settle(hold)
  }

  #settle(hold: Hold): void {
    hold.isToldOfRefusal = false
    hold.pending?.live.resolve()
    this.#endWaiting(hold)
  }

  #endWaiting(hold: Hold): void {
    this.#waiting.delete(hold)
    for (const { entry } of hold.entries) entry.waiting.delete(hold)
    hold.pending?.liveOrLost.resolve()
    hold.pending = undefined
  }
}
