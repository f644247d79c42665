/**
 * How quickly one session may send: frames and bytes, each a token bucket that holds those of one second, kept as one
 * number. Over it nothing is refused: what has come waits until its time, and the client is read no further meanwhile.
 * One timer of all sessions tells when it goes on.
 */
import type { Deadlines, Due } from '../clock.ts'

export interface PaceLimits {
  /** 0 is no limit. */
  readonly maxFramesPerSecond: number
  readonly maxBytesPerSecond: number
}

/** What a bucket holds, in milliseconds of its rate. */
const BURST_MS = 1000

export class Pace implements Due {
  dueSlot = 0
  readonly #msPerFrame: number
  readonly #msPerByte: number
  readonly #deadlines: Deadlines
  readonly #onTime: () => void
  /** When as much would have come as has, in its pace. */
  #framesUntil = 0
  #bytesUntil = 0
  #isOver = false

  /** `onTime`: the session was over its pace, and is no more. */
  constructor({ maxFramesPerSecond, maxBytesPerSecond }: PaceLimits, deadlines: Deadlines, onTime: () => void) {
    this.#msPerFrame = maxFramesPerSecond > 0 ? 1000 / maxFramesPerSecond : 0
    this.#msPerByte = maxBytesPerSecond > 0 ? 1000 / maxBytesPerSecond : 0
    this.#deadlines = deadlines
    this.#onTime = onTime
  }

  /** Must what comes next wait? Until `onTime` is called. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Something has come. Returns whether that was too much, for the first time since `onTime`. */
  take(frames: number, bytes: number): boolean {
    const now = this.#deadlines.now()
    this.#framesUntil = Math.max(this.#framesUntil, now) + frames * this.#msPerFrame
    this.#bytesUntil = Math.max(this.#bytesUntil, now) + bytes * this.#msPerByte
    const free = this.#freeAt
    if (this.#isOver || free <= now) return false
    this.#isOver = true
    this.#deadlines.schedule(this, free)
    return true
  }

  due(now: number): number | undefined {
    if (!this.#isOver) return undefined
    const free = this.#freeAt
    if (free > now) return free
    this.#isOver = false
    this.#onTime()
    // What has waited may have been too much again.
    return this.#isOver ? this.#freeAt : undefined
  }

  /** The session has ended: nothing waits any more. */
  end(): void {
    this.#isOver = false
    this.#deadlines.cancel(this)
  }

  /** From when on the next frame is within the pace: the bucket has room for it, and is not in debt of bytes. */
  get #freeAt(): number {
    return Math.max(this.#framesUntil + this.#msPerFrame, this.#bytesUntil) - BURST_MS
  }
}

/** Returns a pace, or nothing where there is no limit: most have none, and then a session has no part of it. */
export function paceOf(limits: PaceLimits, deadlines: Deadlines, onTime: () => void): Pace | undefined {
  if (limits.maxFramesPerSecond === 0 && limits.maxBytesPerSecond === 0) return undefined
  return new Pace(limits, deadlines, onTime)
}
