/**
 * Finds out that a server has gone silent: something waits for it, and nothing at all has come for too long. It looks a few
 * times within that time, so that no command needs a timer of its own. Whatever comes counts: a long answer is on its way
 * for a while. Knows nothing of what was asked.
 */
import { systemClock, type Clock } from '../clock.ts'

/** Looks within the timeout; but the time between two of them stays between these bounds, in milliseconds. */
const LOOKS = 10
const MIN_LOOK_MS = 10
const MAX_LOOK_MS = 500

export interface AnswerWatchEvents {
  /** Does anything wait for an answer? */
  isWaiting(): boolean
  /** Nothing more is watched. */
  onSilent(): void
}

export class AnswerWatch {
  readonly #timeoutMs: number
  readonly #lookMs: number
  readonly #events: AnswerWatchEvents
  readonly #clock: Clock
  /**
   * Looks in a row that have found something waiting and nothing heard. They are counted instead of the time, as a process
   * that was held up has not read yet what has come meanwhile.
   */
  #silentLooks = 0
  #timer: unknown

  constructor(timeoutMs: number, events: AnswerWatchEvents, clock: Clock = systemClock) {
    this.#timeoutMs = timeoutMs
    this.#lookMs = Math.min(MAX_LOOK_MS, Math.max(MIN_LOOK_MS, timeoutMs / LOOKS))
    this.#events = events
    this.#clock = clock
  }

  start(): void {
    this.stop()
    this.#silentLooks = 0
    this.#lookLater()
  }

  /** Something has come, be it a part of an answer. */
  readonly heard = (): void => {
    this.#silentLooks = 0
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
  }

  #lookLater(): void {
    this.#timer = this.#clock.setTimeout(() => this.#look(), this.#lookMs)
  }

  #look(): void {
    if (!this.#events.isWaiting()) this.#silentLooks = 0
    // At the first look what waits may be new. A server that answers at the last moment still has one look to be heard.
    else if (this.#silentLooks++ * this.#lookMs > this.#timeoutMs) return this.#events.onSilent()
    this.#lookLater()
  }
}
