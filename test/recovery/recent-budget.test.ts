/** What the newest messages of all destinations take together. */
import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/delivery/message.ts'
import type { LogEntry } from '../../src/history/log.ts'
import { messageOfEntry } from '../../src/recovery/messages.ts'
import { RecentAsks } from '../../src/recovery/recent-asks.ts'
import { RecentBudget } from '../../src/recovery/recent-budget.ts'
import { RecentMessages } from '../../src/recovery/recent-messages.ts'
import { FakeMeter } from '../delivery/fake-receiver.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeCore } from '../support/fake-core.ts'

const EPOCH = 'e1'
const HELD = 10
const RULE = { destination: '/topic/**', size: HELD, ttlSeconds: 100, retain: false }
const OLDEST = { kind: 'since', position: { epoch: EPOCH, offset: '1000-0' } } as const

/** Destinations that share a budget; each log holds a few messages of a kilobyte, which are read at once. */
function begin(maxBytes: number) {
  const [budget, clock, { log: logger }] = [new RecentBudget(maxBytes), new FakeClock(), new FakeCore(new FakeMeter())]
  let reads = 0
  const destination = () => {
    const messages: Message[] = []
    let newest = '1000-0'
    const add = (): Message => {
      const number = messages.length + 1
      const offset = `${1000 + number}-${number}`
      const payload = JSON.stringify({ topic: '/topic/a', message: 'x'.repeat(1000) })
      const entry: LogEntry = { offset, previous: newest, payload }
      newest = offset
      entries.push(entry)
      messages.push(messageOfEntry('/topic/a', entry, EPOCH, logger))
      return messages.at(-1)!
    }
    const entries: LogEntry[] = []
    for (let i = 0; i < HELD; i++) add()
    const recent = new RecentMessages(
      RULE,
      { asks: new RecentAsks(clock), budget, clock },
      {
        position: () => ({ epoch: EPOCH, offset: newest }),
        read: () => {
          reads++
          return Promise.resolve({ epoch: EPOCH, newest, before: '1000-0', expiresInMs: 100_000, entries })
        },
        messagesOf: () => messages,
        changed: () => undefined,
      },
    )
    return { recent, publish: () => recent.push(add()) }
  }
  return { budget, clock, destination, reads: () => reads }
}

describe('the newest messages of all destinations', () => {
  it('are kept as long as there is room, and none more are read where there is not', async () => {
    const { budget, destination, reads } = begin(50_000)
    const [one, two, three] = [destination(), destination(), destination()]
    for (const { recent } of [one, two]) expect(await recent.extend(OLDEST)).toBe(true)
    expect([budget.isSpent, reads()]).toEqual([true, 2])
    expect([await three.recent.extend(OLDEST), reads()]).toEqual([false, 2])
    expect(await one.recent.extend(OLDEST)).toBe(true) // is there already
    two.recent.clear()
    expect([await three.recent.extend(OLDEST), reads()]).toEqual([true, 3])
  })

  it('go where more come than there is room for', async () => {
    const { budget, destination } = begin(50_000)
    const { recent, publish } = destination()
    await recent.extend(OLDEST)
    while (recent.run) publish()
    expect(budget.isSpent).toBe(false)
    expect(await recent.extend(OLDEST)).toBe(true)
  })

  it('make room when they expire', async () => {
    const { budget, clock, destination } = begin(10_000)
    const { recent } = destination()
    await recent.extend(OLDEST)
    expect(budget.isSpent).toBe(true)
    clock.advance(101_000)
    expect([recent.run, budget.isSpent]).toEqual([undefined, false])
  })
})
