/**
 * What backends publish on a channel is heard by every node, and is to be written once: one node at a time records it, and
 * the others take what it has written from their lists. When that node goes, another one finds on its own list what
 * nobody has recorded. One of these for each destination.
 */
import type { Clock } from '../clock.ts'
import type { HistoryLog, LogTarget, RecordOutcome, Unrecorded } from '../history/log.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'

export interface RecorderDeps {
  readonly log: HistoryLog
  /** Channel by which what was recorded reaches every node. */
  readonly channel: string
  readonly clock: Clock
  readonly metrics: Metrics
  readonly logger: Log
}

interface Pending extends Unrecorded {
  /** Handed to the log; it comes back over the bus. */
  isSubmitted: boolean
}

/** What may wait, in messages and characters; the oldest goes first. */
const MAX_PENDING = 10_000
const MAX_PENDING_LENGTH = 16 * 1024 * 1024
/** Handed to the log at once, in messages. */
const BATCH = 200
/** How long another node records at least after it has; as the lease in the log, in milliseconds. */
const LEASE_MS = 3000
/** How long it is waited for what the log has promised to tell, and between attempts that fail; in milliseconds. */
const PATIENCE_MS = 5000
const RETRY_MS = 500
/** How many have been recorded is not known. */
const UNKNOWN = -1

export class Recorder {
  readonly #target: LogTarget
  readonly #deps: RecorderDeps
  #pending: Pending[] = []
  #length = 0
  /** How many payloads of this destination were recorded so far, by anybody. */
  #recorded = UNKNOWN
  #heldUntilMs = -Infinity
  #isBusy = false
  /** Until the bus has brought all that was recorded. */
  #isBehind = false
  /** How many have come, as the bus has said since the last attempt began. */
  #told = UNKNOWN
  #timer: unknown
  #usedMs: number

  constructor(target: LogTarget, deps: RecorderDeps) {
    this.#target = target
    this.#deps = deps
    this.#usedMs = deps.clock.now()
  }

  /** Has nothing happened here for so long, in milliseconds? */
  isIdleFor(ms: number): boolean {
    return this.#pending.length === 0 && !this.#isBusy && this.#deps.clock.now() - this.#usedMs > ms
  }

  /** A payload has come that nobody has recorded yet. */
  add({ payload, source }: Unrecorded): void {
    this.#usedMs = this.#deps.clock.now()
    this.#pending.push({ payload, source, isSubmitted: false })
    this.#length += payload.length
    let excess = 0
    while (this.#pending.length - excess > MAX_PENDING || this.#length > MAX_PENDING_LENGTH) {
      this.#length -= this.#pending[excess++]!.payload.length
    }
    if (excess > 0) this.#drop(excess)
    this.#attempt()
  }

  /** A payload comes that was recorded: it waits no longer, and what is older than it was recorded by nobody. */
  heard(source: string): void {
    this.#usedMs = this.#deps.clock.now()
    const index = this.#pending.findIndex((each) => each.source === source)
    if (index < 0) return
    const isOwn = this.#pending[index]!.isSubmitted
    if (!isOwn) this.#heldUntilMs = this.#deps.clock.now() + LEASE_MS
    for (const { payload } of this.#pending.slice(0, index + 1)) this.#length -= payload.length
    this.#pending.splice(index, 1)
    if (index > 0) this.#drop(index)
    if (!this.#isBusy && !isOwn) this.#arm()
  }

  /** So many as were recorded have come. */
  caughtUp(recorded: number): void {
    // By another connection: it may come before the answer that says what is waited for.
    this.#told = recorded
    if (!this.#isBehind || recorded !== this.#recorded) return
    this.#isBehind = false
    this.#deps.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#attempt()
  }

  /** The bus has been away: it cannot be told any more what was recorded meanwhile. */
  reset(): void {
    this.#drop(this.#pending.length)
    this.#length = 0
    this.#recorded = UNKNOWN
    this.#isBehind = false
    this.#heldUntilMs = -Infinity
    this.#deps.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #drop(count: number): void {
    const lost = this.#pending.splice(0, count).filter(({ isSubmitted }) => !isSubmitted)
    this.#deps.metrics.count.unrecorded += lost.length
  }

  #attempt(): void {
    if (this.#isBusy || this.#isBehind) return
    const batch = this.#pending.filter(({ isSubmitted }) => !isSubmitted).slice(0, BATCH)
    if (batch.length === 0) return
    if (this.#deps.clock.now() < this.#heldUntilMs) this.#arm()
    else void this.#record(batch)
  }

  async #record(batch: readonly Pending[]): Promise<void> {
    const { log, channel, logger } = this.#deps
    this.#isBusy = true
    this.#told = UNKNOWN
    for (const each of batch) each.isSubmitted = true
    try {
      this.#recordedOr(await log.record(channel, this.#target, batch, this.#recorded), batch)
    } catch (error) {
      // It may have been done: what has come of it is asked with the next attempt.
      logger.debug({ destination: this.#target.destination, error }, 'A message could not be recorded')
      this.#recorded = UNKNOWN
      for (const each of batch) each.isSubmitted = false
      this.#wait(RETRY_MS)
    }
    this.#isBusy = false
    if (this.#timer === undefined) this.#attempt()
  }

  #recordedOr(outcome: RecordOutcome, batch: readonly Pending[]): void {
    if (outcome.kind === 'recorded') {
      this.#recorded = outcome.recorded
      return
    }
    for (const each of batch) each.isSubmitted = false
    if (outcome.kind === 'held') {
      this.#heldUntilMs = this.#deps.clock.now() + outcome.forMs
      this.#arm()
      return
    }
    this.#recorded = outcome.recorded
    if (this.#told === outcome.recorded) return
    this.#isBehind = true
    this.#wait(PATIENCE_MS)
  }

  /** Attempt it when the other one does not record any more. */
  #arm(): void {
    if (this.#pending.length > 0) this.#wait(this.#heldUntilMs - this.#deps.clock.now() + 1)
  }

  #wait(ms: number): void {
    const { clock } = this.#deps
    clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(() => {
      this.#timer = undefined
      if (this.#isBehind) this.#recorded = UNKNOWN
      this.#isBehind = false
      this.#attempt()
    }, ms)
  }
}
