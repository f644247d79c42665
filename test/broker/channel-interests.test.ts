import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ChannelInterests } from '../../src/broker/channel-interests.ts'
import { RouteTable, type RouteOptions } from '../../src/routes/table.ts'
import { FakeBus } from '../support/fake-bus.ts'
import { InterestsModel } from './channel-interests-model.ts'

const RELEASE_MS = 1000

const route = (channel: string, destination: string, subscribe: 'on-demand' | 'always' = 'on-demand') =>
  ({ channel, destination, codec: 'raw', subscribe }) as const

function tableOf(inbound: RouteOptions['inbound'], convention = false): RouteTable {
  return new RouteTable({ outbound: [], inbound, convention, conventionCodec: 'raw' }, [], ['/topic'])
}

const flush = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

describe('channel interests', () => {
  const prices = route('prices:{symbol}', '/topic/prices/{symbol}')
  const others = route('prices:{*rest}', '/topic/others/{*rest}')
  const greetings = route('GREETING', '/topic/greetings')
  const table = tableOf([prices, others, greetings], true)

  function setUp(options: ConstructorParameters<typeof FakeBus>[0] = {}) {
    const bus = new FakeBus(options)
    const interests = new ChannelInterests(bus, RELEASE_MS)
    bus.start({
      onMessage() {},
      onAvailability: (reason) => interests.setBusAvailable(reason === undefined),
      onRefusal: (kind, name, refusal) => interests.setRefusal(kind, name, refusal),
    })
    const hold = (destination: string) => interests.hold(table.interests(destination))
    const routesFor = (channel: string, pattern?: string) =>
      interests.routesFor(channel, pattern).map(({ destination }) => destination.source)
    return { bus, interests, hold, routesFor }
  }

  /** Which of the promises have resolved, once all that is ready has happened. */
  async function settled(promises: Readonly<Record<string, Promise<unknown> | undefined>>): Promise<string[]> {
    const names: string[] = []
    for (const [name, promise] of Object.entries(promises)) void promise?.then(() => names.push(name))
    await flush()
    return names.sort()
  }

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

  it('leave no timer after close, nor do those who leave then', () => {
    const { interests, hold } = setUp()
    const [one, other] = [hold('/topic/greetings'), hold('/topic/prices/*')]
    interests.release(one)
    interests.close()
    interests.release(other)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('channel interests over a Redis that takes its time', () => {
  const setups: { name: string; table: RouteTable; destinations: string[]; channels: string[] }[] = [
    {
      name: 'one route with a variable',
      table: tableOf([route('a:{x}', '/topic/a/{x}')]),
      destinations: ['/topic/a/1', '/topic/a/2', '/topic/a/*', '/topic/**'],
      channels: ['a:1', 'a:2'],
    },
    {
      name: 'the convention beside a route',
      table: tableOf([route('a:{x}', '/topic/a/{x}'), route('GREETING', '/topic/greetings')], true),
      destinations: ['/topic/a/1', '/topic/a/*', '/topic/greetings', '/topic/other', '/topic/*', '/topic/**'],
      channels: ['a:1', 'GREETING', 'topic:other', 'topic:a/1'],
    },
    {
      name: 'two routes whose channels have the same glob',
      table: tableOf([route('a:{x}', '/topic/a/{x}'), route('a:{*y}', '/topic/z/{*y}')]),
      destinations: ['/topic/a/1', '/topic/a/*', '/topic/z/1', '/topic/z/*', '/topic/z/**'],
      channels: ['a:1', 'a:2', 'a:1/2'],
    },
    {
      name: 'routes that feed one destination from several channels',
      table: tableOf([
        route('a:{x}', '/topic/{x}'),
        route('b:{x}', '/topic/{x}'),
        route('a:1', '/topic/1'),
        route('{*all}', '/topic/all/{*all}'),
      ]),
      destinations: ['/topic/1', '/topic/2', '/topic/*', '/topic/all/a:1', '/topic/all/*', '/topic/**'],
      channels: ['a:1', 'a:2', 'b:1'],
    },
    {
      name: 'a route that is always subscribed',
      table: tableOf([
        route('a:{x}', '/topic/a/{x}', 'always'),
        route('a:1', '/topic/one'),
        route('b:{x}', '/topic/b/{x}'),
      ]),
      destinations: ['/topic/a/1', '/topic/a/*', '/topic/one', '/topic/b/1', '/topic/b/*', '/topic/**'],
      channels: ['a:1', 'a:2', 'b:1'],
    },
  ]

  type Step =
    | { readonly do: 'subscribe' | 'publish' | 'unsubscribe' | 'watch' | 'unwatch'; readonly which: number }
    | { readonly do: 'revoke' | 'grant'; readonly which: number }
    | { readonly do: 'serve' | 'receive' | 'lose' | 'reconnect' | 'probe' }
    | { readonly do: 'wait'; readonly ms: number }

  const steps = fc.array(
    fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Step> }[]>(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('subscribe' as const), which: fc.nat(11) }) },
      { weight: 5, arbitrary: fc.record({ do: fc.constant('unsubscribe' as const), which: fc.nat(11) }) },
      { weight: 8, arbitrary: fc.record({ do: fc.constant('publish' as const), which: fc.nat(11) }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constantFrom('watch' as const, 'unwatch' as const), which: fc.nat(11) }),
      },
      { weight: 12, arbitrary: fc.record({ do: fc.constantFrom('serve' as const, 'receive' as const) }) },
      {
        weight: 5,
        arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 500, 1000, 5000) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'reconnect' as const, 'probe' as const) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constantFrom('revoke' as const, 'grant' as const), which: fc.nat(11) }),
      },
    ),
    { minLength: 10, maxLength: 80, size: 'max' },
  )

  it.each(setups)(
    'give every live subscriber every payload once, with $name',
    async ({ table, destinations, channels }) => {
      let confirmed = 0
      let watched = 0
      const names = [...new Set(destinations.flatMap((each) => table.interests(each).map(({ name }) => name)))]
      const refusals = fc.oneof(
        { weight: 3, arbitrary: fc.constant<string[]>([]) },
        { weight: 1, arbitrary: fc.subarray(names, { maxLength: 2 }) },
      )
      await fc.assert(
        fc.asyncProperty(steps, fc.constantFrom(0, RELEASE_MS), refusals, async (list, releaseDelayMs, refused) => {
          vi.clearAllTimers()
          const model = new InterestsModel(table, releaseDelayMs, refused)
          for (const step of list) {
            if (step.do === 'subscribe') model.subscribe(destinations[step.which % destinations.length]!)
            else if (step.do === 'publish') model.publish(channels[step.which % channels.length]!)
            else if (step.do === 'unsubscribe') model.unsubscribe(step.which)
            else if (step.do === 'watch') model.watch(channels[step.which % channels.length]!)
            else if (step.do === 'unwatch') model.unwatch(step.which)
            else if (step.do === 'revoke' || step.do === 'grant')
              model.redis[step.do](names[step.which % names.length]!)
            else if (step.do === 'wait') vi.advanceTimersByTime(step.ms)
            else model.redis[step.do]()
            await flush()
          }
          model.redis.reconnect()
          await model.settle()
          model.redis.probe()
          await model.settle()
          model.check()
          for (const subscriber of model.subscribers) {
            if (!subscriber.isReleased) expect(subscriber.isLive, `${subscriber.destination} is live`).toBe(true)
          }
          for (const { channel, isReleased, isLive } of model.watchers) {
            if (!isReleased) expect(isLive, `who watches ${channel} is live`).toBe(!model.redis.refused.has(channel))
          }
          // Now everybody is live: one more of each.
          for (const channel of channels) model.publish(channel)
          await model.settle()
          model.check()
          model.checkWatchers()
          confirmed += model.confirmed
          watched += model.watchers.filter(({ isReleased, received }) => !isReleased && received.size > 0).length
          for (const { isReleased } of model.subscribers) if (!isReleased) model.unsubscribe(0)
          for (const { isReleased } of model.watchers) if (!isReleased) model.unwatch(0)
          vi.advanceTimersByTime(10 * RELEASE_MS)
          await model.settle()
          const patterns = table.permanentInterests().filter(({ kind }) => kind === 'pattern')
          const isNotOutliving = (name: string): boolean =>
            patterns.every(({ route }) => name === route.channel.glob || route.channel.match(name) === undefined)
          const permanent = table.permanentInterests().filter(({ name }) => !model.redis.refused.has(name))
          for (const kind of ['channel', 'pattern'] as const) {
            const left = permanent.filter((interest) => interest.kind === kind).map(({ name }) => name)
            expect([...model.redis.subscribed[kind]].filter(isNotOutliving), `${kind}s left`).toEqual(left)
          }
          // Those that had to outlive a permanent pattern go with the connection.
          model.redis.lose()
          model.redis.reconnect()
          await model.settle()
          const outlived = [...model.redis.subscribed.channel].filter((name) => !isNotOutliving(name))
          expect(outlived, 'channels left after a new connection').toEqual([])
          expect(vi.getTimerCount()).toBe(0)
          // Who has left waits no more either.
          for (const { isLive, isRefused } of model.subscribers) expect(isLive || isRefused).toBe(true)
        }),
        { numRuns: 200 },
      )
      expect(confirmed).toBeGreaterThan(200)
      expect(watched).toBeGreaterThan(20)
    },
    30_000,
  )
})
