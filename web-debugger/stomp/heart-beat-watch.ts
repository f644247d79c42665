/**
 * Notices that the server has fallen silent, by the heart-beats that it has agreed to send. Knows times only, nothing
 * of frames or sockets. STOMP 1.2 "Heart-beating": whoever receives them allows for a margin.
 */
import { signal, type ReadonlySignal } from '@preact/signals'
import type { Environment } from './environment.ts'

/** `unwatched`: no heart-beats are agreed, or there is no session. `late`: at least one did not come. */
export type Liveness = 'unwatched' | 'good' | 'late'

export interface HeartBeatEvents {
  onLate(silentMs: number): void
  /** Something came after all. */
  onHeardAgain(silentMs: number): void
  onLost(silentMs: number): void
  /** The computer slept, or the page stood still, for so long: what came meanwhile may not be read yet. */
  onStandstill(stoodMs: number): void
}

/** What a heart-beat may be late before one counts as missed, and before the connection counts as lost. */
const MIN_LATE_MS = 250
const MIN_LOST_MS = 1_000
/** A timer that is later than this was held up. */
const MAX_TIMER_DELAY_MS = 500

export class HeartBeatWatch {
  readonly #environment: Environment
  readonly #events: HeartBeatEvents
  readonly #liveness = signal<Liveness>('unwatched')
  #everyMs = 0
  #heardAtMs = 0
  #dueMs = 0
  /** After a standstill it is not lost before this moment. */
  #graceEndMs: number | undefined
  #timer: unknown

  constructor(environment: Environment, events: HeartBeatEvents) {
    this.#environment = environment
    this.#events = events
  }

  get liveness(): ReadonlySignal<Liveness> {
    return this.#liveness
  }

  /** When something came last. */
  get heardAtMs(): number {
    return this.#heardAtMs
  }

  /** How often a heart-beat is agreed to come. */
  get everyMs(): number {
    return this.#everyMs
  }

  /** After so much silence the connection counts as lost. */
  get lostAfterMs(): number {
    return this.#everyMs + Math.max(this.#everyMs, MIN_LOST_MS)
  }

  /** `everyMs`: as agreed; 0 is never, and then nothing is noticed. */
  start(everyMs: number): void {
    this.stop()
    if (everyMs === 0) return
    this.#everyMs = everyMs
    this.#heardAtMs = this.#environment.now()
    this.#liveness.value = 'good'
    this.#checkIn(this.#lateAfterMs)
  }

  /** Anything counts that comes from the server. */
  heard(atMs: number): void {
    const silentMs = atMs - this.#heardAtMs
    this.#heardAtMs = atMs
    if (this.#liveness.peek() !== 'late') return
    this.#graceEndMs = undefined
    this.#liveness.value = 'good'
    this.#events.onHeardAgain(silentMs)
  }

  stop(): void {
    this.#environment.clearTimeout(this.#timer)
    this.#graceEndMs = undefined
    this.#liveness.value = 'unwatched'
  }

  get #lateAfterMs(): number {
    return this.#everyMs + Math.max(this.#everyMs / 4, MIN_LATE_MS)
  }

  #check(): void {
    const now = this.#environment.now()
    const silentMs = now - this.#heardAtMs
    if (silentMs < this.#lateAfterMs) {
      this.#checkIn(this.#lateAfterMs - silentMs)
      return
    }
    const wasLate = this.#liveness.peek() === 'late'
    this.#liveness.value = 'late'
    const stoodMs = now - this.#dueMs
    // Once only: in a page out of sight every timer is late.
    if (stoodMs > MAX_TIMER_DELAY_MS && this.#graceEndMs === undefined) {
      this.#graceEndMs = now + Math.max(this.#everyMs, MIN_LOST_MS)
      this.#events.onStandstill(stoodMs)
    } else if (!wasLate) this.#events.onLate(silentMs)
    const lostAtMs = Math.max(this.#heardAtMs + this.lostAfterMs, this.#graceEndMs ?? 0)
    if (now < lostAtMs) {
      this.#checkIn(lostAtMs - now)
      return
    }
    this.stop()
    this.#events.onLost(silentMs)
  }

  #checkIn(ms: number): void {
    // A clock that was set back must not let it wait for ever.
    const delayMs = Math.ceil(Math.min(ms, 2 * this.lostAfterMs))
    this.#dueMs = this.#environment.now() + delayMs
    this.#timer = this.#environment.setTimeout(() => this.#check(), delayMs)
  }
}
