import { describe, expect, it } from 'vitest'
import { WorkerLife, type Reporter } from '../../src/workers/worker.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { turn } from '../support/fake-turn.ts'
import { FakeLink } from './support.ts'

function born() {
  const link = new FakeLink()
  const clock = new FakeClock()
  const life = new WorkerLife(link.connect, clock)
  const stops: string[] = []
  return { link, clock, life, stops, listen: () => life.onStop((reason) => stops.push(reason)) }
}

const reporter: Reporter = {
  notReadyReasons: () => ['no connection to Redis'],
  metricsSnapshot: async () => [{ name: 'x', help: '', type: 'counter', aggregator: 'sum', values: [] }],
  inspect: (request: unknown) => Promise.resolve(request),
}

describe('a worker', () => {
  it('says hello, and is what it is told to be', async () => {
    const { link, life } = born()
    expect(link.sent).toEqual([{ type: 'hello' }])
    link.say({ type: 'begin', worker: 2, config: { server: {} } })
    expect(await life.assignment).toMatchObject({ worker: 2, config: { server: {} } })
  })

  it('says that it has started and where, or why it has not', async () => {
    const { link, life } = born()
    life.started({ port: 1 }, reporter)
    await life.failed('Port 1 is in use')
    expect(link.sent.slice(1)).toEqual([
      { type: 'started', address: { port: 1 } },
      { type: 'failed', reason: 'Port 1 is in use' },
    ])
  })

  it('says what it is asked', async () => {
    const { link, life } = born()
    life.started('', reporter)
    link.say({ type: 'report', id: 3, subject: 'readiness' })
    link.say({ type: 'report', id: 4, subject: 'metrics' })
    const request = { name: 'closeSession', question: 'a-1' } as const
    link.say({ type: 'report', id: 5, subject: 'inspection', request })
    await turn()
    const reports = link.sent
      .slice(2)
      .sort((one, other) => Number('id' in one && one.id) - Number('id' in other && other.id))
    expect(reports).toEqual([
      { type: 'reported', id: 3, report: ['no connection to Redis'] },
      { type: 'reported', id: 4, report: await reporter.metricsSnapshot() },
      { type: 'reported', id: 5, report: { answer: request } },
    ])
  })

  it('answers for all with what the supervisor says', async () => {
    const { link, life } = born()
    const reasons = life.notReadyReasons()
    const text = life.renderMetrics()
    expect(link.sent.slice(1)).toEqual([
      { type: 'ask', id: 1, subject: 'readiness' },
      { type: 'ask', id: 2, subject: 'metrics' },
    ])
    link.say({ type: 'answer', id: 2, answer: 'x 1\n' })
    link.say({ type: 'answer', id: 1, answer: ['worker 2: ended'] })
    expect([await reasons, await text]).toEqual([['worker 2: ended'], 'x 1\n'])
  })

  it('asks once for all requests that come meanwhile', async () => {
    const { link, life } = born()
    const requests = [life.notReadyReasons(), life.notReadyReasons()]
    expect(link.sent).toHaveLength(2)
    link.say({ type: 'answer', id: 1, answer: [] })
    expect(await Promise.all(requests)).toEqual([[], []])
    void life.notReadyReasons()
    expect(link.sent).toHaveLength(3)
  })

  it('is not ready when the supervisor does not answer in time', async () => {
    const { link, life, clock } = born()
    const reasons = life.notReadyReasons()
    const text = life.renderMetrics()
    clock.advance(1500)
    expect(await reasons).toEqual(['the supervisor does not answer'])
    await expect(text).rejects.toThrow('The supervisor does not answer')
    link.say({ type: 'answer', id: 1, answer: [] }) // too late for anybody
    expect(clock.pending).toBe(0)
  })

  it('stops when it is told to, once', () => {
    const { link, stops, listen } = born()
    listen()
    link.say({ type: 'stop' })
    link.lose()
    expect(stops).toEqual(['told by the supervisor'])
  })

  it('stops when the supervisor is gone, and is not ready', async () => {
    const { link, life, stops, listen } = born()
    listen()
    const waiting = life.notReadyReasons()
    link.lose()
    expect(stops).toEqual(['the supervisor is gone'])
    expect([await waiting, await life.notReadyReasons()]).toEqual([
      ['the supervisor is gone'],
      ['the supervisor is gone'],
    ])
    await expect(life.renderMetrics()).rejects.toThrow('The supervisor does not answer')
  })

  it('that was told to stop before anybody listened stops when somebody does', () => {
    const { link, stops, listen } = born()
    link.say({ type: 'stop' })
    listen()
    expect(stops).toEqual(['told by the supervisor'])
  })
})
