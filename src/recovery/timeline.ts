/**
 * What this node has delivered of one destination with history, in order: a message that is missing is read from the log
 * before the next one is delivered. Those who come back begin here, and join when they have read as far.
 */
import type { Broker } from '../broker/broker.ts'
import { BusRefusedError, NotStoredError } from '../bus/bus.ts'
import type { HistoryRule } from '../broker/history-rules.ts'
import type { Clock } from '../clock.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Feed } from '../delivery/feed.ts'
import type { Message } from '../delivery/message.ts'
import { numberOf, timeOf, type HistoryLog, type LogEntry, type LogPage } from '../history/log.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { compareOffsets, type Position } from '../position.ts'
import { isBeyond, numberIn, readFor, startOf, startOfAll, type Ask, type Start } from './ask.ts'
import { Doubts } from './doubts.ts'
import type { RecentAsks } from './recent-asks.ts'
import type { RecentBudget } from './recent-budget.ts'
import { RecentMessages } from './recent-messages.ts'
import type { Run } from './run.ts'

export interface TimelineDeps {
  readonly log: HistoryLog
  readonly broker: Pick<Broker, 'match' | 'deliver'>
  readonly delivery: Delivery
  readonly clock: Clock
  readonly logger: Log
  readonly metrics: Metrics
  readonly budget: RecentBudget
  /** Returns the message of an entry; undefined if nobody can read it. */
  messageOf(destination: string, entry: LogEntry, epoch: string): Message
}

/** Somebody who reads the history, as the timeline knows it. */
export interface Reader {
  /** The last that it has got. */
  readonly position: Position
  /** Something that it has waited for has come. */
  step(): void
}

/** Of a page for one reader: it takes memory until that has read it. */
const PAGE = { maxEntries: 1000, maxLength: 32 * 1024 }
/** Of a page for all who read. */
const SHARED_PAGE = { maxEntries: 10_000, maxLength: 2 * 1024 * 1024 }
/** When a read has failed although Redis is there, it is tried again after this time, in milliseconds. */
const RETRY_MS = 1000

export class Timeline {
  readonly destination: string
  readonly rule: HistoryRule
  readonly asks: RecentAsks
  /** Those who are told when something is lost. */
  readonly told = new Set<Feed>()
  readonly #deps: TimelineDeps
  /** Everything up to here was delivered; undefined while nothing is known, or if there has never been a message. */
  #position: Position | undefined
  /** Is nothing missing here that the log has had when it was looked at last? */
  #isLive = false
  #isReading = false
  /** Is it being read where live begins? */
  #isBeginning = false
  #isStale = false
  /** There was no log when it was looked for. */
  #isEmpty = false
  #isClosed = false
  /** Was the position read, and has nothing come and nobody joined since? What was published before the read may still come. */
  #isFirst = false
  /** The newest that has come of that: it comes once for each way by which the bus brings it. */
  #lateOffset: string | undefined
  /** Who waits for `isLive`. */
  #waiting: (() => void)[] = []
  /** Readers that have read more than was heard here. */
  readonly #ahead = new Set<Reader>()
  /** The newest messages, for those who come back. */
  readonly #recent: RecentMessages
  readonly #doubts: Doubts
  #retry: unknown
  /** Why it cannot be read, though Redis is there; undefined as long as it can. */
  #refusal: BusRefusedError | NotStoredError | undefined

