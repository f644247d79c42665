import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Pings, type Pinged } from '../../src/runtime/pings.ts'

const INTERVAL_MS = 25_000

class Peer implements Pinged {
  heardAt = 0
  pingedAt = 0
  place = -1
  isPaused = false
  bufferedBytes = 0
  drains = 0
  pings = 0
  terminations = 0
  readonly #all: Pings
  /** Does it answer? */
  isThere = true

  constructor(all: Pings) {
    this.#all = all
    all.add(this)
  }

  ping(): void {
    this.pings++
    if (this.isThere) this.heardAt = this.#all.tick
  }

  terminate(): void {
    this.terminations++
  }
}

describe('pings', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('go out every interval, at the latest, to who answers them', () => {
    const all = new Pings(INTERVAL_MS)
    vi.advanceTimersByTime(4000)
    const peer = new Peer(all)
    for (let i = 1; i <= 20; i++) {
      vi.advanceTimersByTime(INTERVAL_MS)
      expect(peer.pings).toBe(i)
    }
    expect(peer.terminations).toBe(0)
    all.close()
  })

  it('find who has been silent for more than 60 s, with pings every 25 s, once', () => {
    const all = new Pings(INTERVAL_MS)
    const peer = new Peer(all)
    peer.isThere = false
    vi.advanceTimersByTime(60_000)
    expect(peer.terminations).toBe(0)
    vi.advanceTimersByTime(5000)
    expect(peer.terminations).toBe(1)
    vi.advanceTimersByTime(200_000)
    expect([peer.terminations, peer.pings]).toEqual([1, 2])
    all.close()
  })

  it('wait for who reads: the ping stands behind what was sent before', () => {
    const all = new Pings(INTERVAL_MS)
    const [steady, inPieces] = [new Peer(all), new Peer(all)]
    for (const peer of [steady, inPieces]) {
      peer.isThere = false
      peer.bufferedBytes = 8_000_000
    }
    for (let seconds = 0; seconds < 150; seconds += 10) {
      vi.advanceTimersByTime(10_000)
      steady.bufferedBytes -= 500_000
      inPieces.drains++
      inPieces.bufferedBytes += 100_000 // others write meanwhile
    }
    expect([steady.terminations, inPieces.terminations]).toEqual([0, 0])
    vi.advanceTimersByTime(75_000)
    expect([steady.terminations, inPieces.terminations]).toEqual([1, 1])
    all.close()
  })

  it('find who takes nothing of what waits, also if more is sent', () => {
    const all = new Pings(INTERVAL_MS)
    const peer = new Peer(all)
    peer.isThere = false
    for (let i = 0; i < 7; i++) {
      peer.bufferedBytes += 1000
      vi.advanceTimersByTime(10_000)
    }
    expect(peer.terminations).toBe(1)
    all.close()
  })

  it('take anything that is heard for an answer', () => {
    const all = new Pings(INTERVAL_MS)
    const peer = new Peer(all)
    peer.isThere = false
    for (let i = 0; i < 10; i++) {
      vi.advanceTimersByTime(50_000)
      peer.heardAt = all.tick
    }
    expect(peer.terminations).toBe(0)
    all.close()
  })

  it('do not take for dead whom nobody reads', () => {
    const all = new Pings(INTERVAL_MS)
    const peer = new Peer(all)
    peer.isThere = false
    peer.isPaused = true
    vi.advanceTimersByTime(300_000)
    expect(peer.terminations).toBe(0)
    peer.isPaused = false
    vi.advanceTimersByTime(70_000)
    expect(peer.terminations).toBe(1)
    all.close()
  })

  it('have one timer for all, and none when they are off or closed', () => {
    const all = new Pings(INTERVAL_MS)
    const peers = [new Peer(all), new Peer(all)]
    expect(vi.getTimerCount()).toBe(1)
    all.remove(peers[0]!)
    vi.advanceTimersByTime(INTERVAL_MS)
    expect(peers.map(({ pings }) => pings)).toEqual([0, 1])
    all.close()
    expect(vi.getTimerCount()).toBe(0)
    const off = new Pings(0)
    new Peer(off)
    expect(vi.getTimerCount()).toBe(0)
    off.close()
  })
})
