import { describe, expect, it } from 'vitest'
import { turn } from '../support/fake-turn.ts'
import { config, DEADLINE_MS, running, supervised, type FakeProcess } from './support.ts'

/** How long until the next process is started, in milliseconds. */
function pauseOf({ processes, clock }: ReturnType<typeof supervised>): number {
  const count = processes.all.length
  for (let ms = 1; ms <= 60_000; ms++) {
    clock.advance(1)
    if (processes.all.length > count) return ms
  }
  return Infinity
}

describe('a supervisor at start', () => {
  it('tells each worker, when it listens, its number and the configuration', () => {
    const { processes } = supervised(3)
    expect(processes.all).toHaveLength(3)
    expect(processes.all.map(({ received }) => received)).toEqual([[], [], []])
    for (const process of processes.all) process.say({ type: 'hello' })
    expect(processes.all.map(({ received }) => received)).toEqual([
      [{ type: 'begin', worker: 1, config }],
      [{ type: 'begin', worker: 2, config }],
      [{ type: 'begin', worker: 3, config }],
    ])
  })

  it('gives the address once, when all have started', () => {
    const scene = supervised(2)
    const [first, second] = scene.processes.all
    first!.comeUp('a')
    expect(scene.addresses).toEqual([])
    second!.comeUp('b')
    expect(scene.addresses).toEqual(['b'])
    first!.end()
    scene.clock.advance(100)
    scene.processes.newest.comeUp('c')
    expect(scene.addresses).toEqual(['b'])
  })

  it('gives up when a worker cannot start five times in a row: stops the others and says why', async () => {
    const scene = supervised(2)
    const [steady] = scene.processes.all
    steady!.comeUp()
    const pauses: number[] = []
    for (let attempt = 1; attempt <= 5; attempt++) {
      const failing = scene.processes.newest
      failing.say({ type: 'hello' })
      failing.say({ type: 'failed', reason: `Port 8080 is in use (${attempt})` })
      failing.end('exit code 1')
      if (attempt < 5) pauses.push(pauseOf(scene))
    }
    expect(pauses).toEqual([100, 200, 400, 800])
    expect(steady!.received.at(-1)).toEqual({ type: 'stop' })
    await turn()
    expect(scene.outcome()).toBeUndefined()
    steady!.end('exit code 0')
    await turn()
    expect(scene.outcome()).toBe('Worker 2 could not start 5 times in a row: Port 8080 is in use (5)')
    expect(scene.processes.all).toHaveLength(6)
    expect(scene.clock.pending).toBe(0)
  })

  it('counts only failures in a row', () => {
    const scene = supervised(1)
    for (let round = 0; round < 4; round++) {
      for (let attempt = 0; attempt < 4; attempt++) {
        scene.processes.newest.end('exit code 1')
        expect(pauseOf(scene)).toBeLessThanOrEqual(5000)
      }
      scene.processes.newest.comeUp()
    }
    expect(scene.log.messages('error')).toHaveLength(16)
    expect(scene.addresses).toHaveLength(1)
  })

  it('kills a worker that hangs, and starts another', () => {
    const scene = supervised(1)
    const [hanging] = scene.processes.all
    hanging!.say({ type: 'hello' })
    scene.clock.advance(29_999)
    expect(hanging!.isKilled).toBe(false)
    scene.clock.advance(1)
    expect(hanging!.isKilled).toBe(true)
    hanging!.end('SIGKILL')
    expect(scene.log.entries.at(-1)!.fields).toMatchObject({ reason: 'it did not start within 30000 ms' })
    expect(pauseOf(scene)).toBe(100)
  })
})

describe('a supervisor whose worker ends', () => {
  it('logs it and starts another in its place, after a moment; the others are not disturbed', () => {
    const scene = running(3)
    const before = scene.processes.all.map(({ received }) => received.length)
    scene.processes.all[1]!.end('SIGSEGV')
    expect(scene.log.entries.at(-1)).toEqual({
      level: 'error',
      fields: { worker: 2, workerPid: 2, reason: 'SIGSEGV', pauseMs: 100 },
      message: 'Worker ended: starting another',
    })
    expect(pauseOf(scene)).toBe(100)
    scene.processes.newest.comeUp()
    expect(scene.processes.newest.received[0]).toMatchObject({ type: 'begin', worker: 2 })
    expect(scene.processes.all.slice(0, 3).map(({ received }) => received.length)).toEqual(before)
    expect(scene.outcome()).toBeUndefined()
  })

  it('waits longer each time that it ends soon, five seconds at most, and never gives up', () => {
    const scene = running(1)
    const pauses: number[] = []
    for (let i = 0; i < 9; i++) {
      scene.processes.newest.end()
      pauses.push(pauseOf(scene))
      scene.processes.newest.comeUp()
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000])
    scene.clock.advance(10_000)
    scene.processes.newest.end()
    expect(pauseOf(scene)).toBe(100)
  })
})

describe('a supervisor that stops', () => {
  it('lets all close in order, and is over when the last has ended', async () => {
    const { supervisor, processes, clock, outcome } = running(2)
    supervisor.stop()
    supervisor.stop()
    for (const { received } of processes.all) expect(received.filter(({ type }) => type === 'stop')).toHaveLength(1)
    processes.all[0]!.end('exit code 0')
    await turn()
    expect(outcome()).toBeUndefined()
    processes.all[1]!.end('exit code 0')
    await turn()
    expect(outcome()).toBe('stopped')
    expect(processes.all).toHaveLength(2)
    expect(clock.pending).toBe(0)
  })

  it('kills those that have not ended half a second past the deadline', async () => {
    const { supervisor, processes, clock, outcome } = running(2)
    supervisor.stop()
    processes.all[0]!.end('exit code 0')
    clock.advance(DEADLINE_MS + 499)
    expect(processes.all[1]!.isKilled).toBe(false)
    clock.advance(1)
    expect(processes.all[1]!.isKilled).toBe(true)
    processes.all[1]!.end('SIGKILL')
    await turn()
    expect(outcome()).toBe('stopped')
  })

  it('kills who does not listen yet, tells who is starting, and starts nobody any more', async () => {
    const { supervisor, processes, clock, addresses, outcome } = supervised(4)
    const [deaf, starting, started, ended] = processes.all as [FakeProcess, FakeProcess, FakeProcess, FakeProcess]
    starting.say({ type: 'hello' })
    started.comeUp()
    ended.end()
    supervisor.stop()
    expect([deaf.isKilled, starting.isKilled, started.isKilled]).toEqual([true, false, false])
    expect(starting.received.at(-1)).toEqual({ type: 'stop' })
    deaf.end()
    starting.say({ type: 'started', address: 'late' })
    starting.end('exit code 0')
    started.end('exit code 0')
    await turn()
    expect(outcome()).toBe('stopped')
    clock.advance(60_000)
    expect([processes.all.length, addresses]).toEqual([4, []])
  })

  it('kills all at once when told so', () => {
    const { supervisor, processes } = running(3)
    supervisor.stop()
    supervisor.kill()
    expect(processes.all.map(({ isKilled }) => isKilled)).toEqual([true, true, true])
  })
})