  constructor(destination: string, rule: HistoryRule, asks: RecentAsks, deps: TimelineDeps) {
    this.destination = destination
    this.rule = rule
    this.asks = asks
    this.#deps = deps
    this.#doubts = new Doubts(deps.clock, () => this.#read({ kind: 'none' }, PAGE))
    this.#recent = new RecentMessages(
      rule,
      { ...deps, asks },
      {
        position: () => this.position,
        read: (from) => this.#read(from, SHARED_PAGE),
        messagesOf: (page) => this.#messagesOf(page),
        changed: () => void this.#changed(),
      },
    )
  }

  /** Where the messages that are delivered stand; undefined while it has to be waited for. */
  get position(): Position | undefined {
    return this.#isLive ? this.#position : undefined
  }

  /** Is it known that there has never been a message, and nobody has asked where it stands? */
  get isEmpty(): boolean {
    return this.#isLive && this.#isEmpty
  }

  get refusal(): BusRefusedError | NotStoredError | undefined {
    return this.#refusal
  }

  /** Need nothing be read before a message can be delivered? */
  get isLive(): boolean {
    return this.#isLive
  }

  /** About how much memory is kept for those who come back, in bytes. */
  get keptBytes(): number {
    return this.#recent.run?.bytes ?? 0
  }

  /** A message has come over the bus. `previous`: offset of the one before it. */
  heard(message: Message, previous: string): void {
    const { offset, epoch } = message.position!
    const known = this.#position
    const isNext = known
      ? known.epoch === epoch && known.offset === previous
      : !this.#isEmpty || numberOf(previous) === 0
    // It is read, unless the read is older than it. But the first read only says where live begins. Once that was heard, what
    // follows is delivered as it comes: a short log may hold it no longer when it is read.
    if (this.#isReading && known && !(this.#isBeginning && isNext)) {
      this.#isStale = true
      return
    }
    if (isNext) {
      this.#accept(message)
      if (!this.#isReading) this.#isLive = true
      return
    }
    if (known?.epoch === epoch && compareOffsets(offset, known.offset) <= 0) {
      // Others have it already, but for those that were here before it was said where live begins.
      if (this.#isFirst && (!this.#lateOffset || compareOffsets(offset, this.#lateOffset) > 0)) {
        this.#lateOffset = offset
        this.#deps.broker.deliver(this.#deps.broker.match(this.destination), message)
      }
      return
    }
    void this.catchUp()
  }

  /** Reads what the log has beyond what was delivered, and delivers it. */
  async catchUp(): Promise<void> {
    if (this.#isClosed) return
    if (this.#isReading) {
      this.#isStale = true // what is being read may be older than what it is asked for
      return
    }
    this.#isReading = true
    this.#isLive = false
    try {
      do {
        this.#isStale = false
        await this.#readOn()
      } while (this.#isStale && !this.#isClosed)
      this.#isReading = false
      if (this.#isClosed) return
      this.#isLive = true
      this.#refusal = undefined
      for (const resume of this.#waiting.splice(0)) resume()
      for (const reader of [...this.#ahead]) reader.step()
    } catch (error) {
      this.#isReading = false
      this.#isBeginning = false
      const { logger, clock } = this.#deps
      logger.debug({ destination: this.destination, error }, 'The history of a destination could not be read')
      if (this.#isClosed) return
      this.#retry ??= clock.setTimeout(() => this.#retryNow(), RETRY_MS)
      if (!(error instanceof BusRefusedError || error instanceof NotStoredError)) return
      this.#refusal = error
      for (const resume of this.#waiting.splice(0)) resume()
    }
  }

  /** Somebody has read as far as live is: what is older than that is not for everybody any more. */
  joined(): void {
    this.#isFirst = false
  }

  /** Nothing can be heard until `catchUp`. */
  lose(): void {
    this.#isFirst = false
    this.#isLive = false
  }

  close(): void {
    this.#isClosed = true
    this.#recent.clear()
    this.#doubts.close()
    this.#deps.clock.clearTimeout(this.#retry)
  }

  /** Somebody reads no more. */
  forget(reader: Reader): void {
    this.#ahead.delete(reader)
  }

  /** Frees memory that nobody has asked for lately. */
  tidy(): void {
    this.#recent.tidy()
  }

  /** Calls back when `position` is known, and when it is known that it cannot be read. */
  whenLive(resume: () => void): void {
    this.#waiting.push(resume)
    if (!this.#isReading && this.#retry === undefined) void this.catchUp()
  }

  /** Somebody has read beyond what was heard here; it is called when that is heard. */
  waitFor(reader: Reader): void {
    this.#ahead.add(reader)
  }

  // --- Those who come back

  /** Where to begin, if that can be said at once: undefined if something has to be read. Only when `position` is known. */
  startNow(ask: Ask): Start | undefined {
    this.asks.note()
    const { offset: newest } = this.#position!
    const lost = { recovered: undefined, missed: undefined }
    if (ask.kind === 'last' && ask.count === 0) return { offset: newest, ...lost }
    const { run } = this.#recent
    if (ask.kind === 'since') return this.#startSince(ask.position, run)
    if (!run) return undefined
    if (ask.kind === 'time') {
      const offset = run.offsetAt(ask.ms, timeOf)
      if (offset !== undefined) return { offset, recovered: true, missed: undefined }
      return run.isComplete ? { offset: run.before, recovered: false, missed: undefined } : undefined
    }
    const first = numberOf(newest) - Math.min(ask.count, this.rule.size)
    const offset = run.offsetOf(first) ?? (run.isComplete ? run.before : undefined)
    return offset === undefined ? undefined : { offset, ...lost }
  }

  #startSince({ offset, epoch }: Position, run: Run | undefined): Start | undefined {
    const { epoch: own, offset: newest } = this.#position!
    if (epoch === own) {
      if (offset === newest) return { offset, recovered: true, missed: undefined }
      // Others may have heard more: that is looked up.
      if (isBeyond(offset, newest)) return undefined
      const number = numberIn(offset)
      const known = run?.offsetOf(number)
      if (known !== undefined && (known === offset || number === 0)) {
        return { offset: known, recovered: true, missed: undefined }
      }
      const missed = run ? numberOf(run.before) - number : 0
      if (run?.isComplete && missed > 0) return { offset: run.before, recovered: false, missed }
    }
    return run?.isComplete ? startOfAll({ before: run.before, newest }) : undefined
  }

  /** The same, of the log. Resolves to undefined if that has changed meanwhile: ask again. Rejects as {@link HistoryLog.read}. */
  async start(ask: Ask): Promise<Start | undefined> {
    if (ask.kind === 'since' && this.#isDoubted(ask.position)) return this.#startBeyond(ask.position)
    if (this.asks.isShared && (await this.#recent.extend(ask))) {
      const start = this.position && this.startNow(ask)
      if (start) return start
    }
    const page = await this.#read(readFor(ask, this.rule.size), PAGE)
    if (!page || page.epoch !== this.#position?.epoch) return this.#changed()
    const start = startOf(ask, page)
    // The subscriber has heard more than this node, which is behind: for all that are here.
    if (start && ask.kind === 'since' && isBeyond(start.offset, this.#position.offset)) return this.#changed()
    if (start) return start
    const all = await this.#read({ kind: 'oldest' }, { maxEntries: 1, maxLength: 1 })
    return all && all.epoch === this.#position?.epoch ? startOfAll(all) : this.#changed()
  }

  /** Does somebody say that he has heard more than this node? */
  #isDoubted({ offset, epoch }: Position): boolean {
    const own = this.#position
    return epoch === own?.epoch && isBeyond(offset, own.offset)
  }

  async #startBeyond({ offset }: Position): Promise<Start | undefined> {
    const page = await this.#doubts.lookUp()
    // Then this node is behind, for all that are here.
    if (!page || page.epoch !== this.#position?.epoch || !isBeyond(offset, page.newest)) return this.#changed()
    return startOfAll(page)
  }

  /** Messages behind a position that are in memory; undefined if the next one is not. */
  after({ offset }: Position, most: number): readonly Message[] | undefined {
    const { run } = this.#recent
    const number = numberOf(offset)
    return run?.offsetOf(number) === offset ? run.after(number, most) : undefined
  }

  /**
   * Reads messages behind a position. Resolves to undefined if it is not known any more where they go on. Rejects as
   * {@link HistoryLog.read}.
   */
  async readAfter({ offset, epoch }: Position): Promise<readonly Message[] | undefined> {
    if (this.asks.isShared && (await this.#recent.extend({ kind: 'since', position: { offset, epoch } }))) {
      return this.after({ offset, epoch }, 1) ? [] : undefined
    }
    const page = await this.#read({ kind: 'after', offset }, PAGE)
    if (!page || page.epoch !== epoch) return undefined
    const [first] = page.entries
    if (first ? first.previous !== offset : page.newest !== offset) return undefined
    return this.#messagesOf(page)
  }

  // --- Inside

  async #readOn(): Promise<void> {
    const { metrics } = this.#deps
    let isFilled = false
    for (;;) {
      const known = this.#position
      const from = known
        ? ({ kind: 'after', offset: known.offset } as const)
        : this.#isEmpty
          ? ({ kind: 'oldest' } as const)
          : ({ kind: 'none' } as const)
      this.#isBeginning = !known
      const page = await this.#read(from, SHARED_PAGE, known)
      this.#isBeginning = false
      if (this.#isClosed) return
      if (!known && this.#position) return // it was heard meanwhile where live begins, and all behind that unless it is stale
      this.#isEmpty = !page && !known
      if (!page) return
      const offset = page.entries[0]?.previous ?? page.newest
      if (!known) {
        this.#position = { epoch: page.epoch, offset: from.kind === 'none' ? page.newest : offset }
        if (from.kind === 'none') {
          this.#isFirst = true
          this.#lateOffset = undefined
          return
        }
      } else if (known.epoch !== page.epoch || offset !== known.offset) {
        metrics.count.gapsNotFilled++
        if (known.epoch !== page.epoch) metrics.count.historiesAnew++
        // Redis may have gone back behind what was heard here, and be further now.
        const lost = numberOf(offset) - numberOf(known.offset)
        const missed = known.epoch === page.epoch && lost > 0 ? lost : undefined
        this.#broken({ epoch: page.epoch, offset }, numberOf(page.newest) - numberOf(offset), missed)
      } else if (page.entries.length > 0) isFilled = true
      for (const message of this.#messagesOf(page)) this.#accept(message)
      if (page.entries.length > 0 && this.#position!.offset !== page.newest) continue
      if (isFilled) metrics.count.gapsFilled++
      return
    }
  }

  #read(
    from: Parameters<HistoryLog['read']>[1]['from'],
    size: typeof PAGE,
    heard?: Position,
  ): Promise<LogPage | undefined> {
    // Its epoch is told to who has asked where it stands.
    const begin = this.told.size > 0 ? { beginForSeconds: this.rule.ttlSeconds } : {}
    return this.#deps.log.read(this.destination, { from, ...size, ...begin, heard })
  }

  /** The next one, for everybody. */
  #accept(message: Message): void {
    const { broker } = this.#deps
    this.#position = message.position!
    this.#isFirst = false
    this.#isEmpty = false
    this.#recent.push(message)
    broker.deliver(broker.match(this.destination), message)
    if (this.#ahead.size === 0) return
    for (const reader of [...this.#ahead]) if (reader.position.offset === message.position!.offset) reader.step()
  }

  /** What comes next does not follow what was delivered. */
  #broken(position: Position, count: number, missed: number | undefined): void {
    this.#position = position
    this.#recent.clear()
    this.#isFirst = false
    for (const feed of [...this.told]) {
      if (!feed.isRecovering)
        this.#deps.delivery.tell(feed, { position, from: position.offset, count, recovered: false, missed })
    }
  }

  #messagesOf({ entries, epoch }: LogPage): Message[] {
    return entries.map((entry) => this.#deps.messageOf(this.destination, entry, epoch))
  }

  /** The log is not what it was thought to be. */
  #changed(): undefined {
    void this.catchUp()
    return undefined
  }

  #retryNow(): void {
    this.#retry = undefined
    void this.catchUp()
  }
}
