/** Both heart-beats of one session: when to send one, and when the peer has been silent too long. */
import type { HeartBeatIntervals } from '../../frames/index.ts'

/** A beat is due after this part of the interval: the promise is "at least every n ms", and timers are late. */
const SEND_FRACTION = 0.75

export class HeartBeats {
  /** How long the peer may be silent; 0 for ever. */
  readonly patienceMs: number
  readonly #sendEveryMs: number
  #lastReceived: number
  #lastSent: number

  /** `toleranceFactor`: patience as a multiple of the agreed interval (STOMP 1.2 "Heart-beating": a margin is needed). */
  constructor(intervals: HeartBeatIntervals, toleranceFactor: number, now: number) {
    this.patienceMs = intervals.incomingMs * toleranceFactor
    this.#sendEveryMs = intervals.outgoingMs * SEND_FRACTION
    this.#lastReceived = now
    this.#lastSent = now
  }

  get isNeeded(): boolean {
    return this.patienceMs > 0 || this.#sendEveryMs > 0
  }

  received(now: number): void {
    this.#lastReceived = now
  }

  sent(now: number): void {
    this.#lastSent = now
  }

  isPeerSilent(now: number): boolean {
    return this.patienceMs > 0 && now >= this.#lastReceived + this.patienceMs
  }

  isBeatDue(now: number): boolean {
    return this.#sendEveryMs > 0 && now >= this.#lastSent + this.#sendEveryMs
  }

  /** The next moment at which one of the two may be due. */
  nextDue(): number | undefined {
    const silent = this.patienceMs > 0 ? this.#lastReceived + this.patienceMs : Infinity
    const beat = this.#sendEveryMs > 0 ? this.#lastSent + this.#sendEveryMs : Infinity
    const next = Math.min(silent, beat)
    return next === Infinity ? undefined : next
  }
}
