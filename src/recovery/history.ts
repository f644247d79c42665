/**
 * History, as clients and the bus meet it: a message that has a position is delivered in order, one that should have one is
 * recorded first, and a subscription that asks begins where it was. Knows feeds; never a connection.
 */
import { createHash } from 'node:crypto'
import type { Broker, Claim } from '../broker/broker.ts'
import type { HistoryRules, KeptDestination } from '../broker/history-rules.ts'
import type { KeptReceiver } from '../broker/inbound.ts'
import type { Clock } from '../clock.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { isEmptyTopic, type Feed } from '../delivery/feed.ts'
import { isPattern } from '../destinations.ts'
import { ProtocolError, quoted } from '../errors.ts'
import { KEPT_CHANNEL } from '../history/channels.ts'
import type { HistoryLog } from '../history/log.ts'
import type { PageGarbage } from '../history/page-garbage.ts'
import type { StreamSource } from '../history/stream.ts'
import { LogBudget, type Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { decodeBroadcast, encodeKept, type InboundMessage, type KeptFields } from '../routes/payload.ts'
import type { StreamRoute } from '../routes/stream-route.ts'
import { noHistory } from './archive.ts'
import type { Ask } from './ask.ts'
import { messageAt, messageOfEntry } from './messages.ts'
import { Pacer } from './pacer.ts'
import { RecentAsks } from './recent-asks.ts'
import { RecentBudget } from './recent-budget.ts'
import { Recorder } from './recorder.ts'
import { Recovery } from './recovery.ts'
import { Streams } from './streams.ts'
import { Timeline, type TimelineDeps } from './timeline.ts'

export interface HistoryDeps {
  readonly rules: HistoryRules
  readonly log: HistoryLog
  /** Of what is read from the log; undefined where none is collected between pages. */
  readonly garbage?: PageGarbage | undefined
  /** Streams of backends, which have a history of their own. */
  readonly streams?: { readonly routes: readonly StreamRoute[]; readonly source: StreamSource } | undefined
  readonly broker: Broker
  readonly delivery: Delivery
  readonly clock: Clock
  readonly logger: Log
  readonly metrics: Metrics
}

/** Timelines of destinations that only patterns have subscribed; beyond it the oldest is forgotten. */
const MAX_TIMELINES = 10_000
/** Histories that are kept up although nobody reads them, as others may come back, and about what they may take in bytes. */
const MAX_LINGERING = 1000
const MAX_LINGERING_BYTES = 64 * 1024 * 1024
/** Reads that Redis refuses, and that are logged in a window. */
const REFUSALS_PER_WINDOW = 3
/** What is kept for those who come back to all destinations, about, in bytes. */
const MAX_RECENT_BYTES = 256 * 1024 * 1024
/** How often memory is tidied, in milliseconds. */
const TIDY_MS = 10_000
/** A recorder that has had nothing to do for so long is forgotten, in milliseconds. */
const IDLE_MS = 60_000

export class History implements KeptReceiver {
  readonly #deps: HistoryDeps
  readonly #timelineDeps: TimelineDeps
  readonly #pacer: Pacer
  readonly #timelines = new Map<string, Timeline>()
  /** Of those without a subscriber that many have come back to: what they hold of the bus. */
  readonly #lingering = new Map<Timeline, Claim>()
  /** Of those that were forgotten. */
  readonly #asks = new Map<string, RecentAsks>()
  readonly #recorders = new Map<string, Recorder>()
  readonly #recoveries = new Map<Feed, Recovery>()
  readonly #refusalLog = new LogBudget(REFUSALS_PER_WINDOW)
  /** Undefined if none is read. */
  readonly streams: Streams | undefined
  #timer: unknown
  #isAvailable = false
  #hasBegun = false

  constructor(deps: HistoryDeps) {
    const { log, broker, delivery, clock, logger, metrics } = deps
    this.#deps = deps
    this.#pacer = new Pacer(clock, deps.garbage)
    this.#timelineDeps = {
      log,
      broker,
      delivery,
      clock,
      logger,
      metrics,
      budget: new RecentBudget(MAX_RECENT_BYTES),
      messageOf: (...entry) => messageOfEntry(...entry, logger),
    }
    this.streams = deps.streams && new Streams({ ...deps, ...deps.streams })
    this.#arm()
  }

  /**
   * May a subscription to this (internal) destination ask?
   * Errors: ProtocolError `no-history`; `bad-header` for a pattern.
   */
  requireAskable(destination: string, shown: string): void {
    if (isPattern(destination)) {
      throw new ProtocolError('bad-header', `Cannot ask for the history of ${quoted(shown)}: it is a pattern`)
    }
    if (!this.isAskable(destination)) throw noHistory(shown)
  }

  /** Has this destination a history: its own, or that of a stream? */
  isAskable(destination: string): boolean {
    return this.has(destination) || (this.streams?.has(destination) ?? false)
  }

  /** Does what is subscribed here begin with something from the history? */
  hasBeginning(destination: string, ask: Ask | undefined): boolean {
    const kept = this.#deps.rules.of(destination)
    if (!kept) return ask !== undefined && (this.streams?.has(destination) ?? false)
    return ask !== undefined || kept.rule.retain
  }

  /**
   * A feed was opened. Returns a promise if it begins with something from the history, which it resolves when the feed has
   * been told where it stands, or if a stream cannot feed it yet. `live`: resolves when the bus feeds it, and may never.
   */
  opened(feed: Feed, ask: Ask | undefined, live: Promise<void> | undefined): Promise<void> | undefined {
    const kept = this.#deps.rules.of(feed.topic.destination)
    if (!kept) return this.streams?.opened(feed, ask, live, this.#pacer)
    const timeline = this.#obtain(kept, live !== undefined)
    if (feed.isTold) timeline.told.add(feed)
    // What was sent until then did not come: neither may it be missing, nor wait for the next message.
    const heard = this.#deps.broker.hearsByInterest ? live?.then(() => void timeline.catchUp()) : live
    if (!feed.isRecovering) {
      if (heard !== live)
        heard?.catch(() => {}) // who has subscribed it is told
      else if (!timeline.isLive && this.#isAvailable) void timeline.catchUp()
      return undefined
    }
    const isRetained = kept.rule.retain && (!ask || (ask.kind === 'last' && ask.withRetained === true))
    return new Promise((resolve, reject) => {
      const { delivery, metrics, logger } = this.#deps
      const recovery = new Recovery(
        { timeline, delivery, pacer: this.#pacer, metrics, logger },
        {
          feed,
          ask: !ask || isRetained ? { kind: 'last', count: 1 } : ask,
          isRetained,
          onStarted: resolve,
          onRefused: (error) => {
            if (this.#refusalLog.take())
              logger.warn({ destination: kept.target.destination, error: error.cause }, error.message)
            reject(error)
          },
        },
      )
      this.#recoveries.set(feed, recovery)
      if (heard) heard.then(() => recovery.step(), reject)
      else recovery.step()
    })
  }

  /** It has ended. */
  closed(feed: Feed): void {
    this.streams?.closed(feed)
    this.#recoveries.get(feed)?.close()
    this.#recoveries.delete(feed)
    const { destination } = feed.topic
    const isLast = isEmptyTopic(feed.topic)
    if (isLast && this.#deps.broker.hearsByInterest && isPattern(destination)) this.#forgetUnheard()
    const timeline = this.#timelines.get(destination)
    if (!timeline) return
    timeline.told.delete(feed)
    if (isLast && !this.#isWanted(timeline)) this.#leave(timeline)
  }

  /** See {@link Streams.lagMs}. */
  get streamLagMs(): number {
    return this.streams?.lagMs ?? 0
  }

  /** The histories that this node reads now. */
  get inUse(): Iterable<Pick<Timeline, 'destination' | 'rule' | 'keptBytes'>> {
    return this.#timelines.values()
  }

  // --- From the bus

  has(destination: string): boolean {
    return this.#deps.rules.of(destination) !== undefined
  }

  received(destination: string, message: InboundMessage, kept: KeptFields, sender: string | undefined): void {
    const { offset, epoch, previous, source } = kept
    if (source !== undefined) this.#recorders.get(destination)?.heard(source)
    let timeline = this.#timelines.get(destination)
    if (!timeline) {
      const rule = this.#deps.rules.of(destination)
      if (!rule || this.#deps.broker.match(destination).length === 0) return
      timeline = this.#obtain(rule)
    }
    timeline.heard(messageAt(destination, message, { offset, epoch }, sender), previous)
  }

  unrecorded(
    destination: string,
    message: InboundMessage,
    sender: string | undefined,
    channel: string,
    payload: Uint8Array,
  ): void {
    const kept = this.#deps.rules.of(destination)
    if (!kept) return
    let recorder = this.#recorders.get(destination)
    if (!recorder) {
      const { log, clock, metrics, logger } = this.#deps
      recorder = new Recorder(kept.target, { log, channel: KEPT_CHANNEL, clock, metrics, logger })
      this.#recorders.set(destination, recorder)
    }
    const source = createHash('sha1').update(channel).update('\0').update(payload).digest('base64url')
    recorder.add({ payload: encodeKept(destination, message, sender), source })
  }

  /** What some node has recorded has come. */
  recorded(payload: Uint8Array): void {
    try {
      const { topic, message, sender, kept } = decodeBroadcast(payload)
      if (kept && this.has(topic)) this.received(topic, message, kept, sender)
    } catch (error) {
      this.#deps.logger.warn({ error }, 'A recorded message cannot be read')
    }
  }

  /** The log of a destination was emptied, by some node. */
  cleared(destination: string): void {
    void this.#timelines.get(destination)?.catchUp()
  }

  /** So many as were recorded of a destination have come. */
  caughtUp(destination: string, recorded: number): void {
    this.#recorders.get(destination)?.caughtUp(recorded)
  }

  /** The bus went, for a reason, or has come back: messages may have been missed. */
  setUnavailableReason(reason: string | undefined): void {
    this.#isAvailable = reason === undefined
    if (this.#isAvailable && !this.#hasBegun && !this.#deps.rules.isEmpty) {
      this.#hasBegun = true
      this.#deps.log.begin().catch(() => (this.#hasBegun = false))
    }
    for (const recorder of this.#recorders.values()) recorder.reset()
    for (const timeline of this.#lingering.keys()) this.#forget(timeline)
    for (const timeline of this.#timelines.values()) {
      timeline.lose()
      if (this.#isAvailable) void timeline.catchUp()
    }
  }

  close(): void {
    this.#deps.clock.clearTimeout(this.#timer)
    this.#pacer.close()
    for (const timeline of this.#timelines.values()) timeline.close()
    for (const recorder of this.#recorders.values()) recorder.reset()
  }

  // --- Inside

  /** `isUnfed`: does the bus not feed it yet? */
  #obtain({ rule, target: { destination } }: KeptDestination, isUnfed = false): Timeline {
    const known = this.#timelines.get(destination)
    if (known && !(isUnfed && this.#lingering.has(known))) {
      this.#endLingering(known)
      return known
    }
    if (known) this.#forget(known) // it was refused meanwhile: something may be missing
    if (this.#timelines.size >= MAX_TIMELINES) this.#forgetOldest()
    const asks = this.#asks.get(destination) ?? new RecentAsks(this.#deps.clock)
    this.#asks.delete(destination)
    const timeline = new Timeline(destination, rule, asks, this.#timelineDeps)
    this.#timelines.set(destination, timeline)
    return timeline
  }

  /** Nobody reads it any more. Where many come back, the next one finds it as it was. */
  #leave(timeline: Timeline): void {
    if (timeline.asks.isShared && timeline.isLive && this.#hasRoomFor(timeline)) {
      const claim = this.#deps.broker.claim(timeline.destination)
      if (!claim.liveness) {
        this.#lingering.set(timeline, claim)
        return
      }
      claim.release()
    }
    this.#forget(timeline)
  }

  #hasRoomFor({ keptBytes }: Timeline): boolean {
    if (this.#lingering.size >= MAX_LINGERING) return false
    let bytes = keptBytes
    for (const other of this.#lingering.keys()) bytes += other.keptBytes
    return bytes <= MAX_LINGERING_BYTES
  }

  #endLingering(timeline: Timeline): void {
    this.#lingering.get(timeline)?.release()
    this.#lingering.delete(timeline)
  }

  /** Those that only a pattern had subscribed hear nothing any more, and whoever comes next is not to get what they miss. */
  #forgetUnheard(): void {
    for (const timeline of this.#timelines.values()) {
      if (!this.#lingering.has(timeline) && !this.#isWanted(timeline)) this.#forget(timeline)
    }
  }

  /** Has somebody subscribed it, also by a pattern? */
  #isWanted({ destination }: Timeline): boolean {
    return this.#deps.broker.match(destination).length > 0
  }

  /** One that only patterns have subscribed begins anew with the next message. */
  #forgetOldest(): void {
    for (const timeline of this.#timelines.values()) {
      if (this.#deps.broker.isSubscribed(timeline.destination)) continue
      this.#forget(timeline)
      return
    }
  }

  #forget(timeline: Timeline): void {
    const { destination, asks } = timeline
    timeline.close()
    this.#endLingering(timeline)
    this.#timelines.delete(destination)
    if (!asks.isRecent) return
    if (this.#asks.size >= MAX_TIMELINES) for (const oldest of this.#asks.keys()) if (this.#asks.delete(oldest)) break
    this.#asks.set(destination, asks)
  }

  #arm(): void {
    this.#timer = this.#deps.clock.setTimeout(() => {
      for (const timeline of this.#lingering.keys()) if (!timeline.asks.isRecent) this.#forget(timeline)
      for (const timeline of this.#timelines.values()) timeline.tidy()
      for (const [destination, asks] of this.#asks) if (!asks.isRecent) this.#asks.delete(destination)
      for (const [destination, recorder] of this.#recorders) {
        if (recorder.isIdleFor(IDLE_MS)) this.#recorders.delete(destination)
      }
      this.#arm()
    }, TIDY_MS)
  }
}
