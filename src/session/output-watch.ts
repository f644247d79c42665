/**
 * Finds clients that do not read. Messages go out through the runtime's native fan-out, which does not say who is
 * behind, so the unsent bytes of every session are looked at: a few times a second, and whenever so much was published
 * that one of them may have passed the limit.
 */
import type { OutputMeter, Tally } from '../broker/tally.ts'
import type { Clock } from '../clock.ts'

/** A session, as far as its output goes. */
export interface Output {
  /** Handed to the socket and not yet taken by the kernel. */
  readonly unsentBytes: number
  /** Handed to the socket since it opened; may be counted too low, which only makes a slow client look slower. */
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

/** When a session got behind, and the total that it has to reach to have caught up with that moment. */
interface Backlog {
  sinceMs: number
  goalBytes: number
}

/** A client with more unsent than this part of the limit is behind. */
const BEHIND_SHARE = 1 / 8

/** How often outputs are looked at, in milliseconds; with very many of them less often, so that looking stays cheap. */
const SWEEP_MS = 100
const SWEEP_MS_PER_OUTPUT = 0.01

export class OutputWatch implements OutputMeter {
  readonly #limits: OutputLimits
  readonly #behindBytes: number
  readonly #clock: Clock
  readonly #outputs = new Set<Output>()
  readonly #behind = new Map<Output, Backlog>()
  #timer: unknown
  /** Somebody who is in all topics. */
  readonly #all: Tally = { look: 0, lengthSinceLook: 0, shareOfAll: 0 }
  /** How often all were looked at. */
  #looks = 0
  #isSweepQueued = false
  /** At the last look everything was read, and nothing was written since. */
  #isQuiet = false

  constructor(limits: OutputLimits, clock: Clock) {
    this.#limits = limits
    this.#behindBytes = limits.maxUnsentBytes * BEHIND_SHARE
    this.#clock = clock
  }

  /** Over all outputs. */
  get unsentBytes(): number {
    let bytes = 0
    for (const output of this.#outputs) bytes += output.unsentBytes
    return bytes
  }

  add(output: Output): void {
    this.#outputs.add(output)
    this.#timer ??= this.#arm()
  }

  remove(output: Output): void {
    this.#outputs.delete(output)
    this.#behind.delete(output)
    if (this.#outputs.size > 0) return
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Looks at once when somebody may have passed the limit since the last look. */
  wrote(tally: Tally, length: number): void {
    this.#isQuiet = false
    const most = Math.max(this.#add(tally, length), this.#add(this.#all, length * tally.shareOfAll))
    if (most * 2 < this.#limits.maxUnsentBytes) return
    if (most > this.#limits.maxUnsentBytes * 2) {
      this.#sweep() // one delivery that is this large cannot wait for its own end
    } else if (!this.#isSweepQueued) {
      this.#isSweepQueued = true
      queueMicrotask(() => this.#sweep())
    }
  }

  /** Gives how much it is since the last look. */
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
      this.#check(output, unsent, now)
    }
  }

  #check(output: Output, unsent: number, now: number): void {
    const { maxUnsentBytes, maxUnsentMs } = this.#limits
    if (unsent > maxUnsentBytes) {
      output.closeAsSlow(`More than ${maxUnsentBytes} bytes of output were not read`)
      return
    }
    if (unsent > this.#behindBytes) output.fallBehind()
    const backlog = this.#behind.get(output)
    if (!backlog) {
      this.#behind.set(output, { sinceMs: now, goalBytes: output.totalBytes })
      return
    }
    const sent = output.totalBytes - unsent
    if (sent >= backlog.goalBytes) {
      // slow but moving: what was waiting then is out, so the clock starts again for what waits now
      backlog.sinceMs = now
      backlog.goalBytes = output.totalBytes
    } else if (now - backlog.sinceMs > maxUnsentMs && !output.mayDropAll) {
      output.closeAsSlow(`Output waited longer than ${maxUnsentMs} ms to be read`)
    }
  }
}
