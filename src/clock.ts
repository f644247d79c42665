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
  /** Does what is due; returns the next moment, or undefined for none. May be called early: check the time. */
  due(now: number): number | undefined
}

/** Width of a slot, in milliseconds: how late something can be called. */
const SLOT_MS = 20

export class Deadlines {
  readonly #clock: Clock
  readonly #slots = new Map<number, Due[]>()
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
    item.dueSlot = slot
    const items = this.#slots.get(slot)
    if (items) items.push(item)
    else this.#slots.set(slot, [item])
    if (slot < this.#timerSlot) this.#arm(slot)
  }

  cancel(item: Due): void {
    item.dueSlot = 0 // its entry is skipped when the slot comes
  }

  close(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#slots.clear()
  }

  #arm(slot: number): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timerSlot = slot
    this.#timer = this.#clock.setTimeout(() => this.#fire(), Math.max(0, slot * SLOT_MS - this.#clock.now()))
  }

  #fire(): void {
    this.#timerSlot = Infinity
    const now = this.#clock.now()
    const reached = [...this.#slots.keys()].filter((slot) => slot * SLOT_MS <= now).sort((a, b) => a - b)
    for (const slot of reached) {
      const items = this.#slots.get(slot)!
      this.#slots.delete(slot)
      for (const item of items) {
        if (item.dueSlot !== slot) continue
        item.dueSlot = 0
        const next = item.due(now)
        if (next !== undefined) this.schedule(item, next)
      }
    }
    const earliest = Math.min(...this.#slots.keys())
    if (earliest < this.#timerSlot) this.#arm(earliest)
  }
}
