/**
 * Finds clients that do not read. Messages go out through the runtime's native fan-out, which does not say who is
 * behind, so the unsent bytes of every client are looked at: a few times a second, and whenever so much was written
 * that one of them may have passed the limit.
 */
import type { Clock } from '../clock.ts'
import { PlacedSet, type Placed } from '../placed-set.ts'
import type { OutputMeter, Tally } from './tally.ts'

/** A client, as far as its output goes. */
export interface WatchedOutput extends Placed {
  /** Handed to the socket and not yet taken by the kernel. */
  readonly unsentBytes: number
  /** Changes when the kernel has taken something; see `Socket`. */
  readonly drains: number
  /** Handed to the socket since it opened; may be counted too low, by a factor of up to {@link UTF8_FACTOR}. */
  readonly totalBytes: number
  /** Is something held back because the client was behind? */
  readonly isHolding: boolean
  /** May all that goes to this client be dropped? Then it is never closed for its age. */
  readonly mayDropAll: boolean
  /** Hold back what may be dropped, from here on. */
  fallBehind(): void
  /** Send what is held back, as long as that may be. */
  catchUp(mayWrite: () => boolean): void
  closeAsSlow(reason: string): void
}

export interface OutputLimits {
  readonly maxUnsentBytes: number
  readonly maxUnsentMs: number
}

/** How a client that is behind gets on. */
interface Backlog {
  /** When what the goal stands for began to wait. */
  sinceMs: number
  /** The total then: with the next so many bytes all that waited then is out. */
  goalBytes: number
  /** How long that may take. */
  patienceMs: number
  /** When the client was last seen to read. */
  movedMs: number
  /** As of the last look. */
  drains: number
  unsentBytes: number
  /** Length of the large message that waits, if there is one. */
  excusedBytes: number
}

/** A message that is larger than this part of what may wait does not count while it is the only one. */
const LARGE_SHARE = 1 / 2
/** What is shorter, in bytes, may be all that one turn of the event loop had: many messages in one write. */
const LEAST_LARGE = 32_768

/** UTF-8 has up to so many bytes for one of the characters that totals count. */
const UTF8_FACTOR = 3

/**
 * What waits must be out within so many times the longest pause; or else a byte now and then would do for ever. More than
 * `maxUnsentBytes`, which one large message may be, has longer in proportion.
 */
const PATIENCE_PAUSES = 6

/** A client with more unsent than this part of the limit is behind. */
const BEHIND_SHARE = 1 / 8

/** How often outputs are looked at, in milliseconds; with very many of them less often, so that looking stays cheap. */
const SWEEP_MS = 100
const SWEEP_MS_PER_OUTPUT = 0.01

export class OutputWatch implements OutputMeter {
  readonly #limits: OutputLimits
  readonly #behindBytes: number
  readonly #largeBytes: number
  readonly #clock: Clock
  readonly #outputs = new PlacedSet<WatchedOutput>()
  readonly #behind = new Map<WatchedOutput, Backlog>()
  #timer: unknown
  /** Somebody who is in all topics. */
  readonly #all: Tally = { look: 0, lengthSinceLook: 0, shareOfAll: 0 }
  /** How often all were looked at. */
  #looks = 0
  #isSweepQueued = false
  /** At the last look everything was read, and nothing was written since. */
  #isQuiet = false
  /** The largest message since the last look, with what little left together with it; 0 if none was large. */
  #largest = 0

  constructor(limits: OutputLimits, clock: Clock) {
    this.#limits = limits
    this.#behindBytes = limits.maxUnsentBytes * BEHIND_SHARE
    this.#largeBytes = Math.max(limits.maxUnsentBytes * LARGE_SHARE, LEAST_LARGE)
    this.#clock = clock
  }

