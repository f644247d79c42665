import { describe, expect, it } from 'vitest'
import { OutputWatch, type Output } from '../../src/session/output-watch.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { turn } from '../support/fake-turn.ts'

const LIMITS = { maxUnsentBytes: 1000, maxUnsentMs: 5000 }

class FakeOutput implements Output {
  isHolding = false
  mayDropAll = false
  fallBehind = (): void => {}
  catchUp = (): void => {}
  totalBytes = 0
  unsent = 0
  /** How often it was looked at. */
  looks = 0
  readonly closings: string[] = []
  onClose: (() => void) | undefined

  get unsentBytes(): number {
    this.looks++
    return this.unsent
  }

  closeAsSlow(reason: string): void {
    this.closings.push(reason)
    this.onClose?.()
  }

  /** Is sent so much and reads so much. */
  move(sent: number, read: number): void {
    this.totalBytes += sent
    this.unsent = Math.max(0, this.unsent + sent - read)
  }
}

function setUp() {
  const clock = new FakeClock()
  const watch = new OutputWatch(LIMITS, clock)
  const output = new FakeOutput()
  watch.add(output)
  return { clock, watch, output }
}

describe('output watch', () => {
  it('closes who has more unsent bytes than the limit, at the next look', () => {
    const { clock, output } = setUp()
    output.move(1000, 0)
    clock.advance(200)
    expect(output.closings).toEqual([])
    output.move(1, 0)
    clock.advance(100)
    expect(output.closings).toEqual(['More than 1000 bytes of output were not read'])
  })

  it('closes who reads nothing for longer than the limit', () => {
    const { clock, output } = setUp()
    output.move(10, 0)
    clock.advance(5000)
    expect(output.closings).toEqual([])
    clock.advance(200)
    expect(output.closings[0]).toBe('Output waited longer than 5000 ms to be read')
  })

  it('closes who reads nothing although more and more is written', () => {
    const { clock, output } = setUp()
    for (let i = 0; i < 60; i++) {
      output.move(10, 0)
      clock.advance(100)
    }
    expect(output.closings.length).toBeGreaterThan(0)
  })

  it('closes who reads so little that what waited is not read in time', () => {
    const { clock, output } = setUp()
    output.move(900, 0)
    for (let i = 0; i < 60; i++) {
      output.move(0, 1)
      clock.advance(100)
    }
    expect(output.closings.length).toBeGreaterThan(0)
  })

  it('keeps who is always behind but moves', () => {
    const { clock, output } = setUp()
    output.move(900, 0)
    for (let i = 0; i < 1000; i++) {
      output.move(50, 50)
      clock.advance(100)
    }
    expect(output.unsent).toBe(900)
    expect(output.closings).toEqual([])
  })

  it('gives who has caught up the whole time again', () => {
    const { clock, output } = setUp()
    for (let i = 0; i < 10; i++) {
      output.move(100, 0)
      clock.advance(4000)
      output.move(0, 100)
      clock.advance(200)
    }
    expect(output.closings).toEqual([])
    output.move(100, 0)
    clock.advance(5300)
    expect(output.closings.length).toBeGreaterThan(0)
  })

  it('gives who has caught up the whole time again, also when too little is counted as sent', () => {
    const { clock, output } = setUp()
    for (let i = 0; i < 10; i++) {
      output.unsent = 100
      clock.advance(4000)
      output.unsent = 0
      clock.advance(200)
    }
    expect(output.closings).toEqual([])
  })

  it('looks before the timer when half of the limit was written since the last look', async () => {
    const { watch, output } = setUp()
    output.move(2000, 0)
    watch.wrote(250)
    watch.wrote(249)
    await turn()
    expect(output.closings).toEqual([])
    watch.wrote(1)
    expect(output.closings).toEqual([]) // not in the middle of a delivery
    await turn()
    expect(output.closings).toHaveLength(1)
  })

  it('looks once per turn, however much is written in it', async () => {
    const { watch, output } = setUp()
    for (let i = 0; i < 4; i++) watch.wrote(500)
    await turn()
    expect(output.looks).toBe(1)
    watch.wrote(499)
    await turn()
    expect(output.looks).toBe(1)
  })

  it('looks inside a delivery that is larger than twice the limit', () => {
    const { watch, output } = setUp()
    output.move(2000, 0)
    watch.wrote(1999)
    expect(output.closings).toEqual([])
    watch.wrote(2)
    expect(output.closings).toHaveLength(1)
  })

  it('adds up what waits for all', () => {
    const { watch, output } = setUp()
    const other = new FakeOutput()
    watch.add(other)
    output.move(10, 0)
    other.move(20, 5)
    expect(watch.unsentBytes).toBe(25)
  })

  it('looks no more at what was removed, and forgets that it was behind', () => {
    const { clock, watch, output } = setUp()
    const other = new FakeOutput()
    watch.add(other)
    output.move(10, 0)
    clock.advance(4900)
    watch.remove(output)
    const { looks } = output
    clock.advance(5000)
    expect(output.looks).toBe(looks)
    expect(watch.unsentBytes).toBe(0)
    watch.add(output)
    clock.advance(4900)
    expect(output.closings).toEqual([])
  })

  it('has one timer while there is anything to watch, and none without', () => {
    const { clock, watch, output } = setUp()
    const other = new FakeOutput()
    watch.add(other)
    expect(clock.pending).toBe(1)
    watch.remove(output)
    expect(clock.pending).toBe(1)
    watch.remove(other)
    expect(clock.pending).toBe(0)
    watch.add(output)
    expect(clock.advance(1000)).toBe(10)
    expect(clock.pending).toBe(1)
  })

  it('takes that closing removes an output at once, and goes on with the others', () => {
    const { clock, watch, output } = setUp()
    const other = new FakeOutput()
    watch.add(other)
    for (const each of [output, other]) {
      each.move(2000, 0)
      each.onClose = () => watch.remove(each)
    }
    clock.advance(100)
    expect([output.closings.length, other.closings.length]).toEqual([1, 1])
    expect(clock.pending).toBe(0)
  })
})
