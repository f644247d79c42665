import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { turn } from '../support/fake-turn.ts'
import { bodiesFor, broadcast, BrokerStage } from './stage.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('broker: payloads that cannot be read', () => {
  it.each([
    ['of a route', 'GREETING_IN', 'no JSON', '"Test"', '/topic/greetings'],
    ['of a route by pattern', 'topic:greet', 'no JSON', '"Test"', '/topic/gree?'],
    ['on the broadcast channel', 'BROADCAST', '{"topic":1}', broadcast('/topic/a', 'Test'), '/topic/a'],
    ['with no text in it', 'GREETING_IN', Uint8Array.of(0x22, 0xff, 0x22), '"Test"', '/topic/greetings'],
    ['with nothing in it', 'GREETING_IN', '', '"Test"', '/topic/greetings'],
  ])(
    '%s are logged and counted, and the next one is delivered',
    async (_name, channel, malformed, good, destination) => {
      const stage = new BrokerStage()
      const subscribed = stage.subscribe(destination)
      const pattern = destination.includes('?') ? 'topic:*' : undefined
      stage.bus.deliver(channel, malformed, pattern)
      stage.bus.deliver(channel, good, pattern)
      expect(await bodiesFor(subscribed)).toEqual(['Test'])
      expect(stage.metrics.count.payloadsMalformed).toBe(1)
      expect(stage.log.entries).toMatchObject([
        { level: 'warn', message: 'Malformed payload was skipped', fields: { channel } },
      ])
    },
  )

  it('are quoted in the log, but not at length', () => {
    const stage = new BrokerStage()
    stage.subscribe('/topic/greetings')
    stage.bus.deliver('GREETING_IN', `no JSON ${'x'.repeat(100_000)}`)
    const { fields } = stage.log.entries[0]!
    expect(fields).toMatchObject({ bytes: 100_008 })
    expect((fields['payload'] as string).length).toBeLessThanOrEqual(120)
  })

  it('are logged a few times when there are many, and all counted', () => {
    const stage = new BrokerStage()
    stage.subscribe('/topic/greetings')
    for (let i = 0; i < 500; i++) stage.bus.deliver('GREETING_IN', 'no JSON')
    expect(stage.metrics.count.payloadsMalformed).toBe(500)
    expect(stage.log.entries.length).toBeGreaterThan(0)
    expect(stage.log.entries.length).toBeLessThan(50)
  })

  it('name the broadcast for a destination that the bridge does not deliver', async () => {
    const stage = new BrokerStage()
    const { socket } = stage.subscribe('/topic/**')
    for (const topic of ['/app/a', '/topic', '/topic/', '/topicx/a', 'topic/a', ''])
      stage.bus.deliver('BROADCAST', broadcast(topic, 'x'))
    await turn()
    expect(stage.network.websocket.written).toEqual([])
    expect(socket.sent).toEqual([])
    expect(stage.metrics.count.payloadsMalformed).toBe(6)
    expect(stage.log.messages('warn')).toHaveLength(6)
  })

  it('do not keep another route from the same payload', async () => {
    const inbound = [
      { channel: 'both', destination: '/topic/json', codec: 'json', subscribe: 'on-demand' },
      { channel: 'both', destination: '/topic/raw', codec: 'raw', subscribe: 'on-demand' },
    ] as const
    const stage = new BrokerStage({ routes: { inbound } })
    stage.subscribe('/topic/json')
    const raw = stage.subscribe('/topic/raw')
    stage.bus.deliver('both', 'no JSON')
    expect(await bodiesFor(raw)).toEqual(['no JSON'])
    expect(stage.metrics.count.payloadsMalformed).toBe(1)
  })

  it('and a subscriber that fails are logged as errors, and the next message is delivered', async () => {
    const stage = new BrokerStage()
    const failing = stage.subscribe('/topic/a', { isSingle: true })
    const deliver = vi.spyOn(failing.receiver, 'deliver').mockImplementation(() => {
      throw new Error('broken')
    })
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'one'))
    deliver.mockRestore()
    const good = stage.subscribe('/topic/a')
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'two'))
    expect(await bodiesFor(good)).toEqual(['two'])
    expect(stage.log.messages('error')).toEqual(['A payload could not be delivered'])
  })
})
