import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BusRefusedError, BusUnavailableError } from '../../src/bus/bus.ts'
import { ProtocolError } from '../../src/errors.ts'
import { failureOf } from '../support/failure.ts'
import { BrokerStage, sent } from './stage.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('broker: SEND', () => {
  it.each([
    ['/app/greet', 'Test', 'GREETING_OUT', '"Test"'],
    ['/app/json/1', '{"a":1}', 'json:1', '{"a":1}'],
    ['/app/other/deep', 'Test', 'app:other/deep', '"Test"'],
    ['/topic/a', 'Test', 'BROADCAST', '{"topic":"/topic/a","message":"Test","headers":[],"sender":"node-1"}'],
    ['/queue/a', 'Test', 'BROADCAST', '{"topic":"/queue/a","message":"Test","headers":[],"sender":"node-1"}'],
    ['/topic/*', 'Test', 'BROADCAST', '{"topic":"/topic/*","message":"Test","headers":[],"sender":"node-1"}'],
  ])('to %s goes to its channel', (destination, body, channel, payload) => {
    expect(new BrokerStage().outbound.route(sent(destination, body))).toEqual({ channel, payload })
  })

  it('to a destination with a stream is an entry of it', () => {
    const route = { destination: '/app/test/{x}', stream: 'S:{x}', codec: 'raw', maxLength: 9, groups: ['g'] } as const
    const fields = { message: 'body', topic: 'destination', how: 'header.priority' }
    const stage = new BrokerStage({ routes: { outbound: [{ ...route, fields, constants: { _class: 'a.B' } }] } })
    const message = sent('/app/test/1', 'Test', [['priority', 'high']])
    expect(stage.outbound.route(message)).toEqual({
      channel: 'S:1',
      payload: message.body,
      entry: {
        maxLength: 9,
        groups: ['g'],
        fields: [
          ['message', undefined],
          ['topic', '/app/test/1'],
          ['how', 'high'],
          ['_class', 'a.B'],
        ],
      },
    })
    expect(stage.table.messageCounts()[0]).toBe(1)
  })

  it.each([{ entry: { maxLength: 9, groups: [], fields: [] } }, { once: 'x' }])(
    'never goes to what the bridge keeps for itself: %j',
    async (more) => {
      const message = { channel: 'stomp-bridge:x', payload: '', ...more }
      const stage = new BrokerStage()
      await expect(stage.outbound.publish(message)).rejects.toMatchObject({ code: 'bus-refused' })
      await expect(stage.outbound.publishAll([message])).rejects.toMatchObject({ code: 'bus-refused' })
      expect(stage.bus.handedOver).toEqual([])
    },
  )

  it.each(['/other/a', '/app', '/app/', '/appx/a', '/topic', '/topic/', '', 'app/greet', '/APP/greet'])(
    '#61 to "%s" is refused with no-route',
    (destination) => {
      const error = failureOf(() => new BrokerStage().outbound.route(sent(destination)))
      expect(error).toBeInstanceOf(ProtocolError)
      expect(error).toMatchObject({ code: 'no-route' })
    },
  )

  it('#61 without the convention is refused with no-route where no route takes it', () => {
    const stage = new BrokerStage({ routes: { convention: false } })
    expect(failureOf(() => stage.outbound.route(sent('/app/other')))).toMatchObject({ code: 'no-route' })
  })

  it('#61 with a body that the codec cannot carry is refused with bad-body', () => {
    expect(failureOf(() => new BrokerStage().outbound.route(sent('/app/json/1', 'no JSON')))).toMatchObject({
      code: 'bad-body',
    })
  })

  it('resolves when the bus has it, and counts it then', async () => {
    const stage = new BrokerStage({ bus: { accepts: false } })
    const published = vi.fn()
    const done = stage.outbound.publish({ channel: 'a', payload: 'x' }).then(published)
    await Promise.resolve()
    expect(published).not.toHaveBeenCalled()
    expect(stage.metrics.count.messagesPublished).toBe(0)
    stage.bus.handedOver[0]!.accept()
    await done
    expect(stage.metrics.count.messagesPublished).toBe(1)
  })

  it('rejects with bus-unavailable, and counts that, when the bus does not take it', async () => {
    const stage = new BrokerStage()
    stage.bus.setReason('no connection to 10.0.0.1')
    const failed = stage.outbound.publish({ channel: 'a', payload: 'x' })
    await expect(failed).rejects.toMatchObject({ name: 'ProtocolError', code: 'bus-unavailable' })
    await expect(failed).rejects.not.toThrow(/10\.0\.0\.1/)
    expect(stage.metrics.count).toMatchObject({ messagesPublished: 0, busFailures: 1 })
    expect(stage.log.entries).toMatchObject([
      { level: 'debug', message: 'The bus did not accept a message', fields: { reason: 'no connection to 10.0.0.1' } },
    ])
  })

  it('warns, but not without end, when a bus that is there does not take messages', async () => {
    const stage = new BrokerStage({ bus: { accepts: false } })
    const failed = Array.from({ length: 10 }, () => stage.outbound.publish({ channel: 'a', payload: 'x' }))
    for (const { refuse } of stage.bus.handedOver) refuse(new BusUnavailableError('OOM command not allowed'))
    for (const each of failed) await expect(each).rejects.toMatchObject({ code: 'bus-unavailable' })
    const warned = { level: 'warn', fields: { reason: 'OOM command not allowed' } }
    const warnings = stage.log.entries.filter(({ level }) => level === 'warn')
    expect(warnings).toMatchObject([warned, warned, warned])
    expect(stage.metrics.count.busFailures).toBe(10)
  })

  it.each(['publish', 'publishAll'] as const)(
    'rejects %s with bus-refused, in words of the client, when Redis refuses the channel',
    async (call) => {
      const stage = new BrokerStage({ bus: { accepts: false } })
      const message = { channel: 'a', payload: 'x' }
      const failed = call === 'publish' ? stage.outbound.publish(message) : stage.outbound.publishAll([message])
      stage.bus.handedOver[0]!.refuse(new BusRefusedError('NOPERM No permissions to access a channel'))
      await expect(failed).rejects.toMatchObject({ name: 'ProtocolError', code: 'bus-refused' })
      await expect(failed).rejects.not.toThrow(/NOPERM|permission/)
      expect(stage.metrics.count).toMatchObject({ messagesPublished: 0, busFailures: 1 })
    },
  )

  it('passes on what is no fault of the bus', async () => {
    const stage = new BrokerStage({ bus: { accepts: false } })
    const failed = stage.outbound.publish({ channel: 'a', payload: 'x' })
    stage.bus.handedOver[0]!.refuse(new TypeError('a bug'))
    await expect(failed).rejects.toThrow(TypeError)
  })

  it('#94 of a whole transaction is handed over at once, in order', async () => {
    const stage = new BrokerStage()
    const messages = [1, 2, 3].map((n) => ({ channel: `c${n}`, payload: `${n}` }))
    await stage.outbound.publishAll(messages)
    expect(stage.bus.handedOver).toHaveLength(1)
    expect(stage.bus.published).toEqual(['c1 1', 'c2 2', 'c3 3'])
    expect(stage.metrics.count.messagesPublished).toBe(3)
    stage.bus.setReason('away')
    await expect(stage.outbound.publishAll(messages)).rejects.toMatchObject({ code: 'bus-unavailable' })
    expect(stage.metrics.count).toMatchObject({ messagesPublished: 3, busFailures: 1 })
  })
})

