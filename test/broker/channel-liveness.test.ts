import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeBus } from '../support/fake-bus.ts'
import { ChannelInterests } from '../../src/broker/channel-interests.ts'
import { flush, RELEASE_MS, route, setUp, settled, tableOf } from './interests-stage.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

describe('channel interests: when they are live', () => {
  it('are live at once where the bus feeds them already', () => {
    const { interests, hold, bus } = setUp({ goesLive: false })
    interests.whenLive(hold('/topic/prices/EUR'))
    bus.goLive()
    return flush().then(() => expect(interests.whenLive(hold('/topic/prices/EUR'))).toBeUndefined())
  })

  it('are live when the bus has confirmed every channel of a subscription', async () => {
    const { interests, hold, bus } = setUp({ goesLive: false })
    const liveness = interests.whenLive(hold('/topic/**'))
    expect(await settled({ ...liveness })).toEqual([])
    bus.goLive('prices:*')
    bus.goLive('topic:*')
    expect(await settled({ ...liveness })).toEqual([])
    bus.goLive('GREETING')
    expect(await settled({ ...liveness })).toEqual(['live', 'liveOrLost'])
  })

  it('are live for everybody who waits for the same channel', async () => {
    const { interests, hold, bus } = setUp({ goesLive: false })
    const one = interests.whenLive(hold('/topic/greetings'))?.live
    const other = interests.whenLive(hold('/topic/greetings'))?.live
    bus.goLive('GREETING')
    expect(await settled({ one, other })).toEqual(['one', 'other'])
  })

  it('are live when released: nobody waits any more', async () => {
    const { interests, hold } = setUp({ goesLive: false })
    const held = hold('/topic/greetings')
    const liveness = interests.whenLive(held)
    interests.release(held)
    expect(await settled({ ...liveness })).toEqual(['live', 'liveOrLost'])
  })

  it('are lost at once where the bus is away, and live when it is back and has confirmed', async () => {
    const { interests, hold, bus } = setUp({ goesLive: false, isAvailable: false })
    const liveness = interests.whenLive(hold('/topic/greetings'))
    expect(await settled({ ...liveness })).toEqual(['liveOrLost'])
    bus.goLive()
    expect(await settled({ ...liveness })).toEqual(['liveOrLost'])
    bus.setReason(undefined)
    expect(await settled({ ...liveness })).toEqual(['live', 'liveOrLost'])
  })

  it('are lost when the bus goes while they wait, and live when it is back', async () => {
    const { interests, hold, bus } = setUp({ goesLive: false })
    const liveness = interests.whenLive(hold('/topic/greetings'))
    expect(await settled({ ...liveness })).toEqual([])
    bus.setReason('away')
    expect(await settled({ ...liveness })).toEqual(['liveOrLost'])
    bus.setReason(undefined)
    expect(await settled({ ...liveness })).toEqual(['liveOrLost'])
    bus.goLive()
    expect(await settled({ ...liveness })).toEqual(['live', 'liveOrLost'])
  })

  it('that were live are not while the bus is away, and again when it is back, with no word to it', async () => {
    const { interests, hold, bus } = setUp()
    hold('/topic/greetings')
    await flush()
    bus.setReason('away')
    const liveness = interests.whenLive(hold('/topic/greetings'))
    expect(await settled({ ...liveness })).toEqual(['liveOrLost'])
    bus.setReason(undefined)
    expect(await settled({ ...liveness })).toEqual(['live', 'liveOrLost'])
    expect(bus.commands).toEqual(['subscribe GREETING'])
  })

  it('of a destination that no route feeds are live as long as the bus is there', async () => {
    const interests = new ChannelInterests(new FakeBus(), RELEASE_MS)
    const liveness = interests.whenLive(interests.hold([]))
    expect(await settled({ ...liveness })).toEqual(['liveOrLost'])
    interests.setBusAvailable(true)
    expect(await settled({ ...liveness })).toEqual(['live', 'liveOrLost'])
    expect(interests.whenLive(interests.hold([]))).toBeUndefined()
  })

  it('that are released late are not mistaken for those that took their place', async () => {
    const { interests, hold, bus } = setUp({ goesLive: false })
    interests.release(hold('/topic/greetings'))
    vi.advanceTimersByTime(RELEASE_MS)
    const liveness = interests.whenLive(hold('/topic/greetings'))
    expect(bus.commands).toEqual(['subscribe GREETING', 'unsubscribe GREETING', 'subscribe GREETING'])
    expect(await settled({ ...liveness })).toEqual([])
    bus.goLive()
    expect(await settled({ ...liveness })).toEqual(['live', 'liveOrLost'])
  })
})

