import { describe, expect, it } from 'vitest'
import type { HistoryLog, LogPage } from '../../src/history/log.ts'
import { COLLECT_EVERY, PageGarbage } from '../../src/history/page-garbage.ts'
import { FakeClock } from '../support/fake-clock.ts'

const ASKED = { from: { kind: 'oldest' }, maxEntries: 1, maxLength: 1 } as const

function pageOf(length: number): LogPage {
  const entry = { offset: '1-1', previous: '0-0', payload: 'x'.repeat(length) }
  return { epoch: 'e', newest: '1-1', before: '0-0', expiresInMs: 1000, entries: [entry] }
}

function begin(read: () => Promise<LogPage | undefined>) {
  const clock = new FakeClock()
  const counts = { collected: 0 }
  const garbage = new PageGarbage(() => counts.collected++, clock)
  const log = garbage.counted({ read } as unknown as HistoryLog)
  return { clock, counts, garbage, read: () => log.read('/topic/x', ASKED) }
}

describe('the garbage of pages', () => {
  it('is collected when so much was read, and who waits for that goes on', async () => {
    const { clock, counts, garbage, read } = begin(async () => pageOf(COLLECT_EVERY / 2))
    for (let i = 0; i < 2; i++) await read()
    expect([garbage.isDue, clock.pending]).toEqual([false, 0])
    await read()
    let resumed = 0
    garbage.whenCollected(() => resumed++)
    expect([garbage.isDue, counts.collected, resumed]).toEqual([true, 0, 0])
    clock.advance(1)
    expect([garbage.isDue, counts.collected, resumed, clock.pending]).toEqual([false, 1, 1, 0])
  })

  it('is not collected while a page is on its way, for a little while', async () => {
    const answers: ((page: LogPage) => void)[] = []
    const { clock, counts, read } = begin(() => new Promise((resolve) => answers.push(resolve)))
    const reads = [read(), read(), read()]
    answers[0]!(pageOf(COLLECT_EVERY + 1))
    await reads[0]
    clock.advance(19)
    expect(counts.collected).toBe(0)
    answers[1]!(pageOf(1))
    await reads[1]
    clock.advance(1)
    expect(counts.collected).toBe(1)
    answers[2]!(pageOf(COLLECT_EVERY + 1))
    await reads[2]
    clock.advance(1)
    expect(counts.collected).toBe(2)
  })

  it('is collected when a read has failed that it has waited for', async () => {
    const answers: { resolve: (page: LogPage) => void; reject: (error: Error) => void }[] = []
    const { clock, counts, read } = begin(() => new Promise((resolve, reject) => answers.push({ resolve, reject })))
    const reads = [read(), read()]
    answers[0]!.resolve(pageOf(COLLECT_EVERY + 1))
    await reads[0]
    answers[1]!.reject(new Error('the connection went'))
    await expect(reads[1]).rejects.toThrow('the connection went')
    clock.advance(1)
    expect(counts.collected).toBe(1)
  })

  it('of a log without messages is none', async () => {
    const { clock, counts, read } = begin(async () => undefined)
    for (let i = 0; i < 1000; i++) await read()
    clock.advance(1000)
    expect(counts.collected).toBe(0)
  })

  it('is nobody’s concern any more when the bridge has closed', async () => {
    const { clock, garbage, read } = begin(async () => pageOf(COLLECT_EVERY + 1))
    await read()
    garbage.close()
    expect(clock.pending).toBe(0)
  })
})
