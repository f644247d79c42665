import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Deadlines, systemClock, type Clock, type Due } from '../src/clock.ts'
import { FakeClock } from './support/fake-clock.ts'

/** How late something may be called: the width of a slot. */
const SLOT_MS = 20

class Item implements Due {
  dueSlot = 0
  /** When it was called. */
  readonly calls: number[] = []
  readonly #next: ((now: number) => number | undefined) | undefined

  constructor(next?: (now: number) => number | undefined) {
    this.#next = next
  }

  due(now: number): number | undefined {
    this.calls.push(now)
    return this.#next?.(now)
  }
}

function setUp(clock = new FakeClock()) {
  return { clock, deadlines: new Deadlines(clock), start: clock.now() }
}

/** A clock whose timers come that much too late, or too early. */
function inexact(clock: FakeClock, offByMs: number): Clock {
  return {
    now: () => clock.now(),
    setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs + offByMs),
    clearTimeout: (timer) => clock.clearTimeout(timer),
  }
}

describe('deadlines', () => {
  it('call each item once, not before its moment and at most a slot after it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 100 }), (delays) => {
        const { clock, deadlines, start } = setUp()
        const items = delays.map((delayMs) => ({ item: new Item(), at: start + delayMs }))
        for (const { item, at } of items) deadlines.schedule(item, at)
        expect(clock.pending).toBe(items.length > 0 ? 1 : 0)
        clock.advance(6000)
        for (const { item, at } of items) {
          expect(item.calls).toHaveLength(1)
          expect(item.calls[0]).toBeGreaterThanOrEqual(at)
          expect(item.calls[0]).toBeLessThan(at + SLOT_MS)
        }
        expect(clock.pending).toBe(0)
      }),
    )
  })

  it('call an item again and again as long as it names a next moment', () => {
    const { clock, deadlines, start } = setUp()
    const item = new Item((now) => (now < start + 3000 ? now + 1000 : undefined))
    deadlines.schedule(item, start + 1000)
    clock.advance(60_000)
    expect(item.calls.map((at) => at - start)).toEqual([1000, 2000, 3000])
  })

  it('call an item early when a later moment was scheduled over an earlier one', () => {
    const { clock, deadlines, start } = setUp()
    const item = new Item((now) => (now < start + 500 ? start + 500 : undefined))
    deadlines.schedule(item, start + 100)
    deadlines.schedule(item, start + 500)
    clock.advance(60_000)
    expect(item.calls.map((at) => at - start)).toEqual([100, 500])
  })

  it('call an item at the earlier moment only when that was scheduled over a later one', () => {
    const { clock, deadlines, start } = setUp()
    const item = new Item()
    deadlines.schedule(item, start + 500)
    deadlines.schedule(item, start + 100)
    clock.advance(60_000)
    expect(item.calls.map((at) => at - start)).toEqual([100])
  })

  it('call an item once at a moment that it was filed for twice', () => {
    const { clock, deadlines, start } = setUp()
    const item = new Item((now) => (now < start + 500 ? start + 500 : undefined))
    deadlines.schedule(item, start + 500)
    deadlines.schedule(item, start + 100)
    clock.advance(60_000)
    expect(item.calls.map((at) => at - start)).toEqual([100, 500])
  })

  it('call an item whose moment is past in the next slot', () => {
    const { clock, deadlines, start } = setUp()
    const item = new Item()
    deadlines.schedule(item, start - 5000)
    expect(item.calls).toEqual([])
    clock.advance(SLOT_MS)
    expect(item.calls).toHaveLength(1)
  })

  it('call nothing that was cancelled, and keep no timer for it', () => {
    const { clock, deadlines, start } = setUp()
    const [item, other] = [new Item(), new Item()]
    deadlines.schedule(item, start + 100)
    deadlines.schedule(other, start + 200)
    deadlines.cancel(item)
    expect(clock.pending).toBe(1)
    deadlines.cancel(other)
    expect(clock.pending).toBe(0)
    clock.advance(60_000)
    expect([...item.calls, ...other.calls]).toEqual([])
  })

  it('take a cancel of what is not scheduled', () => {
    const { deadlines } = setUp()
    expect(() => deadlines.cancel(new Item())).not.toThrow()
  })

  it.each([
    ['later', 700],
    ['earlier', 100],
    ['the same', 400],
  ])('call an item that was cancelled and scheduled anew only at its new, %s moment', (_which, delayMs) => {
    const { clock, deadlines, start } = setUp()
    const item = new Item()
    deadlines.schedule(item, start + 400)
    deadlines.cancel(item)
    deadlines.schedule(item, start + delayMs)
    clock.advance(60_000)
    expect(item.calls.map((at) => at - start)).toEqual([delayMs])
  })

  it('go on after all items were cancelled', () => {
    const { clock, deadlines, start } = setUp()
    const [item, other] = [new Item(), new Item()]
    deadlines.schedule(item, start + 100)
    deadlines.cancel(item)
    deadlines.schedule(other, start + 1000)
    clock.advance(60_000)
    expect(other.calls.map((at) => at - start)).toEqual([1000])
  })

  it('pass over an item that its neighbour in the slot cancels', () => {
    const { clock, deadlines, start } = setUp()
    const neighbour = new Item()
    const item = new Item(() => void deadlines.cancel(neighbour))
    deadlines.schedule(item, start + 100)
    deadlines.schedule(neighbour, start + 100)
    clock.advance(60_000)
    expect(item.calls).toHaveLength(1)
    expect(neighbour.calls).toEqual([])
  })

  it('go on when an item cancels all of a later slot that is due as well', () => {
    const clock = new FakeClock()
    const deadlines = new Deadlines(inexact(clock, 500))
    const [cancelled, last] = [new Item(), new Item()]
    const item = new Item(() => void deadlines.cancel(cancelled))
    deadlines.schedule(item, clock.now() + 100)
    deadlines.schedule(cancelled, clock.now() + 200)
    deadlines.schedule(last, clock.now() + 300)
    clock.advance(60_000)
    expect([item.calls.length, cancelled.calls.length, last.calls.length]).toEqual([1, 0, 1])
  })

  it('take what an item schedules while it is called', () => {
    const { clock, deadlines, start } = setUp()
    const other = new Item()
    const item = new Item((now) => void deadlines.schedule(other, now + 100))
    deadlines.schedule(item, start + 100)
    clock.advance(60_000)
    expect(other.calls.map((at) => at - start)).toEqual([200])
  })

  it('call everything that is due, earliest first, when the timer comes late', () => {
    const clock = new FakeClock()
    const deadlines = new Deadlines(inexact(clock, 500))
    const start = clock.now()
    const order: number[] = []
    for (const delayMs of [400, 100, 300, 900]) {
      deadlines.schedule(new Item(() => void order.push(delayMs)), start + delayMs)
    }
    clock.advance(600)
    expect(order).toEqual([100, 300, 400])
    clock.advance(60_000)
    expect(order).toEqual([100, 300, 400, 900])
  })

  it('call nothing before its moment when the timer comes early', () => {
    const clock = new FakeClock()
    const deadlines = new Deadlines(inexact(clock, -3))
    const item = new Item()
    deadlines.schedule(item, clock.now() + 1000)
    clock.advance(999)
    expect(item.calls).toEqual([])
    clock.advance(SLOT_MS)
    expect(item.calls).toHaveLength(1)
  })

  it('wait quietly for a moment that is further away than a timer can wait', () => {
    const { clock, deadlines, start } = setUp()
    const at = start + 8_640_000_000
    const item = new Item((now) => (now < at ? at : undefined))
    deadlines.schedule(item, at)
    expect(clock.advance(1000)).toBe(0)
    expect(clock.advance(60_000)).toBeLessThan(20)
    expect(clock.pending).toBe(1)
  })

  it('call an item in time whose moment is minutes away', () => {
    const { clock, deadlines, start } = setUp()
    const at = start + 600_000
    const item = new Item((now) => (now < at ? at : undefined))
    deadlines.schedule(item, at)
    clock.advance(1_000_000)
    expect(item.calls.at(-1)).toBe(at)
    expect(clock.pending).toBe(0)
  })

  it('serve hundreds of thousands of items, each with a slot of its own, with one timer', () => {
    const { clock, deadlines, start } = setUp()
    let isOver = 0
    const items = Array.from({ length: 200_000 }, (_, i) => {
      const at = start + 1000 + i * SLOT_MS
      const item = new Item((now) => {
        if (now < at) return at
        isOver++
        return undefined
      })
      deadlines.schedule(item, at)
      return item
    })
    expect(clock.pending).toBe(1)
    clock.advance(6000)
    expect(isOver).toBe(1 + 5000 / SLOT_MS)
    for (const item of items) deadlines.cancel(item)
    expect(clock.pending).toBe(0)
  })

  it('leave nothing behind after close', () => {
    const { clock, deadlines, start } = setUp()
    const items = Array.from({ length: 5000 }, (_, i) => ({ item: new Item((now) => now + 10), at: start + i }))
    for (const { item, at } of items) deadlines.schedule(item, at)
    clock.advance(2000)
    const calls = items.reduce((sum, { item }) => sum + item.calls.length, 0)
    expect(calls).toBeGreaterThan(5000)
    deadlines.close()
    expect(clock.pending).toBe(0)
    clock.advance(60_000)
    expect(items.reduce((sum, { item }) => sum + item.calls.length, 0)).toBe(calls)
  })
})

describe('system clock', () => {
  it('calls a timer when its time has passed, and no timer that was cleared', async () => {
    const order: string[] = []
    const start = systemClock.now()
    const cleared = systemClock.setTimeout(() => order.push('cleared'), 1)
    systemClock.clearTimeout(cleared)
    await new Promise<void>((resolve) => systemClock.setTimeout(resolve, 5))
    expect(order).toEqual([])
    expect(systemClock.now() - start).toBeGreaterThan(3) // Node's timers count whole milliseconds
  })
})
