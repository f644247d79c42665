/** Both heart-beats of one session: when to send one, and when the peer has been silent too long. */
import type { HeartBeatIntervals } from '../../frames/index.ts'

/** A beat is due after this part of the interval: the promise is "at least every n ms", and timers are late. */
const SEND_FRACTION = 0.75
/** A peer that may be asked by a ping is asked after this part of its patience: the rest is for the pong to come. */
const PING_FRACTION = 0.5

export class HeartBeats {
  /** How long the peer may be silent; 0 for ever. */
  readonly patienceMs: number
  readonly #sendEveryMs: number
  readonly #asksByPing: boolean
  #lastPinged = -Infinity
  #lastReceived: number
  #lastSent: number

  /**
   * `toleranceFactor`: patience as a multiple of the agreed interval (STOMP 1.2 "Heart-beating": a margin is needed).
   * `asksByPing`: a peer whose beat is overdue is pinged, and its pong counts.
   */
  constructor(intervals: HeartBeatIntervals, toleranceFactor: number, now: number, asksByPing = false) {
    this.patienceMs = intervals.incomingMs * toleranceFactor
    this.#asksByPing = asksByPing && this.patienceMs > 0
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

  /** A pong has come. */
  ponged(now: number): void {
    if (this.#asksByPing) this.received(now)
  }

  pinged(now: number): void {
    this.#lastPinged = now
  }

  sent(now: number): void {
    this.#lastSent = now
  }

  isPeerSilent(now: number): boolean {
    return this.patienceMs > 0 && now >= this.#lastReceived + this.patienceMs
  }

  /** Once per silence: a pong is not lost on its way. */
  isPingDue(now: number): boolean {
    return now >= this.#pingDue()
  }

  isBeatDue(now: number): boolean {
    return this.#sendEveryMs > 0 && now >= this.#lastSent + this.#sendEveryMs
  }

  /** The next moment at which one of the two may be due. */
  nextDue(): number | undefined {
    const silent = this.patienceMs > 0 ? this.#lastReceived + this.patienceMs : Infinity
    const beat = this.#sendEveryMs > 0 ? this.#lastSent + this.#sendEveryMs : Infinity
    const next = Math.min(silent, beat, this.#pingDue())
    return next === Infinity ? undefined : next
  }

  #pingDue(): number {
    if (!this.#asksByPing || this.#lastPinged > this.#lastReceived) return Infinity
    return this.#lastReceived + this.patienceMs * PING_FRACTION
  }
}
