/**
 * Time, and one timer for everyone who waits for it. Thousands of sessions each have a next moment at which something
 * is due (a heart-beat, a time limit); they are kept in slots, so that a session costs no timer of its own.
 */

/** Where time comes from; tests put in their own. Milliseconds. */
export interface Clock {
  now(): number
  setTimeout(callback: () => void, delayMs: number): unknown
  clearTimeout(timer: unknown): void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
}

/** Something with a next due moment. */
export interface Due {
  /** Owned by {@link Deadlines}: the slot this is filed in, 0 if none. */
  dueSlot: number
  /** Does what is due; returns the next moment, or undefined for none. May be called early: check the time. Never throws. */
  due(now: number): number | undefined
}

/** Width of a slot, in milliseconds: how late something can be called. */
const SLOT_MS = 20
/** The longest that a runtime's timer can wait, in milliseconds; what is due later is looked at then. */
const MAX_TIMER_MS = 2 ** 31 - 1

export class Deadlines {
  readonly #clock: Clock
  readonly #slots = new Map<number, Set<Due>>()
  #timer: unknown
  #timerSlot = Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  /** Call `item.due` at that moment, or a slot later. An earlier moment that is already filed stays. */
  schedule(item: Due, at: number): void {
    const slot = Math.max(1, Math.ceil(at / SLOT_MS))
    if (item.dueSlot !== 0 && item.dueSlot <= slot) return
    this.cancel(item)
    item.dueSlot = slot
    const items = this.#slots.get(slot)
    if (items) items.add(item)
    else this.#slots.set(slot, new Set([item]))
    if (slot < this.#timerSlot) this.#arm(slot)
  }

  cancel(item: Due): void {
    const slot = item.dueSlot
    item.dueSlot = 0
    const items = this.#slots.get(slot)
    if (!items?.delete(item) || items.size > 0) return
    this.#slots.delete(slot)
    if (this.#slots.size === 0) this.#disarm()
  }

  close(): void {
    this.#slots.clear()
    this.#disarm()
  }

  #disarm(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timerSlot = Infinity
  }

  #arm(slot: number): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timerSlot = slot
    const delayMs = Math.min(Math.max(0, slot * SLOT_MS - this.#clock.now()), MAX_TIMER_MS)
    this.#timer = this.#clock.setTimeout(() => this.#fire(), delayMs)
  }

  #fire(): void {
    this.#timerSlot = Infinity
    const now = this.#clock.now()
    const reached: number[] = []
    let earliest = Infinity
    for (const slot of this.#slots.keys()) {
      if (slot * SLOT_MS <= now) reached.push(slot)
      else if (slot < earliest) earliest = slot
    }
    for (const slot of reached.sort((a, b) => a - b)) {
      const items = this.#slots.get(slot)
      this.#slots.delete(slot)
      for (const item of items ?? []) {
        if (item.dueSlot !== slot) continue // cancelled by another one of this slot
        item.dueSlot = 0
        const next = item.due(now)
        if (next !== undefined) this.schedule(item, next)
      }
    }
    // the slot may have been emptied meanwhile; then the timer comes for nothing, once
    if (earliest < this.#timerSlot && this.#slots.size > 0) this.#arm(earliest)
  }
}
