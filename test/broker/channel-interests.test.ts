import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeBus } from '../support/fake-bus.ts'
import { ChannelInterests } from '../../src/broker/channel-interests.ts'
import { flush, RELEASE_MS, setUp, table } from './interests-stage.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

describe('channel interests', () => {
  it('subscribe a channel for the first who wants it only', () => {
    const { bus, hold } = setUp()
    hold('/topic/prices/EUR')
    hold('/topic/prices/EUR')
    hold('/topic/prices/USD')
    expect(bus.commands).toEqual(['subscribe prices:EUR', 'subscribe prices:USD'])
  })

  it('release a channel when nobody has wanted it for the release delay', () => {
    const { bus, interests, hold } = setUp()
    const [one, other] = [hold('/topic/prices/EUR'), hold('/topic/prices/EUR')]
    interests.release(one)
    vi.advanceTimersByTime(10 * RELEASE_MS)
    expect(bus.channels).toContain('prices:EUR')
    interests.release(other)
    vi.advanceTimersByTime(RELEASE_MS - 1)
    expect(bus.channels).toContain('prices:EUR')
    vi.advanceTimersByTime(1)
    expect(bus.channels).not.toContain('prices:EUR')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keep a channel without a word to the bus when somebody comes within the release delay', () => {
    const { bus, interests, hold } = setUp()
    for (let i = 0; i < 5; i++) {
      const held = hold('/topic/prices/EUR')
      vi.advanceTimersByTime(10 * RELEASE_MS)
      interests.release(held)
      vi.advanceTimersByTime(RELEASE_MS - 1)
    }
    expect(bus.commands).toEqual(['subscribe prices:EUR'])
  })

  it('are shared once they are live, and released by the last who shares them', async () => {
    const { bus, interests, hold } = setUp()
    const held = hold('/topic/prices/EUR')
    await flush()
    expect([interests.share(held), interests.share(held)]).toEqual([true, true])
    for (let left = 2; left > 0; left--) interests.release(held)
    vi.advanceTimersByTime(10 * RELEASE_MS)
    expect(bus.channels).toContain('prices:EUR')
    interests.release(held)
    expect(interests.share(held)).toBe(false)
    vi.advanceTimersByTime(RELEASE_MS)
    expect(bus.channels).not.toContain('prices:EUR')
  })

  it('are not shared by who has to wait: before the bus has confirmed them, and while it is away', async () => {
    const { bus, interests, hold } = setUp({ goesLive: false })
    const held = hold('/topic/prices/EUR')
    expect(interests.share(held)).toBe(false)
    bus.goLive()
    await flush()
    bus.setReason('away')
    expect(interests.share(held)).toBe(false)
    bus.setReason(undefined)
    expect(interests.share(held)).toBe(true)
  })

  it('begin the release delay anew when the last one leaves again', () => {
    const { bus, interests, hold } = setUp()
    interests.release(hold('/topic/prices/EUR'))
    vi.advanceTimersByTime(RELEASE_MS - 1)
    interests.release(hold('/topic/prices/EUR'))
    vi.advanceTimersByTime(RELEASE_MS - 1)
    expect(bus.commands).toEqual(['subscribe prices:EUR'])
    vi.advanceTimersByTime(1)
    expect(bus.commands).toEqual(['subscribe prices:EUR', 'unsubscribe prices:EUR'])
  })

  it('take one channel from the pattern that is there', () => {
    const { bus, hold, routesFor } = setUp()
    hold('/topic/prices/*')
    hold('/topic/prices/EUR')
    expect(bus.commands).toEqual(['psubscribe prices:*', 'psubscribe topic:*'])
    expect(routesFor('prices:EUR', 'prices:*')).toEqual(['/topic/prices/{symbol}'])
    expect(routesFor('prices:EUR')).toEqual([])
  })

  it('take a pattern that is there for another route too, lest its copies come before the channel is live', () => {
    const { bus, hold, routesFor } = setUp()
    hold('/topic/prices/*')
    hold('/topic/others/EUR')
    hold('/topic/others/**')
    expect(bus.channels).not.toContain('prices:EUR')
    expect(routesFor('prices:EUR', 'prices:*')).toEqual(['/topic/prices/{symbol}', '/topic/others/{*rest}'])
  })

  it('take the exact copy where channel and pattern are both subscribed', () => {
    const { hold, routesFor } = setUp()
    hold('/topic/prices/EUR')
    hold('/topic/prices/*')
    expect(routesFor('prices:EUR')).toEqual(['/topic/prices/{symbol}'])
    expect(routesFor('prices:EUR', 'prices:*')).toEqual([])
    expect(routesFor('prices:USD', 'prices:*')).toEqual(['/topic/prices/{symbol}'])
  })

  it('let a channel outlive the pattern of its route', () => {
    const { bus, interests, hold, routesFor } = setUp()
    const exact = hold('/topic/prices/EUR')
    const pattern = hold('/topic/prices/*')
    interests.release(exact)
    vi.advanceTimersByTime(10 * RELEASE_MS)
    expect(bus.channels).toContain('prices:EUR')
    expect(routesFor('prices:EUR')).toEqual(['/topic/prices/{symbol}'])
    interests.release(pattern)
    vi.advanceTimersByTime(3 * RELEASE_MS)
    expect(bus.commands.slice(-3).sort()).toEqual([
      'punsubscribe prices:*',
      'punsubscribe topic:*',
      'unsubscribe prices:EUR',
    ])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('look at a channel that outlives its pattern no more than once a second, however short the release delay is', () => {
    const bus = new FakeBus()
    const interests = new ChannelInterests(bus, 0)
    const exact = interests.hold(table.interests('/topic/prices/EUR'))
    interests.hold(table.interests('/topic/prices/*'))
    interests.release(exact)
    const setTimeoutSpy = vi.spyOn(globalThis, 'setTimeout')
    vi.advanceTimersByTime(10_000)
    expect(setTimeoutSpy.mock.calls.length).toBeLessThanOrEqual(11)
    setTimeoutSpy.mockRestore()
  })

  it('keep for good what they are told to, also when a subscriber of the same channel has come and gone', () => {
    const { bus, interests, hold } = setUp()
    interests.keep('GREETING')
    interests.release(hold('/topic/greetings'))
    vi.advanceTimersByTime(10 * RELEASE_MS)
    expect(bus.commands).toEqual(['subscribe GREETING'])
    expect(bus.channels).toContain('GREETING')
  })

  it('leave no timer after close, nor do those who leave then', () => {
    const { interests, hold } = setUp()
    const [one, other] = [hold('/topic/greetings'), hold('/topic/prices/*')]
    interests.release(one)
    interests.close()
    interests.release(other)
    expect(vi.getTimerCount()).toBe(0)
  })
})
