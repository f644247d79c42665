import { describe, expect, it } from 'vitest'
import { OutputWatch, type WatchedOutput } from '../../src/delivery/output-watch.ts'
import type { Tally } from '../../src/delivery/tally.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { turn } from '../support/fake-turn.ts'

const LIMITS = { maxUnsentBytes: 1000, maxUnsentMs: 5000 }

/** Tells the watch what it is sent, as an output does. */
class FakeOutput implements WatchedOutput, Tally {
  place = -1
  look = 0
  lengthSinceLook = 0
  readonly shareOfAll = 0
  isHolding = false
  mayDropAll = false
  fallBehind = (): void => {}
  catchUp: WatchedOutput['catchUp'] = () => {}
  totalBytes = 0
  drains = 0
  unsent = 0
  /** How often it was looked at. */
  looks = 0
  readonly closings: string[] = []
  onClose: (() => void) | undefined
  readonly #watch: OutputWatch

  constructor(watch: OutputWatch) {
    this.#watch = watch
  }

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
    if (read > 0) this.drains++
    if (sent > 0) this.#watch.wrote(this, sent)
  }
}

const newTally = (shareOfAll = 0): Tally => ({ look: 0, lengthSinceLook: 0, shareOfAll })

function setUp() {
  const clock = new FakeClock()
  const watch = new OutputWatch(LIMITS, clock)
  const output = new FakeOutput(watch)
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

  it('closes who reads a little now and then, so that what waited is not read in six times the limit', () => {
    const { clock, output } = setUp()
    output.move(900, 0)
    for (let i = 0; i < 299; i++) {
      output.move(0, 1)
      clock.advance(100)
    }
    expect(output.closings).toEqual([])
    for (let i = 0; i < 10; i++) {
      output.move(0, 1)
      clock.advance(100)
    }
    expect(output.closings[0]).toBe('Output was not read within 30000 ms')
  })

  it('closes who reads a little now and then although more and more is written', () => {
    const { clock, output } = setUp()
    output.move(600, 0)
    for (let i = 0; i < 400; i++) {
      output.move(i % 10 === 0 ? 2 : 0, 1)
      clock.advance(100)
    }
    expect(output.closings.length).toBeGreaterThan(0)
  })

  it('keeps who reads slowly but all the time, as long as what waits gets out within six times the limit', () => {
    const { clock, output } = setUp()
    for (let round = 0; round < 5; round++) {
      output.move(900, 0)
      for (let i = 0; i < 225; i++) {
        output.move(0, 4)
        clock.advance(100)
      }
    }
    expect(output.closings).toEqual([])
  })

  it('keeps who is always behind but moves, when characters are counted for what has three bytes each', () => {
    const { clock, watch, output } = setUp()
    output.move(900, 0)
    for (let i = 0; i < 1000; i++) {
      output.totalBytes += 3
      output.unsent += 9 - (i % 2 === 0 ? 18 : 0)
      output.drains++
      watch.wrote(output, 3)
      clock.advance(100)
    }
    expect(output.closings).toEqual([])
  })

  it('sees who moves by the drains alone, where more comes than goes', () => {
    const { clock, output } = setUp()
    output.move(100, 0)
    for (let i = 0; i < 80; i++) {
      output.move(10, 5)
      clock.advance(100)
    }
    expect(output.closings).toEqual([])
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
    const { clock, watch, output } = setUp()
    for (let i = 0; i < 10; i++) {
      output.unsent = 100
      watch.wrote(output, 1)
      clock.advance(4000)
      output.unsent = 0
      clock.advance(200)
    }
    expect(output.closings).toEqual([])
  })

  it('looks before the timer when half of the limit was written since the last look', async () => {
    const { watch, output } = setUp()
    const tally = newTally()
    output.unsent = 2000
    watch.wrote(tally, 250)
    watch.wrote(tally, 249)
    await turn()
    expect(output.closings).toEqual([])
    watch.wrote(tally, 1)
    expect(output.closings).toEqual([]) // not in the middle of a delivery
    await turn()
    expect(output.closings).toHaveLength(1)
  })

  it('looks once per turn, however much is written in it', async () => {
    const { watch, output } = setUp()
    const tally = newTally()
    for (let i = 0; i < 4; i++) watch.wrote(tally, 500)
    await turn()
    expect(output.looks).toBe(1)
    watch.wrote(tally, 499)
    await turn()
    expect(output.looks).toBe(1)
  })

  it('looks inside a delivery that is larger than twice the limit', () => {
    const { watch, output } = setUp()
    const tally = newTally()
    output.unsent = 2001
    watch.wrote(tally, 1999)
    expect(output.closings).toEqual([])
    watch.wrote(tally, 2)
    expect(output.closings).toHaveLength(1)
  })

  it('counts each tally by itself: nobody got more than one of them says', async () => {
    const { watch, output } = setUp()
    const tallies = Array.from({ length: 100 }, newTally)
    for (const tally of tallies) watch.wrote(tally, 499)
    await turn()
    expect(output.looks).toBe(0)
    watch.wrote(tallies[50]!, 1)
    await turn()
    expect(output.looks).toBe(1)
  })

  it('begins every tally anew with each look', async () => {
    const { clock, watch, output } = setUp()
    const [one, other] = [newTally(), newTally()]
    const writeAndTurn = async (tally: Tally, length: number) => {
      const { looks } = output
      watch.wrote(tally, length)
      await turn()
      return output.looks - looks
    }
    expect(await writeAndTurn(one, 499)).toBe(0)
    expect(await writeAndTurn(other, 499)).toBe(0)
    expect(await writeAndTurn(one, 1)).toBe(1) // by one of them
    expect(await writeAndTurn(other, 499)).toBe(0)
    clock.advance(100) // by the timer
    expect(await writeAndTurn(other, 499)).toBe(0)
    expect(await writeAndTurn(one, 499)).toBe(0)
    expect(await writeAndTurn(other, 1)).toBe(1)
  })

  it('takes a new tally as one that begins with this look', async () => {
    const { clock, watch, output } = setUp()
    output.move(1, 0)
    clock.advance(1000)
    const { looks } = output
    const tally = newTally()
    watch.wrote(tally, 499)
    await turn()
    expect(output.looks).toBe(looks)
    watch.wrote(tally, 1)
    await turn()
    expect(output.looks).toBe(looks + 1)
  })

  it('adds up what waits for all', () => {
    const { watch, output } = setUp()
    const other = new FakeOutput(watch)
    watch.add(other)
    output.move(10, 0)
    other.move(20, 5)
    expect(watch.unsentBytes).toBe(25)
  })

  it('looks no more at what was removed, and forgets that it was behind', () => {
    const { clock, watch, output } = setUp()
    const other = new FakeOutput(watch)
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
    const other = new FakeOutput(watch)
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
    const other = new FakeOutput(watch)
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

describe('output watch and a message larger than what may wait', () => {
  const LARGE = 8_000_000
  const LARGE_LIMITS = { maxUnsentBytes: 1_000_000, maxUnsentMs: 10_000 }

  function setUpLarge() {
    const clock = new FakeClock()
    const watch = new OutputWatch(LARGE_LIMITS, clock)
    const output = new FakeOutput(watch)
    watch.add(output)
    return { clock, watch, output }
  }

  it('keeps who reads it all the time, whatever else is written within the limit', () => {
    const { clock, output } = setUpLarge()
    output.move(500_000, 0)
    clock.advance(100)
    output.move(LARGE, 0)
    while (output.unsent > 0) {
      output.move(1000, 100_000)
      clock.advance(100)
    }
    expect(output.closings).toEqual([])
  })

  it('keeps who is not seen to read before the message is through, in proportion to its length', () => {
    const { clock, output } = setUpLarge()
    output.move(LARGE, 0)
    clock.advance(75_000)
    output.move(0, LARGE)
    clock.advance(1000)
    expect(output.closings).toEqual([])
  })

  it('closes who reads nothing of it', () => {
    const { clock, output } = setUpLarge()
    output.move(LARGE, 0)
    clock.advance(80_000)
    expect(output.closings).toEqual([])
    clock.advance(300)
    expect(output.closings[0]).toBe('Output waited longer than 80000 ms to be read')
  })

  it('closes who has more than the limit beside it', () => {
    const { clock, output } = setUpLarge()
    output.move(LARGE, 0)
    clock.advance(100)
    for (let i = 0; i < 11; i++) {
      expect(output.closings).toEqual([])
      output.move(100_000, 0)
      clock.advance(100)
    }
    expect(output.closings[0]).toBe('More than 1000000 bytes of output were not read')
  })

  it('closes who has two of them', () => {
    const { clock, output } = setUpLarge()
    output.move(LARGE, 0)
    clock.advance(100)
    output.move(LARGE, 1_000_000)
    expect(output.closings.length).toBeGreaterThan(0)
  })

  it('takes a second one when the first is read', () => {
    const { clock, output } = setUpLarge()
    for (let i = 0; i < 3; i++) {
      output.move(LARGE, 0)
      clock.advance(1000)
      output.move(0, LARGE - 100_000)
      clock.advance(1000)
      output.move(0, 100_000)
    }
    expect(output.closings).toEqual([])
  })

  it('has everything that may be dropped held back meanwhile', () => {
    const { output } = setUpLarge()
    let isBehind = false
    output.fallBehind = () => (isBehind = true)
    output.move(LARGE, 0)
    expect(isBehind).toBe(true)
    expect(output.closings).toEqual([])
  })

  it('is one message, not the many that one turn has written together', () => {
    const { clock, output } = setUp()
    output.move(2000, 0)
    clock.advance(100)
    expect(output.closings).toHaveLength(1)
  })
})

describe('output watch while all is quiet', () => {
  /** How many looks there are in that time. */
  const looksIn = (clock: FakeClock, output: FakeOutput, ms: number) => {
    const { looks } = output
    clock.advance(ms)
    return output.looks - looks
  }

  it('does not look when nothing was written and all is read', () => {
    const { clock, output } = setUp()
    clock.advance(100)
    expect(looksIn(clock, output, 10_000)).toBe(0)
  })

  it('looks once after anything was written and read, whoever wrote it', () => {
    const { clock, watch, output } = setUp()
    clock.advance(100)
    output.move(10, 10)
    expect(looksIn(clock, output, 10_000)).toBe(1)
    watch.wrote(newTally(), 1)
    expect(looksIn(clock, output, 10_000)).toBe(1)
  })

  it('goes on looking while something is unread, and stops when it is read', () => {
    const { clock, output } = setUp()
    clock.advance(100)
    output.move(10, 0)
    expect(looksIn(clock, output, 2000)).toBe(20)
    output.move(0, 10)
    expect(looksIn(clock, output, 10_000)).toBe(1)
  })

  it('goes on looking while one of many has something unread', () => {
    const { clock, watch, output } = setUp()
    const others = [new FakeOutput(watch), new FakeOutput(watch)]
    for (const other of others) watch.add(other)
    others[0]!.move(10, 0)
    expect(looksIn(clock, output, 2000)).toBe(20)
  })

  it('goes on looking while something is held back, and sends it when there is room', () => {
    const { clock, output } = setUp()
    let caughtUp = 0
    output.isHolding = true
    output.catchUp = (mayWrite) => {
      caughtUp++
      if (caughtUp < 20 || !mayWrite()) return
      output.isHolding = false
      output.move(10, 10)
    }
    clock.advance(2000)
    expect(caughtUp).toBe(20)
    clock.advance(200)
    expect(looksIn(clock, output, 10_000)).toBe(0)
    expect(caughtUp).toBe(20)
  })

  it('looks again at what is written while it looks', () => {
    const { clock, output } = setUp()
    output.isHolding = true
    output.catchUp = () => {
      output.isHolding = false
      output.move(10, 0)
    }
    clock.advance(100)
    expect(looksIn(clock, output, 1000)).toBe(10)
  })

  it('still finds who reads nothing, by the moment it was first seen behind', () => {
    const { clock, output } = setUp()
    clock.advance(60_000)
    output.move(10, 0)
    clock.advance(5000)
    expect(output.closings).toEqual([])
    clock.advance(200)
    expect(output.closings[0]).toBe('Output waited longer than 5000 ms to be read')
  })
})

describe('output watch with very many outputs', () => {
  it('looks less often, and as often as before when most have gone', () => {
    const { clock, watch, output } = setUp()
    const many = Array.from({ length: 19_999 }, () => new FakeOutput(watch))
    for (const each of many) watch.add(each)
    output.mayDropAll = true
    output.move(10, 0)
    clock.advance(100) // the first was to come before there were many
    const { looks } = output
    clock.advance(199)
    expect(output.looks).toBe(looks)
    clock.advance(1)
    expect(output.looks).toBe(looks + 1)
    clock.advance(1000)
    expect(output.looks).toBe(looks + 6)
    for (const each of many) watch.remove(each)
    clock.advance(200)
    expect(output.looks).toBe(looks + 7)
    clock.advance(1000)
    expect(output.looks).toBe(looks + 17)
  })

  it('looks before its time all the same when much is written', async () => {
    const { watch, output } = setUp()
    for (let i = 0; i < 19_999; i++) watch.add(new FakeOutput(watch))
    output.unsent = 2000
    watch.wrote(output, 500)
    await turn()
    expect(output.closings).toHaveLength(1)
  })
})