describe('channel interests: what the bus refuses', () => {
  it('that the bus refuses fail for all who wait for them, and are asked for again by the next', async () => {
    const { interests, hold, bus } = setUp({ goesLive: false })
    const refused: string[] = []
    const wait = (name: string, destination: string) => {
      const held = hold(destination)
      const liveness = interests.whenLive(held)!
      liveness.live.catch((error: Error) => refused.push(`${name}: ${error.name}`))
      return { held, liveness }
    }
    const [one, other, third] = [
      wait('one', '/topic/greetings'),
      wait('other', '/topic/**'),
      wait('third', '/topic/prices/EUR'),
    ]
    bus.refuseSubscription('GREETING')
    expect(await settled({ one: one.liveness.liveOrLost, other: other.liveness.liveOrLost })).toEqual(['one', 'other'])
    expect(refused.sort()).toEqual(['one: BusRefusedError', 'other: BusRefusedError'])
    bus.goLive()
    expect(await settled({ third: third.liveness.live })).toEqual(['third'])
    for (const { held } of [one, other]) interests.release(held)
    vi.advanceTimersByTime(10 * RELEASE_MS)
    // it had stayed wanted
    expect(bus.commands).toContain('unsubscribe GREETING')
    const again = interests.whenLive(hold('/topic/greetings'))
    expect(bus.commands.at(-1)).toBe('subscribe GREETING')
    bus.goLive()
    expect(await settled({ again: again?.live })).toEqual(['again'])
  })

  it('that are released before the bus refuses them do not fail', async () => {
    const { interests, hold, bus } = setUp({ goesLive: false })
    const held = hold('/topic/greetings')
    const liveness = interests.whenLive(held)
    interests.release(held)
    bus.refuseSubscription('GREETING')
    expect(await settled({ ...liveness })).toEqual(['live', 'liveOrLost'])
    vi.advanceTimersByTime(10 * RELEASE_MS)
    expect(bus.commands).toEqual(['subscribe GREETING', 'unsubscribe GREETING'])
  })

  it('that were live and are refused are told, and those that wait are told once', async () => {
    const { interests, hold, bus } = setUp()
    const live = hold('/topic/greetings')
    await flush()
    const told: (string | undefined)[] = []
    interests.onRefusal = () => told.push(interests.refusalOf(live)?.message)
    bus.goesLive = false
    bus.setReason('away')
    const waits = hold('/topic/greetings')
    const rejected: string[] = []
    interests.whenLive(waits)?.live.catch((error: Error) => rejected.push(error.name))
    bus.refuseSubscription('GREETING')
    bus.setReason(undefined)
    await flush()
    expect(told).toEqual(['no permission for GREETING'])
    expect(interests.refusalOf(waits)).toBeUndefined()
    expect(rejected).toEqual(['BusRefusedError'])
    expect(interests.isLive(live)).toBe(false)
    bus.takeSubscription('GREETING')
    expect(interests.refusalOf(live)).toBeUndefined()
    expect(interests.isLive(live)).toBe(true)
  })

  it('that are refused are asked for at once by the next who wants them', async () => {
    const { interests, hold, bus } = setUp({ goesLive: false })
    const first = hold('/topic/greetings')
    interests.whenLive(first)?.live.catch(() => {})
    bus.refuseSubscription('GREETING')
    await flush()
    const next = interests.whenLive(hold('/topic/greetings'))
    expect(bus.commands).toEqual(['subscribe GREETING', 'subscribe GREETING'])
    bus.goLive()
    expect(await settled({ next: next?.live })).toEqual(['next'])
    expect(interests.isLive(first)).toBe(true)
  })

  it('take the copies of the pattern while the channel is refused, and the exact ones from the first on', async () => {
    const { bus, hold, routesFor } = setUp({ goesLive: false })
    hold('/topic/prices/EUR')
    hold('/topic/prices/*')
    bus.goLive('prices:*')
    bus.refuseSubscription('prices:EUR')
    await flush()
    expect(routesFor('prices:EUR', 'prices:*')).toEqual(['/topic/prices/{symbol}'])
    // The bus has taken it again, and a payload is here before the word of that.
    expect(routesFor('prices:EUR')).toEqual(['/topic/prices/{symbol}'])
    expect(routesFor('prices:EUR', 'prices:*')).toEqual([])
  })

  it('go past a pattern that is refused: one channel of it may be allowed', async () => {
    const { bus, hold } = setUp({ goesLive: false })
    hold('/topic/prices/*')
    bus.refuseSubscription('prices:*')
    await flush()
    hold('/topic/prices/EUR')
    expect(bus.channels).toContain('prices:EUR')
  })

  it('of every destination are refused while what is kept is: who was live, who waits and who comes', async () => {
    const { interests, hold, bus } = setUp()
    interests.keep('BROADCAST')
    const live = hold('/topic/greetings')
    await flush()
    bus.setReason('away')
    const waits = hold('/topic/greetings')
    const outcomes: string[] = []
    const note = (name: string, held: typeof live) => {
      const liveness = interests.whenLive(held)
      liveness?.live.then(
        () => outcomes.push(`${name} live`),
        () => outcomes.push(`${name} refused`),
      )
    }
    note('waits', waits)
    bus.goesLive = false
    bus.refuseSubscription('BROADCAST')
    bus.setReason(undefined)
    expect(interests.refusalOf(live)?.message).toBe('no permission for BROADCAST')
    expect(interests.unavailableReason).toBe('Redis refuses the channel "BROADCAST": no permission for BROADCAST')
    const watched = interests.holdChannel('GREETING')
    expect(interests.whenLive(watched)).toBeUndefined()
    note('comes', hold('/topic/greetings'))
    bus.refuseSubscription('BROADCAST')
    await flush()
    expect(outcomes).toEqual(['waits refused', 'comes refused'])
    note('comes later', hold('/topic/greetings'))
    bus.takeSubscription('BROADCAST')
    await flush()
    expect(outcomes.at(-1)).toBe('comes later live')
    expect(interests.unavailableReason).toBeUndefined()
  })

  it('of routes that are always subscribed make the bridge unavailable while they are refused', () => {
    const { interests, bus } = setUp({ goesLive: false })
    interests.keepRoutes(tableOf([route('a:{x}', '/topic/a/{x}', 'always')]).permanentInterests())
    expect(interests.unavailableReason).toBeUndefined()
    bus.refuseSubscription('a:*')
    expect(interests.unavailableReason).toBe('Redis refuses the pattern "a:*": no permission for a:*')
    bus.takeSubscription('a:*')
    expect(interests.unavailableReason).toBeUndefined()
  })
})
