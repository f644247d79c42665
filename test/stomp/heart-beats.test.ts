import { describe, expect, it } from 'vitest'
import { HeartBeats } from '../../src/stomp/heart-beats.ts'

const START = 1_000_000

describe('heart-beats', () => {
  it('#49 #50 are not needed where neither side sends any', () => {
    const beats = new HeartBeats({ incomingMs: 0, outgoingMs: 0 }, 2, START)
    expect(beats.isNeeded).toBe(false)
    expect(beats.nextDue()).toBeUndefined()
    expect(beats.isBeatDue(START + 1e9)).toBe(false)
    expect(beats.isPeerSilent(START + 1e9)).toBe(false)
  })

  it.each([
    [10_000, 2, 20_000],
    [1000, 1, 1000],
    [1000, 1.5, 1500],
  ])('#54 of a peer every %i ms are awaited %d times as long', (incomingMs, factor, patienceMs) => {
    const beats = new HeartBeats({ incomingMs, outgoingMs: 0 }, factor, START)
    expect(beats.isNeeded).toBe(true)
    expect(beats.patienceMs).toBe(patienceMs)
    expect(beats.nextDue()).toBe(START + patienceMs)
    expect(beats.isPeerSilent(START + patienceMs - 1)).toBe(false)
    expect(beats.isPeerSilent(START + patienceMs)).toBe(true)
    beats.received(START + 500)
    expect(beats.isPeerSilent(START + patienceMs)).toBe(false)
    expect(beats.nextDue()).toBe(START + 500 + patienceMs)
    expect(beats.isBeatDue(START + 1e9)).toBe(false)
  })

  it('#51 are due well before the interval is over, counted from the last write', () => {
    const beats = new HeartBeats({ incomingMs: 0, outgoingMs: 1000 }, 2, START)
    expect(beats.nextDue()).toBe(START + 750)
    expect(beats.isBeatDue(START + 749)).toBe(false)
    expect(beats.isBeatDue(START + 750)).toBe(true)
    beats.sent(START + 700)
    expect(beats.isBeatDue(START + 750)).toBe(false)
    expect(beats.nextDue()).toBe(START + 1450)
    expect(beats.isPeerSilent(START + 1e9)).toBe(false)
  })

  it('name the earlier of both moments', () => {
    const beats = new HeartBeats({ incomingMs: 1000, outgoingMs: 2000 }, 2, START)
    expect(beats.nextDue()).toBe(START + 1500)
    beats.sent(START + 1500)
    expect(beats.nextDue()).toBe(START + 2000)
  })
})
