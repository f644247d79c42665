/** How a supervisor and its workers take on another configuration. */
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { WorkerLife } from '../../src/workers/worker.ts'
import { turn } from '../support/fake-turn.ts'
import { FakeLink, running, supervised, type FakeProcess } from './support.ts'

const NEXT = { server: { port: 8080 }, log: { level: 'debug' } }

function answer(process: FakeProcess, problem?: string): void {
  process.say({ type: 'reloaded', id: process.last('reload')!.id, problem })
}

describe('a supervisor that reloads', () => {
  it('tells one worker first, the others when it has it, and is done when all have', async () => {
    const { supervisor, processes } = running(3)
    const [first, ...others] = processes.all
    let isDone = false
    void supervisor.reload(NEXT).then(() => (isDone = true))
    await turn()
    expect(processes.all.map((each) => each.last('reload')?.config)).toEqual([NEXT, undefined, undefined])
    answer(first!)
    await turn()
    expect(others.map((each) => each.last('reload')?.config)).toEqual([NEXT, NEXT])
    answer(others[0]!)
    await turn()
    expect(isDone).toBe(false)
    answer(others[1]!)
    await turn()
    expect(isDone).toBe(true)
    expect(first!.received.filter(({ type }) => type === 'reload')).toHaveLength(1)
  })

  it('tells no other, and starts later ones as before, when the first cannot use it', async () => {
    const { supervisor, processes, clock } = running(2)
    const [first, second] = processes.all
    const reload = supervisor.reload(NEXT)
    answer(first!, 'Cannot use the key file')
    await expect(reload).rejects.toThrow('Cannot use the key file')
    expect(second!.last('reload')).toBeUndefined()
    expect(first!.isKilled).toBe(false)
    second!.end()
    clock.advance(100)
    processes.newest.say({ type: 'hello' })
    expect(processes.newest.last('begin')!.config).not.toEqual(NEXT)
  })

  it('replaces one that cannot although the first could, and the next begins with it', async () => {
    const { supervisor, processes, clock, log } = running(2)
    const [first, second] = processes.all
    const reload = supervisor.reload(NEXT)
    answer(first!)
    await turn()
    answer(second!, 'out of files')
    await reload
    expect(second!.isKilled).toBe(true)
    expect(log.entries.filter(({ level }) => level === 'error').map(({ fields }) => fields['reason'])).toEqual([
      'out of files',
    ])
    second!.end()
    clock.advance(100)
    processes.newest.comeUp()
    expect(processes.newest.last('begin')!.config).toEqual(NEXT)
    expect(processes.newest.last('reload')).toBeUndefined()
  })

  it('replaces one that hangs, and asks the next', async () => {
    const { supervisor, processes, clock } = running(2)
    const [first, second] = processes.all
    const reload = supervisor.reload(NEXT)
    clock.advance(20_000)
    await turn()
    expect(first!.isKilled).toBe(true)
    expect(second!.last('reload')!.config).toEqual(NEXT)
    answer(second!)
    first!.end()
    await reload
  })

  it('tells one that was starting when it has started', async () => {
    const { supervisor, processes } = supervised(2)
    const [first, second] = processes.all
    first!.comeUp()
    second!.say({ type: 'hello' })
    const reload = supervisor.reload(NEXT)
    answer(first!)
    await reload
    second!.say({ type: 'started', address: 'a' })
    await turn()
    expect(second!.last('reload')!.config).toEqual(NEXT)
  })

  it('lets all know of a configuration that cannot be used', () => {
    const { supervisor, processes } = running(2)
    supervisor.reloadFailed()
    expect(processes.all.map((each) => each.last('reload'))).toEqual([
      { type: 'reload', id: 1 },
      { type: 'reload', id: 1 },
    ])
  })
})

describe('a worker that is to reload', () => {
  it('says when it is done, and what went wrong', async () => {
    const link = new FakeLink()
    const life = new WorkerLife(link.connect, systemClock)
    const taken: unknown[] = []
    life.onReload(async (config) => {
      taken.push(config)
      if (config === 'bad') throw new Error('it is bad')
    })
    link.say({ type: 'reload', id: 1, config: 'good' })
    link.say({ type: 'reload', id: 2, config: 'bad' })
    await turn()
    expect(taken).toEqual(['good', 'bad'])
    expect(link.sent.slice(1)).toEqual([
      { type: 'reloaded', id: 1, problem: undefined },
      { type: 'reloaded', id: 2, problem: 'it is bad' },
    ])
  })
})
