import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { InterestsModel } from './channel-interests-model.ts'
import type { RouteTable } from '../../src/routes/table.ts'
import { flush, RELEASE_MS, route, tableOf } from './interests-stage.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

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
