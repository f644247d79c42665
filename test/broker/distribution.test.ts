/** Messages that travel on a channel of their destination, which only those hear who want it. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { destinationChannel, destinationGlob } from '../../src/broker/destination-channel.ts'
import type { DistributionKind } from '../../src/broker/distribution.ts'
import { patternMatches } from '../../src/destinations.ts'
import { globToRegExp } from '../../src/glob.ts'
import { turn } from '../support/fake-turn.ts'
import { bodiesFor, broadcast, BrokerStage, RELEASE_DELAY_MS, sent, type Subscribed } from './stage.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

async function stageOf(distribution: DistributionKind): Promise<BrokerStage> {
  const stage = new BrokerStage({ distribution, routes: { convention: false, inbound: [] } })
  await turn() // it is known which patterns the bus takes
  return stage
}

/** As Redis does it: one copy for each subscription of the bus that has the channel. */
function carry({ bus }: BrokerStage, channel: string, payload: string): void {
  if (bus.channels.has(channel)) bus.deliver(channel, payload)
  for (const pattern of bus.patterns) if (globToRegExp(pattern).test(channel)) bus.deliver(channel, payload, pattern)
}

/** From another node. */
function send(stage: BrokerStage, destination: string, body: string): void {
  carry(stage, destinationChannel(destination), broadcast(destination, body))
}