describe('broker: what the bus cannot take', () => {
  it('#70 fails a subscription with bus-refused, in words of the client', async () => {
    const stage = new BrokerStage({ bus: { goesLive: false } })
    const liveness = stage.broker.whenLive(stage.subscribe('/topic/greetings').entry)
    stage.bus.refuseSubscription('GREETING_IN')
    await expect(liveness?.live).rejects.toMatchObject({ name: 'ProtocolError', code: 'bus-refused' })
    await expect(liveness?.live).rejects.toThrow('/topic/greetings')
    await expect(liveness?.live).rejects.not.toThrow('permission')
  })

  it('is limited in bytes that wait: beyond it senders are refused until some is accepted', async () => {
    const stage = new BrokerStage({ bus: { accepts: false } })
    const payload = 'x'.repeat(40 * 1024 * 1024)
    const first = stage.outbound.publish({ channel: 'a', payload })
    await expect(stage.outbound.publish({ channel: 'a', payload })).rejects.toMatchObject({ code: 'bus-unavailable' })
    expect(stage.metrics.count.busFailures).toBe(1)
    stage.bus.handedOver[0]!.accept()
    await first
    const second = stage.outbound.publish({ channel: 'a', payload })
    stage.bus.handedOver[1]!.refuse()
    await expect(second).rejects.toMatchObject({ code: 'bus-unavailable' })
    const third = stage.outbound.publish({ channel: 'a', payload })
    stage.bus.handedOver[2]!.accept()
    await third
  })

  it('counts transactions in what waits, and all of their messages', async () => {
    const stage = new BrokerStage({ bus: { accepts: false } })
    const message = { channel: 'a', payload: 'x'.repeat(20 * 1024 * 1024) }
    const overloaded = { code: 'bus-unavailable', message: expect.stringContaining('too much is waiting') }
    const transaction = stage.outbound.publishAll([message, message])
    await expect(stage.outbound.publishAll([message, message])).rejects.toMatchObject(overloaded)
    const single = stage.outbound.publish(message)
    await expect(stage.outbound.publish(message)).rejects.toMatchObject(overloaded)
    expect(stage.bus.handedOver).toHaveLength(2)
    stage.bus.handedOver[0]!.refuse()
    await expect(transaction).rejects.toMatchObject({ code: 'bus-unavailable' })
    const next = stage.outbound.publishAll([message, message])
    for (const handedOver of stage.bus.handedOver.slice(1)) handedOver.accept()
    await Promise.all([single, next])
  })
})

describe('broker: notifications', () => {
  it.each([
    ['"Test"', '{"topic":"/topic/a","message":"Test"}'],
    ['{"a":1.50}', '{"topic":"/topic/a","message":{"a":1.50}}'],
    ['null', '{"topic":"/topic/a","message":null}'],
  ])('of %j go over the broadcast channel as topic and message', async (message, payload) => {
    const stage = new BrokerStage()
    await stage.outbound.notify('/topic/a', message)
    expect(stage.bus.published).toEqual([`BROADCAST ${payload}`])
  })

  it.each(['/app/a', '/topic', '/other/a', ''])('to "%s" are refused with bad-destination', async (topic) => {
    const stage = new BrokerStage()
    await expect(stage.outbound.notify(topic, '"x"')).rejects.toMatchObject({ code: 'bad-destination' })
    expect(stage.bus.published).toEqual([])
  })

  it('reject with bus-unavailable while the bus is away', async () => {
    const stage = new BrokerStage({ bus: { isAvailable: false } })
    await expect(stage.outbound.notify('/topic/a', 'x')).rejects.toMatchObject({ code: 'bus-unavailable' })
  })
})
