/**
 * The newest messages of one destination, while several come back to it: what one of them has had read the others need
 * not read again. Owned by its timeline, which says where that stands.
 */
import type { HistoryRule } from '../broker/history-rules.ts'
import type { Clock } from '../clock.ts'
import type { Message } from '../delivery/message.ts'
import { numberOf, timeOf, type LogPage, type ReadFrom } from '../history/log.ts'
import type { Position } from '../position.ts'
import { isBeyond, numberIn, type Ask } from './ask.ts'
import type { RecentAsks } from './recent-asks.ts'
import type { RecentBudget } from './recent-budget.ts'
import { Run, type RunLimits } from './run.ts'

export interface RecentDeps {
  readonly asks: RecentAsks
  readonly budget: RecentBudget
  readonly clock: Clock
}

/** The timeline, as far as it is needed here. */
export interface RecentSource {
  /** Undefined while it has to be waited for. */
  position(): Position | undefined
  read(from: ReadFrom): Promise<LogPage | undefined>
  messagesOf(page: LogPage): Message[]
  /** The log is not what it was thought to be. */
  changed(): void
}

/** What is kept of one destination, in bytes. */
const MAX_BYTES = 32 * 1024 * 1024
/** So many more than it should hold a log has, for it is trimmed by whole nodes of a stream: `stream-node-max-entries` of Redis. */
const STREAM_NODE_ENTRIES = 100

export class RecentMessages {
  readonly #rule: HistoryRule
  readonly #asks: RecentAsks
  readonly #budget: RecentBudget
  readonly #clock: Clock
  readonly #source: RecentSource
  readonly #limits: RunLimits
  #run: Run | undefined
  /** What of it the budget knows, in bytes. */
  #counted = 0
  /** When what is held expires in the log too. */
  #untilMs = 0
  #extending: Promise<void> | undefined

  constructor(rule: HistoryRule, { asks, budget, clock }: RecentDeps, source: RecentSource) {
    this.#rule = rule
    this.#asks = asks
    this.#budget = budget
    this.#clock = clock
    this.#source = source
    // With some to spare: who asks for what is cut here is told that it is lost, so the log must not hold it any more.
    this.#limits = { maxMessages: 2 * rule.size + STREAM_NODE_ENTRIES, maxBytes: MAX_BYTES }
  }

  /** Undefined if nothing is kept. */
  get run(): Run | undefined {
    if (this.#run && this.#clock.now() > this.#untilMs) this.clear()
    return this.#run
  }

  /** The next one has been delivered. */
  push(message: Message): void {
    if (!this.#run) return
    this.#run.push(message, this.#limits)
    this.#untilMs = this.#clock.now() + this.#rule.ttlSeconds * 1000
    this.#count()
    if (this.#budget.isSpent) this.clear()
  }

  clear(): void {
    this.#run = undefined
    this.#count()
  }

  /** Frees memory that nobody has asked for lately. */
  tidy(): void {
    if (!this.#asks.isRecent) this.clear()
  }

  /** Reads back until what is asked for is here. False if it is not. Rejects as `read`. */
  async extend(ask: Ask): Promise<boolean> {
    for (;;) {
      const newest = this.#source.position()
      if (!newest) return false
      if (this.#isCovered(ask, newest)) return true
      if (this.#run && (this.#run.isComplete || this.#run.bytes > MAX_BYTES)) return false
      if (this.#budget.isSpent) return false
      this.#extending ??= this.#extendOnce(newest).finally(() => (this.#extending = undefined))
      await this.#extending
    }
  }

  #isCovered(ask: Ask, { offset: newest, epoch }: Position): boolean {
    const { run } = this
    if (!run) return false
    if (ask.kind === 'since') {
      const { offset } = ask.position
      if (ask.position.epoch !== epoch) return run.isComplete
      return !isBeyond(offset, newest) && (run.isComplete || run.offsetOf(numberIn(offset)) === offset)
    }
    if (run.isComplete) return true
    if (ask.kind === 'time') return timeOf(run.before) <= ask.ms
    return run.offsetOf(numberOf(newest) - Math.min(ask.count, this.#rule.size)) !== undefined
  }

  async #extendOnce({ offset: newest }: Position): Promise<void> {
    const run = (this.#run ??= this.#newRun(newest))
    const { before } = run
    const page = await this.#source.read({ kind: 'before', offset: nextOf(before) })
    if (this.#run !== run) return
    if (!page || page.epoch !== this.#source.position()?.epoch) {
      this.clear()
      this.#source.changed()
      return
    }
    // Where nothing is held nothing expires.
    const isEmpty = page.before === undefined
    this.#untilMs = isEmpty ? Infinity : this.#clock.now() + page.expiresInMs
    const last = page.entries.at(-1)
    if (run.before !== before || (last && last.offset !== before) || (isEmpty && !run.isEmpty)) {
      this.clear()
      return
    }
    if (last) run.prepend(this.#source.messagesOf(page), page.entries[0]!.previous)
    run.isComplete = run.before === (page.before ?? page.newest) || !last
    this.#count()
  }

  /** Tells the budget how much is kept now. */
  #count(): void {
    const bytes = this.#run?.bytes ?? 0
    this.#budget.add(bytes - this.#counted)
    this.#counted = bytes
  }

  #newRun(newest: string): Run {
    this.#untilMs = this.#clock.now() + this.#rule.ttlSeconds * 1000
    return new Run(newest)
  }
}

/** The smallest offset behind this one. */
function nextOf(offset: string): string {
  return `${offset.slice(0, offset.indexOf('-'))}-${numberOf(offset) + 1}`
}
