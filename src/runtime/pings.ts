/**
 * WebSocket pings to all sockets of a listener, from one timer. They keep the connection alive in proxies that close what
 * is idle, and find peers that are gone without a word. To STOMP they mean nothing: they are no heart-beats.
 */

import { PlacedSet, type Placed } from '../placed-set.ts'

/** One socket, as far as pings are concerned; both numbers belong to {@link Pings}. */
export interface Pinged extends Placed {
  /** The tick in which anything came from the peer last. */
  heardAt: number
  pingedAt: number
  /** Is it not read on purpose? Then it cannot be heard either. */
  readonly isPaused: boolean
  /** As those of `Socket`. */
  readonly bufferedBytes: number
  readonly drains: number
  ping(): void
  terminate(): void
}

/** The timer ticks so often per interval: what is due is then late by a fifth of it at most. */
const TICKS_PER_INTERVAL = 5
/** A peer that is silent for longer than 2.4 intervals is dropped: after 60 s with pings every 25 s. */
const PATIENCE_TICKS = 12

export class Pings {
  /**
   * Now, in ticks. Counted and not measured, so that noting when something was heard costs nothing, and so that a process
   * that was stopped for a while does not take all its peers for dead.
   */
  tick = 0
  readonly #members = new PlacedSet<Pinged>()
  /** What those who had output waiting at the last tick had. */
  readonly #waiting = new Map<Pinged, Pick<Pinged, 'bufferedBytes' | 'drains'>>()
  readonly #timer: ReturnType<typeof setInterval> | undefined

  /** `intervalMs`: 0 for no pings, and nobody is dropped. */
  constructor(intervalMs: number) {
    if (intervalMs === 0) return
    this.#timer = setInterval(() => this.#beat(), intervalMs / TICKS_PER_INTERVAL)
    this.#timer.unref()
  }

  add(member: Pinged): void {
    member.heardAt = this.tick
    member.pingedAt = this.tick
    if (this.#timer) this.#members.add(member)
  }

  remove(member: Pinged): void {
    this.#members.delete(member)
    this.#waiting.delete(member)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#members.clear()
    this.#waiting.clear()
  }

  #beat(): void {
    this.tick++
    for (const member of this.#members) {
      if (member.isPaused || this.#isReading(member)) member.heardAt = this.tick
      if (this.tick - member.heardAt > PATIENCE_TICKS) {
        this.remove(member)
        member.terminate()
      } else if (this.tick - member.pingedAt >= TICKS_PER_INTERVAL) {
        member.pingedAt = this.tick
        member.ping()
      }
    }
  }

  /**
   * Has it taken something of what waits for it? The ping stands behind that, and may reach the peer only after minutes.
   */
  #isReading(member: Pinged): boolean {
    const { bufferedBytes, drains } = member
    if (bufferedBytes === 0) {
      if (this.#waiting.size > 0) this.#waiting.delete(member)
      return false
    }
    const before = this.#waiting.get(member)
    this.#waiting.set(member, { bufferedBytes, drains })
    return before !== undefined && (bufferedBytes < before.bufferedBytes || drains !== before.drains)
  }
}
