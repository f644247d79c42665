/** How new workers take the places of those that are there. */
import { describe, expect, it } from 'vitest'
import { turn } from '../support/fake-turn.ts'
import { config, DEADLINE_MS, running, type FakeProcess } from './support.ts'

const NEXT = { server: { port: 8080 }, log: { level: 'debug' } }

function isReady(process: FakeProcess, reasons: readonly string[] = []): void {
  process.say({ type: 'reported', id: process.last('report')!.id, report: reasons })
}

async function comeUpReady(process: FakeProcess): Promise<void> {
  process.comeUp()
  await turn()
  isReady(process)
  await turn()
}

describe('a restart of all workers', () => {
  it('replaces one after the other: each is ready before the one from before stops, and that is gone before the next', async () => {
    const { supervisor, processes } = running(2)
    const [a, b] = processes.all
    let isDone = false
    void supervisor.restart(NEXT).then(() => (isDone = true))
    await turn()
    expect(processes.all).toHaveLength(3)
    const c = processes.newest
    c.comeUp()
    expect(c.last('begin')).toEqual({ type: 'begin', worker: 3, config: NEXT })
    await turn()
    expect(a!.last('stop')).toBeUndefined()
    isReady(c)
    await turn()
    expect(a!.last('stop')).toEqual({ type: 'stop', handOverMs: 2000 })
    expect(processes.all).toHaveLength(3)
    a!.end('exit code 0')
    await turn()
    expect(b!.last('stop')).toBeUndefined()
    const d = processes.newest
    await comeUpReady(d)
    expect(d.last('begin')!.worker).toBe(1) // the number is free again
    b!.end('exit code 0')
    await turn()
    expect(isDone).toBe(true)
    expect(processes.all).toHaveLength(4)
  })

  it('leaves the others as they are when the first new one does not come up, and later ones begin as before', async () => {
    const { supervisor, processes, clock } = running(2)
    const [a, b] = processes.all
    const restart = supervisor.restart(NEXT)
    const failed = expect(restart).rejects.toThrow('bad news')
    for (let attempt = 1; attempt <= 5; attempt++) {
      await turn()
      processes.newest.say({ type: 'hello' })
      processes.newest.say({ type: 'failed', reason: 'bad news' })
      processes.newest.end('exit code 1')
      clock.advance(5000)
    }
    await failed
    expect([a!.last('stop'), b!.last('stop')]).toEqual([undefined, undefined])
    b!.end()
    clock.advance(5000)
    processes.newest.say({ type: 'hello' })
    expect(processes.newest.last('begin')!.config).toEqual(config)
  })

  it('gives up a new one that is not ready in time, and the old one goes on', async () => {
    const { supervisor, processes, clock } = running(2)
    const [a] = processes.all
    const failed = expect(supervisor.restart(NEXT)).rejects.toThrow('Redis is away')
    await turn()
    const next = processes.newest
    next.comeUp()
    for (let polls = 0; polls < 250 && !next.last('stop'); polls++) {
      await turn()
      isReady(next, ['Redis is away'])
      await turn()
      clock.advance(100)
    }
    await failed
    expect(a!.last('stop')).toBeUndefined()
    expect(next.last('stop')).toEqual({ type: 'stop' })
  })

  it('kills an old one that does not end, and goes on', async () => {
    const { supervisor, processes, clock } = running(2)
    const [a] = processes.all
    void supervisor.restart(NEXT)
    await turn()
    await comeUpReady(processes.newest)
    clock.advance(DEADLINE_MS + 2500)
    expect(a!.isKilled).toBe(true)
    a!.end()
    await turn()
    expect(processes.all).toHaveLength(4)
  })

  it('is over when all stop, and leaves nobody', async () => {
    const scene = running(2)
    const { supervisor, processes } = scene
    supervisor.restart(NEXT).catch(() => {})
    await turn()
    const next = processes.newest
    next.say({ type: 'hello' })
    supervisor.stop()
    expect(processes.all.map((each) => each.last('stop'))).toEqual([
      { type: 'stop' },
      { type: 'stop' },
      { type: 'stop' },
    ])
    for (const each of processes.all.slice(0, 2)) each.end('exit code 0')
    await turn()
    expect(scene.outcome()).toBeUndefined()
    next.end('exit code 0')
    await turn()
    expect(scene.outcome()).toBe('stopped')
    expect(processes.all).toHaveLength(3)
  })
})

it('a worker that wants to be replaced is, alone', async () => {
  const { processes } = running(2)
  const [a, b] = processes.all
  b!.say({ type: 'replace' })
  await turn()
  await comeUpReady(processes.newest)
  expect(processes.newest.last('begin')!.config).toEqual(config)
  expect([a!.last('stop'), b!.last('stop')]).toEqual([undefined, { type: 'stop', handOverMs: 2000 }])
  b!.end('exit code 0')
  await turn()
  expect(processes.all).toHaveLength(3)
})
