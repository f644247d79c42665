import { describe, expect, it } from 'vitest'
import { MemoryBus } from '../../src/bus/memory.ts'
import type { HistoryLog } from '../../src/history/log.ts'
import { MemoryLog } from '../../src/history/memory-log.ts'
import { silentLog } from '../../src/log.ts'
import { LogSizes } from '../../src/recovery/log-sizes.ts'
import { FakeClock } from '../support/fake-clock.ts'

const PRICES = { destination: '/topic/prices/**', size: 100, ttlSeconds: 300, retain: false }
const ALERTS = { destination: '/topic/alerts', size: 1, ttlSeconds: 3600, retain: true }

function start() {
  const clock = new FakeClock()
  const bus = new MemoryBus()
  bus.start({ onMessage: () => {}, onAvailability: () => {}, onRefusal: () => {} })
  const log = new MemoryLog(bus, clock)
  const inUse = new Map<string, typeof PRICES>()
  const reads: string[] = []
  let answer: (page: ReturnType<HistoryLog['read']>) => ReturnType<HistoryLog['read']> = (page) => page
  const sizes = new LogSizes({
    log: {
      read(destination, options) {
        reads.push(destination)
        return answer(log.read(destination, options))
      },
    },
    rules: [PRICES, ALERTS],
    inUse: () => [...inUse].map(([destination, rule]) => ({ destination, rule })),
    clock,
    dateNow: () => Date.now() + 5000,
    logger: silentLog,
  })
  const publish = async (rule: typeof PRICES, destination: string, count: number): Promise<void> => {
    inUse.set(destination, rule)
    const target = { ...rule, destination }
    for (let i = 0; i < count; i++) await log.publish([{ channel: 'c', payload: '{"message":1}', target }])
  }
  const messages = async () => Object.fromEntries([...(await sizes.byRule())].map(([rule, size]) => [rule, size.messages]))
  return { clock, inUse, reads, sizes, publish, messages, answerWith: (by: typeof answer) => (answer = by) }
} // prettier-ignore

describe('the lengths of histories', () => {
  it('are those of the longest one of each rule, with the age of its oldest message', async () => {
    const { sizes, publish } = start()
    await publish(PRICES, '/topic/prices/gold', 3)
    await publish(PRICES, '/topic/prices/silver', 7)
    const [prices, alerts] = [...(await sizes.byRule())]
    expect(prices).toEqual(['/topic/prices/**', { messages: 7, ageSeconds: expect.closeTo(5, 0) as number }])
    expect(alerts).toEqual(['/topic/alerts', { messages: 0, ageSeconds: 0 }])
  })

  it('are looked up once for all who ask within ten seconds, and only of what is in use', async () => {
    const { clock, inUse, reads, publish, messages } = start()
    await publish(PRICES, '/topic/prices/gold', 3)
    await Promise.all([messages(), messages()])
    await publish(PRICES, '/topic/prices/gold', 2)
    clock.advance(9_999)
    expect(await messages()).toMatchObject({ '/topic/prices/**': 3 })
    expect(reads).toHaveLength(1)
    clock.advance(1)
    expect(await messages()).toMatchObject({ '/topic/prices/**': 5 })
    inUse.clear()
    clock.advance(10_000)
    expect(await messages()).toMatchObject({ '/topic/prices/**': 0 })
    expect(reads).toHaveLength(2)
  })

  it('are looked up a hundred at a time, each in its turn', async () => {
    const { clock, reads, publish, messages } = start()
    for (let i = 0; i < 250; i++) await publish(PRICES, `/topic/prices/${i}`, i === 249 ? 2 : 1)
    for (const longest of [1, 1, 2, 2]) {
      reads.length = 0
      expect(await messages()).toMatchObject({ '/topic/prices/**': longest })
      expect(reads).toHaveLength(100)
      clock.advance(10_000)
    }
    expect(reads.slice(0, 2)).toEqual(['/topic/prices/50', '/topic/prices/51'])
  })

  it('are what was known before where Redis does not answer in time, or not at all', async () => {
    const { clock, publish, messages, answerWith } = start()
    await publish(ALERTS, '/topic/alerts', 1)
    expect(await messages()).toMatchObject({ '/topic/alerts': 1 })
    clock.advance(10_000)
    answerWith(() => Promise.reject(new Error('away')))
    expect(await messages()).toMatchObject({ '/topic/alerts': 1 })
    clock.advance(10_000)
    answerWith(() => new Promise(() => {}))
    const late = messages()
    clock.advance(500)
    expect(await late).toMatchObject({ '/topic/alerts': 1 })
    expect(clock.pending).toBe(0)
  })
})