  /** Over all outputs. */
  get unsentBytes(): number {
    let bytes = 0
    for (const output of this.#outputs) bytes += output.unsentBytes
    return bytes
  }

  add(output: WatchedOutput): void {
    this.#outputs.add(output)
    this.#timer ??= this.#arm()
  }

  remove(output: WatchedOutput): void {
    this.#outputs.delete(output)
    this.#behind.delete(output)
    if (this.#outputs.size > 0) return
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Would a client with so much unsent be held back, if it may lose messages? */
  isBehind(unsentBytes: number): boolean {
    return unsentBytes > this.#behindBytes
  }

  /** Looks at once when somebody may have passed the limit since the last look. */
  wrote(tally: Tally, length: number): void {
    this.#isQuiet = false
    if (length > this.#largeBytes && length > this.#largest) this.#largest = length
    const most = Math.max(this.#add(tally, length), this.#add(this.#all, length * tally.shareOfAll))
    if (most * 2 < this.#limits.maxUnsentBytes) return
    if (most > this.#limits.maxUnsentBytes * 2) {
      this.#sweep() // one delivery that is this large cannot wait for its own end
    } else if (!this.#isSweepQueued) {
      this.#isSweepQueued = true
      queueMicrotask(() => this.#sweep())
    }
  }

  /** Returns how much it is since the last look. */
  #add(tally: Tally, length: number): number {
    if (tally.look !== this.#looks) {
      tally.look = this.#looks
      tally.lengthSinceLook = 0
    }
    return (tally.lengthSinceLook += length)
  }

  #arm(): unknown {
    return this.#clock.setTimeout(
      () => {
        if (!this.#isQuiet) this.#sweep()
        this.#timer = this.#outputs.size > 0 ? this.#arm() : undefined
      },
      Math.max(SWEEP_MS, this.#outputs.size * SWEEP_MS_PER_OUTPUT),
    )
  }

  #sweep(): void {
    this.#looks++
    this.#isSweepQueued = false
    this.#isQuiet = true
    const largest = this.#largest
    this.#largest = 0
    const now = this.#clock.now()
    for (const output of this.#outputs) {
      const unsent = output.unsentBytes
      if (output.isHolding && unsent <= this.#behindBytes / 2) {
        output.catchUp(() => output.unsentBytes <= this.#behindBytes)
      }
      if (unsent > 0 || output.isHolding) this.#isQuiet = false
      if (unsent === 0) {
        if (this.#behind.size > 0) this.#behind.delete(output)
        continue
      }
      this.#check(output, unsent, now, largest)
    }
  }

  /** Slow is who makes no progress, or has too much waiting; not who has a long way to go because a message is long. */
  #check(output: WatchedOutput, unsent: number, now: number, largest: number): void {
    const { maxUnsentBytes, maxUnsentMs } = this.#limits
    const backlog = this.#obtainBacklog(output, unsent, now)
    // Whatever waited before was within the limit: so what is too much now is one message, if it would be enough without.
    if (unsent <= maxUnsentBytes) backlog.excusedBytes = 0
    else backlog.excusedBytes = Math.max(backlog.excusedBytes, largest)
    if (unsent - backlog.excusedBytes > maxUnsentBytes) {
      output.closeAsSlow(`More than ${maxUnsentBytes} bytes of output were not read`)
      return
    }
    if (unsent > this.#behindBytes) output.fallBehind()
    const { drains, totalBytes } = output
    if (drains !== backlog.drains || unsent < backlog.unsentBytes) backlog.movedMs = now
    backlog.drains = drains
    backlog.unsentBytes = unsent
    // A runtime may write a message in one go, and say no sooner than at its end that the client reads it.
    const pauseMs = maxUnsentMs * this.#sizeOf(backlog.excusedBytes)
    const writtenSince = (totalBytes - backlog.goalBytes) * UTF8_FACTOR
    if (writtenSince >= unsent) {
      // slow but moving: what was waiting then is out, so the clock starts again for what waits now
      backlog.sinceMs = now
      backlog.goalBytes = totalBytes
      backlog.patienceMs = this.#patienceFor(unsent)
    }
    if (output.mayDropAll) return
    if (now - backlog.movedMs > pauseMs) {
      output.closeAsSlow(`Output waited longer than ${pauseMs} ms to be read`)
    } else if (now - backlog.sinceMs > backlog.patienceMs) {
      output.closeAsSlow(`Output was not read within ${backlog.patienceMs} ms`)
    }
  }

  #obtainBacklog(output: WatchedOutput, unsent: number, now: number): Backlog {
    let backlog = this.#behind.get(output)
    if (!backlog) {
      const { drains, totalBytes } = output
      const patienceMs = this.#patienceFor(unsent)
      const times = { sinceMs: now, movedMs: now, patienceMs }
      backlog = { ...times, goalBytes: totalBytes, drains, unsentBytes: unsent, excusedBytes: 0 }
      this.#behind.set(output, backlog)
    }
    return backlog
  }

  #patienceFor(unsent: number): number {
    return this.#limits.maxUnsentMs * PATIENCE_PAUSES * this.#sizeOf(unsent)
  }

  /** As a multiple of what may wait; at least 1. */
  #sizeOf(bytes: number): number {
    return Math.max(1, Math.ceil(bytes / this.#limits.maxUnsentBytes))
  }
}