describe('broker: messages by interest', () => {
  it.each([
    ['shared', 'BROADCAST'],
    ['both', 'BROADCAST'],
    ['by-interest', 'stomp-bridge:to:{/topic/a}'],
  ] as const)('%s sends to %s', async (distribution, channel) => {
    const stage = await stageOf(distribution)
    expect(stage.outbound.route(sent('/topic/a')).channel).toBe(channel)
    await stage.outbound.notify('/topic/a', '"x"')
    expect(stage.bus.published).toEqual([`${channel} {"topic":"/topic/a","message":"x"}`])
  })

  it.each([
    ['shared', []],
    ['both', ['subscribe stomp-bridge:to:{/topic/a}', 'unsubscribe stomp-bridge:to:{/topic/a}']],
    ['by-interest', ['subscribe stomp-bridge:to:{/topic/a}', 'unsubscribe stomp-bridge:to:{/topic/a}']],
  ] as const)(
    '%s hears the broadcast channel always, and that of a destination while it is subscribed',
    async (kind, own) => {
      const stage = await stageOf(kind)
      expect(stage.bus.commands.splice(0)).toEqual(
        kind === 'shared' ? ['subscribe BROADCAST'] : ['subscribe BROADCAST', 'psubscribe stomp-bridge:to:probe'],
      )
      const { entry } = stage.subscribe('/topic/a')
      stage.broker.unsubscribe(entry)
      vi.advanceTimersByTime(RELEASE_DELAY_MS)
      expect(stage.bus.commands).toEqual(own)
    },
  )

  it('a subscription is live when its channel is', async () => {
    const stage = new BrokerStage({
      distribution: 'by-interest',
      bus: { goesLive: false },
      routes: { convention: false },
    })
    stage.bus.goLive()
    await vi.advanceTimersByTimeAsync(0)
    const exact = stage.broker.whenLive(stage.subscribe('/topic/a').entry)
    const pattern = stage.broker.whenLive(stage.subscribe('/topic/b/*').entry)
    const live: string[] = []
    void exact?.live.then(() => live.push('exact'))
    void pattern?.live.then(() => live.push('pattern'))
    stage.bus.goLive('stomp-bridge:to:{/topic/a}')
    await vi.advanceTimersByTimeAsync(0)
    expect(live).toEqual(['exact'])
    stage.bus.goLive()
    await vi.advanceTimersByTimeAsync(0)
    expect(live).toEqual(['exact', 'pattern'])
  })

  it('brings each subscription one copy, from whichever channel it comes', async () => {
    const stage = await stageOf('by-interest')
    const destinations = ['/topic/a/x', '/topic/a/*', '/topic/a/**', '/topic/**/x', '/topic/?/x', '/topic/a/**/**']
    const subscribed = destinations.map((destination) => stage.subscribe(destination))
    send(stage, '/topic/a/x', 'one')
    stage.bus.deliver('BROADCAST', broadcast('/topic/a/x', 'two'))
    send(stage, '/topic/a/y', 'three')
    for (const [i, each] of subscribed.entries()) {
      const isForBoth = ['/topic/a/*', '/topic/a/**', '/topic/a/**/**'].includes(destinations[i]!)
      expect(await bodiesFor(each)).toEqual(isForBoth ? ['one', 'two', 'three'] : ['one', 'two'])
    }
  })

  it('brings each subscription what it matches once, whatever is subscribed beside it', async () => {
    const segment = fc.constantFrom('a', 'b', 'ab', '[a]', '*', '?', '**', 'a*', '?b', '\\')
    const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => `/topic/${segments.join('/')}`)
    const destination = fc
      .array(fc.constantFrom('a', 'b', 'ab', 'aab', '[a]', '\\'), { minLength: 1, maxLength: 4 })
      .map((segments) => `/topic/${segments.join('/')}`)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(pattern, destination), { maxLength: 6 }),
        fc.array(destination, { maxLength: 6 }),
        async (wanted, sentTo) => {
          const stage = await stageOf('by-interest')
          const subscribed: Subscribed[] = wanted.map((each) => stage.subscribe(each))
          for (const each of sentTo) send(stage, each, each)
          for (const [i, each] of subscribed.entries()) {
            expect(await bodiesFor(each)).toEqual(sentTo.filter((topic) => patternMatches(wanted[i]!, topic)))
          }
        },
      ),
      { numRuns: 60 },
    )
  }, 30_000)

  it.each([
    ['/topic/prices.*', 'stomp-bridge:to:{/topic/prices.*'],
    ['/topic/a/**', 'stomp-bridge:to:{/topic/a*'],
    ['/topic/a/x**', 'stomp-bridge:to:{/topic/a/x*'],
    ['/topic/[a]\\/?', 'stomp-bridge:to:{/topic/\\[a\\]\\\\/*'],
    ['/user/*/queue/x', 'stomp-bridge:to:{/user/*'],
  ])('the glob of %s is %s', (pattern, glob) => {
    expect(destinationGlob(pattern)).toBe(glob)
  })

  it('many patterns share one glob for everything, and nothing comes double', async () => {
    const stage = await stageOf('by-interest')
    const first = Array.from({ length: 200 }, (_, i) => stage.subscribe(`/topic/${i}/*`))
    expect(stage.bus.patterns.size).toBeLessThanOrEqual(65)
    expect(stage.bus.patterns).toContain('stomp-bridge:to:*')
    for (const i of [0, 199]) send(stage, `/topic/${i}/x`, `to ${i}`)
    expect(await bodiesFor(first[0]!)).toEqual(['to 0'])
    expect(await bodiesFor(first[199]!)).toEqual(['to 199'])
    expect(await bodiesFor(first[198]!)).toEqual([])
  })

  it('where the bus refuses patterns that its rules do not name, one for everything serves', async () => {
    const stage = await stageOf('by-interest')
    stage.bus.refuseSubscription('stomp-bridge:to:probe')
    const subscribed = [stage.subscribe('/topic/a/*'), stage.subscribe('/topic/*/x', { id: '1' })]
    expect([...stage.bus.patterns]).toEqual(['stomp-bridge:to:probe', 'stomp-bridge:to:*'])
    send(stage, '/topic/a/x', 'one')
    send(stage, '/topic/b/x', 'two')
    expect(await bodiesFor(subscribed[0]!)).toEqual(['one'])
    expect(await bodiesFor(subscribed[1]!)).toEqual(['one', 'two'])
    stage.bus.takeSubscription('stomp-bridge:to:probe')
    stage.subscribe('/topic/c/*')
    expect([...stage.bus.patterns].at(-1)).toBe('stomp-bridge:to:{/topic/c/*')
  })

  it('when the routes change, the channels of destinations stay', async () => {
    const stage = await stageOf('by-interest')
    const subscribed = [stage.subscribe('/topic/a'), stage.subscribe('/topic/b/*', { id: '1' })]
    stage.bus.commands.splice(0)
    const retired = stage.table.replace({ outbound: [], inbound: [], convention: true, conventionCodec: 'raw' })
    stage.broker.reroute(
      subscribed.map(({ entry }) => entry),
      retired,
    )
    vi.advanceTimersByTime(RELEASE_DELAY_MS)
    expect(stage.bus.commands).toEqual(['subscribe topic:a', 'psubscribe topic:*'])
    send(stage, '/topic/a', 'one')
    send(stage, '/topic/b/x', 'two')
    expect(await bodiesFor(subscribed[0]!)).toEqual(['one'])
    expect(await bodiesFor(subscribed[1]!)).toEqual(['two'])
  })

  it('a payload for another destination than that of its channel is malformed', async () => {
    const stage = await stageOf('by-interest')
    const subscribed = [stage.subscribe('/topic/a'), stage.subscribe('/topic/b', { id: '1' })]
    stage.bus.deliver(destinationChannel('/topic/a'), broadcast('/topic/b', 'forged'))
    stage.bus.deliver(destinationChannel('/topic/a'), 'no JSON')
    stage.bus.deliver(destinationChannel('/topic/a'), broadcast('/topic/a', 'good'))
    expect(await bodiesFor(subscribed[0]!)).toEqual(['good'])
    expect(await bodiesFor(subscribed[1]!)).toEqual([])
    expect(stage.metrics.count.payloadsMalformed).toBe(2)
  })

  it('nobody sends to the channel of a destination by a route, or by its name', async () => {
    const stage = new BrokerStage({
      routes: { outbound: [{ destination: '/app/any/{*x}', channel: '{*x}', codec: 'raw' }] },
    })
    const channel = destinationChannel('/topic/a')
    const refused = expect.objectContaining({ code: 'bus-refused' })
    expect(() => stage.outbound.route(sent(`/app/any/${channel}`))).toThrow(refused)
    expect(() => stage.outbound.routeTo('/app/x', channel, 'x')).toThrow(refused)
    await expect(stage.outbound.publishOn(channel, 'x')).rejects.toMatchObject({ code: 'bus-refused' })
    expect(stage.bus.published).toEqual([])
  })
})
