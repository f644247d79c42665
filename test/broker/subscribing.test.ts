import { describe, expect, it } from 'vitest'
import { ADDRESSES } from '../../src/access/delivered-addresses.ts'
import { DestinationRules } from '../../src/broker/destination-rules.ts'
import { turn } from '../support/fake-turn.ts'
import { codeOf } from '../support/failure.ts'
import { BrokerStage, sent } from './stage.ts'

describe('broker: what may be subscribed', () => {
  it.each(['/app/a', '/other', '/topic', '/topic/', '/topicx/a', '', '/**', '*'])(
    '#70 "%s" is refused with bad-destination',
    (destination) => {
      const stage = new BrokerStage()
      const before = [...stage.bus.commands]
      expect(codeOf(() => stage.subscribe(destination))).toBe('bad-destination')
      expect(stage.bus.commands).toEqual(before)
      expect(stage.broker.size).toBe(0)
      expect(stage.outbound.topicProblem(destination)).toBeDefined()
    },
  )

  it.each([
    ['too long', `/topic/${'a'.repeat(300)}*`],
    ['of too many segments', `/topic${'/**/*'.repeat(10)}`],
  ])('#70 a pattern that is %s is refused with bad-destination', (_name, destination) => {
    const stage = new BrokerStage()
    expect(codeOf(() => stage.subscribe(destination))).toBe('bad-destination')
  })

  it.each([
    ['too long', `/topic/${'a'.repeat(1100)}`],
    ['of too many segments', `/topic${'/a'.repeat(100)}`],
  ])(
    'a destination that is %s is refused with bad-destination, as for SEND and a notification',
    async (_name, destination) => {
      const stage = new BrokerStage()
      expect(codeOf(() => stage.subscribe(destination))).toBe('bad-destination')
      expect(codeOf(() => stage.outbound.route(sent(destination)))).toBe('bad-destination')
      await expect(stage.outbound.notify(destination, 'x')).rejects.toMatchObject({ code: 'bad-destination' })
    },
  )
})

describe('destination rules', () => {
  const rules = new DestinationRules({ prefixes: ['/topic', '/queue'], applicationPrefixes: ['/app'] }, ADDRESSES)

  it('tell a destination of the broker from one of the application, at a segment border', () => {
    const kinds = ['/topic/a', '/queue/a', '/app/a', '/topicx/a', '/topic', '/topic/', '/appx/a', ''].map((each) => [
      rules.isBroker(each),
      rules.isApplication(each),
    ])
    const [broker, application, neither] = [
      [true, false],
      [false, true],
      [false, false],
    ]
    expect(kinds).toEqual([broker, broker, application, neither, neither, neither, neither, neither])
  })

  it('say to who expects a work queue how to have one', () => {
    const topics = new DestinationRules({ prefixes: ['/topic'], applicationPrefixes: ['/app'] }, ADDRESSES)
    const text = 'it must start with "/topic/", or the section "queues" must name it as a work queue'
    expect(() => topics.requireSubscribable('/queue/a')).toThrow(`Cannot subscribe to "/queue/a": ${text}`)
    expect(() => topics.requireDeliverable('/queue/a')).toThrow(`Cannot send to "/queue/a": ${text}`)
  })

  it('name the prefixes in what they refuse', () => {
    expect(() => rules.requireSubscribable('/other')).toThrow(
      'Cannot subscribe to "/other": it must start with "/topic/" or "/queue/"',
    )
    expect(() => rules.requireDeliverable('/other')).toThrow(
      'Cannot send to "/other": it must start with "/topic/" or "/queue/"',
    )
  })
})

describe('broker: the channels of subscriptions', () => {
  const PLAIN = { routes: { inbound: [], outbound: [] } }

  it('are waited for only until what is needed is live', async () => {
    const stage = new BrokerStage({ ...PLAIN, bus: { goesLive: false } })
    const whenLive = () => stage.broker.whenLive(stage.subscribe('/topic/a').entry)
    const waiting = [whenLive(), whenLive()]
    expect(waiting).not.toContain(undefined)
    stage.bus.goLive()
    await Promise.all(waiting.map((liveness) => liveness!.live))
    expect(whenLive()).toBeUndefined()
    expect(stage.bus.commands.filter((command) => command.endsWith('topic:a'))).toEqual(['subscribe topic:a'])
  })

  it('are asked of the bus again when it has refused them to those before', async () => {
    const stage = new BrokerStage({ ...PLAIN, bus: { goesLive: false } })
    const refused = stage.broker.whenLive(stage.subscribe('/topic/a').entry)!
    stage.bus.refuseSubscription('topic:a')
    await expect(refused.live).rejects.toMatchObject({ code: 'bus-refused' })
    const again = stage.broker.whenLive(stage.subscribe('/topic/a').entry)!
    stage.bus.goLive()
    await again.live
    const commands = stage.bus.commands.filter((command) => command.endsWith('topic:a'))
    expect(commands).toEqual(['subscribe topic:a', 'subscribe topic:a'])
  })

  it('are kept until the last of a destination has gone', async () => {
    const stage = new BrokerStage({ ...PLAIN, releaseDelayMs: 0 })
    const all = [stage.subscribe('/topic/a')]
    await turn()
    for (const id of ['1', '2']) all.push(stage.subscribe('/topic/a', { id, isSingle: id === '2' }))
    for (const { entry } of all.slice(1)) stage.broker.unsubscribe(entry)
    await turn()
    expect(stage.bus.channels).toContain('topic:a')
    stage.broker.unsubscribe(all[0]!.entry)
    await expect.poll(() => [...stage.bus.channels]).toEqual(['BROADCAST'])
    expect(stage.broker.size).toBe(0)
  })
})

describe('broker: live subscriptions', () => {
  it('are counted, all together and by destination', () => {
    const stage = new BrokerStage()
    const { entry } = stage.subscribe('/topic/a')
    stage.subscribe('/topic/b', { isSingle: true })
    expect(stage.broker.size).toBe(2)
    stage.broker.unsubscribe(entry)
    expect(stage.broker.size).toBe(1)
    expect([...stage.broker.subscriptionCounts()]).toEqual([['/topic/b', 1]])
  })

  it('are counted by every string that somebody has subscribed with, and how often', () => {
    const stage = new BrokerStage({ prefixes: { prefixes: ['/topic'] } })
    const names = ['/topic/a', '/topic/b', '/topic/*', '/topic/**', '/topic/**/a', '/topic/?/x']
    const all = names.map((name) => stage.subscribe(name))
    stage.subscribe('/topic/a')
    const once = names.slice(1).map((name): [string, number] => [name, 1])
    expect(new Map(stage.broker.subscriptionCounts())).toEqual(new Map([['/topic/a', 2], ...once]))
    for (const { entry } of all.slice(1)) stage.broker.unsubscribe(entry)
    expect([...stage.broker.subscriptionCounts()]).toEqual([['/topic/a', 2]])
  })
})
