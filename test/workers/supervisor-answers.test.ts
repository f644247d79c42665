import { describe, expect, it } from 'vitest'
import { Metrics } from '../../src/metrics.ts'
import { turn } from '../support/fake-turn.ts'
import { running, type FakeProcess } from './support.ts'

describe('a supervisor that is asked', () => {
  /** What a worker is asked by the supervisor, it answers. */
  const report = (process: FakeProcess, report: readonly string[]) =>
    process.say({ type: 'reported', id: process.last('report')!.id, report })

  it('has all workers say whether they are ready, and answers who asked', async () => {
    const { processes } = running(2)
    const [one, two] = processes.all
    one!.say({ type: 'ask', id: 7, subject: 'readiness' })
    report(one!, [])
    await turn()
    expect(one!.last('answer')).toBeUndefined()
    report(two!, [])
    await turn()
    expect(one!.last('answer')).toEqual({ type: 'answer', id: 7, answer: [] })
    expect(two!.last('answer')).toBeUndefined()
  })

  it('names the worker with each reason: its own, silence, being started, having ended', async () => {
    const { processes, clock } = running(5)
    const [asking, unready, silent, dying, ended] = processes.all
    ended!.end()
    clock.advance(100)
    asking!.say({ type: 'ask', id: 1, subject: 'readiness' })
    report(asking!, [])
    report(unready!, ['no connection to Redis', 'shutting down'])
    dying!.end()
    await turn()
    expect(asking!.last('answer')).toBeUndefined()
    clock.advance(699)
    await turn()
    expect(asking!.last('answer')).toBeUndefined()
    clock.advance(1)
    await turn()
    expect(asking!.last('answer')!.answer).toEqual([
      'worker 2: no connection to Redis',
      'worker 2: shutting down',
      'worker 3: does not answer',
      'worker 4: ended',
      'worker 5: starting',
    ])
    report(silent!, []) // too late for anybody
  })

  it('says that a worker has ended as long as no other has taken its place', async () => {
    const { processes } = running(2)
    const [asking, ended] = processes.all
    ended!.end()
    asking!.say({ type: 'ask', id: 1, subject: 'readiness' })
    report(asking!, [])
    await turn()
    expect(asking!.last('answer')!.answer).toEqual(['worker 2: ended'])
  })

  it('asks once for all who ask meanwhile', async () => {
    const { processes } = running(2)
    const [one, two] = processes.all
    one!.say({ type: 'ask', id: 1, subject: 'readiness' })
    two!.say({ type: 'ask', id: 1, subject: 'readiness' })
    one!.say({ type: 'ask', id: 2, subject: 'readiness' })
    for (const process of [one!, two!]) {
      expect(process.received.filter(({ type }) => type === 'report')).toHaveLength(1)
      report(process, ['away'])
    }
    await turn()
    const answer = ['worker 1: away', 'worker 2: away']
    expect(one!.received.slice(-2)).toEqual([
      { type: 'answer', id: 1, answer },
      { type: 'answer', id: 2, answer },
    ])
    expect(two!.last('answer')).toEqual({ type: 'answer', id: 1, answer })
    one!.say({ type: 'ask', id: 3, subject: 'readiness' })
    expect(one!.received.filter(({ type }) => type === 'report')).toHaveLength(2)
  })

  it('adds up the metrics', async () => {
    const { processes } = running(2)
    processes.all[0]!.say({ type: 'ask', id: 1, subject: 'metrics' })
    for (const [i, process] of processes.all.entries()) {
      const metrics = new Metrics()
      metrics.count.framesReceived = 20 + i
      process.say({ type: 'reported', id: process.last('report')!.id, report: await metrics.snapshot() })
      metrics.close()
    }
    await turn()
    expect(processes.all[0]!.last('answer')!.answer).toContain('\nstomp_bridge_frames_received_total 41\n')
  })
})

describe('a supervisor that is asked to have all inspected', () => {
  const request = { name: 'sessions', question: { limit: 5, search: 'x' } } as const
  const view = (total: number) => ({ total, sessions: [] })

  it('passes the question on, and gives what each says', async () => {
    const { processes } = running(2)
    const [one, two] = processes.all
    one!.say({ type: 'ask', id: 7, subject: 'inspection', request })
    for (const [i, process] of processes.all.entries()) {
      const asked = process.last('report')!
      expect(asked).toMatchObject({ type: 'report', subject: 'inspection', request })
      process.say({ type: 'reported', id: asked.id, report: { answer: view(i) } })
    }
    await turn()
    expect(one!.last('answer')).toEqual({ type: 'answer', id: 7, answer: [{ answer: view(0) }, { answer: view(1) }] })
    expect(two!.last('answer')).toBeUndefined()
  })

  it('leaves out who does not answer in time, and knows a no from silence', async () => {
    const { processes, clock } = running(3)
    const [one, two, three] = processes.all
    two!.end()
    one!.say({ type: 'ask', id: 1, subject: 'inspection', request: { name: 'closeSession', question: 'a-1' } })
    one!.say({ type: 'reported', id: one!.last('report')!.id, report: { answer: false } })
    expect(three!.last('report')).toBeDefined()
    clock.advance(700)
    await turn()
    expect(one!.last('answer')).toEqual({ type: 'answer', id: 1, answer: [{ answer: false }] })
  })

  it('answers each question by itself', async () => {
    const { processes } = running(1)
    const [one] = processes.all
    for (const id of [1, 2]) one!.say({ type: 'ask', id, subject: 'inspection', request })
    const asked = one!.received.filter((message) => message.type === 'report')
    expect(asked).toHaveLength(2)
    for (const [i, { id }] of asked.entries()) one!.say({ type: 'reported', id, report: { answer: view(i) } })
    await turn()
    const answers = one!.received.filter((message) => message.type === 'answer')
    expect(answers.map(({ id, answer }) => ({ id, answer }))).toEqual([
      { id: 1, answer: [{ answer: view(0) }] },
      { id: 2, answer: [{ answer: view(1) }] },
    ])
  })
})
