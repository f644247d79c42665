import { describe, expect, it } from 'vitest'
import { AnswerWatch } from '../../src/redis/answer-watch.ts'
import { FakeClock } from '../support/fake-clock.ts'

function stage(timeoutMs = 1000) {
  const clock = new FakeClock()
  const state = { waiting: 0, silent: 0 }
  const events = { isWaiting: () => state.waiting > 0, onSilent: () => void state.silent++ }
  const watch = new AnswerWatch(timeoutMs, events, clock)
  watch.start()
  return { clock, state, watch }
}

describe('AnswerWatch', () => {
  it.each([20, 300, 1000, 5000, 60_000])('finds after %d ms, and little more, that nothing comes', (timeoutMs) => {
    const { clock, state } = stage(timeoutMs)
    clock.advance(timeoutMs * 3 + 7) // as long as nothing is asked nothing has to come
    expect(state.silent).toBe(0)
    state.waiting = 1
    clock.advance(timeoutMs)
    expect(state.silent).toBe(0)
    clock.advance(Math.min(1000, timeoutMs))
    expect(state.silent).toBe(1)
    expect(clock.pending).toBe(0)
  })

  it('waits on while parts of an answer come', () => {
    const { clock, state, watch } = stage()
    state.waiting = 3
    for (let i = 0; i < 20; i++) {
      clock.advance(900)
      watch.heard()
    }
    expect(state.silent).toBe(0)
    clock.advance(1300)
    expect(state.silent).toBe(1)
  })

  it('takes nobody for silent because this process was held up', () => {
    const { clock, state, watch } = stage()
    state.waiting = 1
    clock.advance(200)
    const { setTimeout } = clock
    clock.setTimeout = (callback, delayMs) => setTimeout.call(clock, callback, delayMs + 60_000)
    clock.advance(100)
    clock.setTimeout = setTimeout
    clock.advance(60_000) // one look, a minute late
    expect(state.silent).toBe(0)
    state.waiting = 0
    watch.heard()
    clock.advance(10_000)
    expect(state.silent).toBe(0)
  })

  it('looks no more after its end, and begins anew', () => {
    const { clock, state, watch } = stage()
    state.waiting = 1
    clock.advance(900)
    watch.stop()
    clock.advance(5000)
    expect([state.silent, clock.pending]).toEqual([0, 0])
    watch.start()
    clock.advance(1000)
    expect(state.silent).toBe(0)
    clock.advance(300)
    expect(state.silent).toBe(1)
  })
})
