import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { turn } from '../support/fake-turn.ts'
import { bodiesFor, broadcast, BrokerStage, sent } from './stage.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('broker: what is seen from outside', () => {
  const watcher = () => {
    const told: string[] = []
    return {
      told,
      live: () => void told.push('live'),
      unavailable: (reason: string) => void told.push(reason),
      message: (payload: Uint8Array) => void told.push(`"${new TextDecoder().decode(payload)}"`),
      ended: () => void told.push('ended'),
    }
  }

  it('a watched channel gives its payloads once, also where a pattern covers it, and subscribers get what they got', async () => {
    const stage = new BrokerStage()
    const patterns = stage.subscribe('/topic/raw/*')
    const [one, other] = [watcher(), watcher()]
    stage.watches.add('raw:x', one)
    stage.watches.add('BROADCAST', other)
    const exact = stage.subscribe('/topic/raw/x', { id: '1' })
    await turn()
    for (const payload of ['first', 'second']) {
      stage.bus.deliver('raw:x', payload)
      stage.bus.deliver('raw:x', payload, 'raw:*')
    }
    stage.bus.deliver('BROADCAST', broadcast('/topic/raw/x', 'third'))
    expect(one.told).toEqual(['live', '"first"', '"second"'])
    expect(other.told).toEqual(['live', `"${broadcast('/topic/raw/x', 'third')}"`])
    expect(await bodiesFor(patterns)).toEqual(['first', 'second', 'third'])
    expect(await bodiesFor(exact)).toEqual(['first', 'second', 'third'])
  })

  it('a watched channel that no route knows is delivered to nobody', async () => {
    const stage = new BrokerStage()
    const one = watcher()
    stage.watches.add('elsewhere', one)
    await turn()
    stage.bus.deliver('elsewhere', 'x')
    expect(one.told).toEqual(['live', '"x"'])
    expect([stage.metrics.count.messagesReceived, stage.metrics.count.payloadsMalformed, stage.log.entries]).toEqual([
      0,
      0,
      [],
    ])
  })

  it('a payload that its route cannot read is still seen', async () => {
    const stage = new BrokerStage()
    stage.subscribe('/topic/greetings')
    const one = watcher()
    stage.watches.add('GREETING_IN', one)
    await turn()
    stage.bus.deliver('GREETING_IN', 'no JSON')
    expect(one.told).toEqual(['live', '"no JSON"'])
    expect(stage.metrics.count.payloadsMalformed).toBe(1)
  })

  it('a watch that is over hears nothing more, and the others go on', async () => {
    const stage = new BrokerStage()
    const [one, other] = [watcher(), watcher()]
    const stop = stage.watches.add('x', one)
    stage.watches.add('x', other)
    await turn()
    stop()
    stop()
    stage.bus.deliver('x', '1')
    stage.close()
    expect([one.told, other.told]).toEqual([['live'], ['live', '"1"', 'ended']])
  })

  it('counts the subscriptions of each destination', () => {
    const stage = new BrokerStage()
    stage.subscribe('/topic/greetings', { id: '1' })
    stage.subscribe('/topic/greetings', { id: '2' })
    stage.subscribe('/topic/greetings', { id: '3', isSingle: true })
    const gone = stage.subscribe('/topic/raw/x')
    stage.subscribe('/topic/**', { transport: 'tcp' })
    expect(new Map(stage.broker.subscriptionCounts())).toEqual(
      new Map([
        ['/topic/greetings', 3],
        ['/topic/raw/x', 1],
        ['/topic/**', 1],
      ]),
    )
    expect(stage.broker.size).toBe(5)
    stage.broker.unsubscribe(gone.entry)
    expect([...stage.broker.subscriptionCounts()].map(([name]) => name)).toEqual(['/topic/greetings', '/topic/**'])
    expect(stage.broker.size).toBe(4)
  })

  it('counts the messages of each route, whoever gets them', () => {
    const stage = new BrokerStage()
    stage.subscribe('/topic/**')
    for (const destination of ['/app/greet', '/app/json/1', '/app/greet', '/app/other', '/topic/x']) {
      stage.outbound.route(sent(destination, '1'))
    }
    stage.bus.deliver('GREETING_IN', '"x"')
    stage.bus.deliver('GREETING_IN', 'malformed')
    stage.bus.deliver('raw:a', 'x', 'raw:*')
    stage.bus.deliver('topic:z', '"x"', 'topic:*')
    const counts = stage.table.messageCounts()
    const named = stage.table.views().map(({ destination }, i) => `${destination} ${counts[i]}`)
    expect(named).toEqual([
      '/app/greet 2',
      '/app/json/{x} 1',
      '/app/{*name} 1',
      '/topic/greetings 2',
      '/topic/raw/{x} 1',
      '/topic/env/{x} 0',
      '/topic/always 0',
      '/topic/{*name} 1',
      '/queue/{*name} 0',
      '/user/{user}/queue/{*name} 0',
      '/group/{group}/{*name} 0',
      '/session/{session}/queue/{*name} 0',
    ])
  })
})
