import { describe, expect, it } from 'vitest'
import { AckMode } from '../../src/client/subscription.ts'
import { codeOf } from '../support/failure.ts'
import { Snapshots } from '../../src/snapshots/snapshots.ts'
import { ClientStage, type ClientStageOptions } from './stage.ts'

function setUp(maxSubscriptions = 10, maxPatterns = 10, options: ClientStageOptions = {}) {
  const stage = new ClientStage({ ...options, limits: { maxSubscriptions, maxPatterns } })
  const { broker } = stage.core
  const door = stage.open()
  const { client } = door
  const { subscriptions } = client
  /** Destination and id of what is subscribed, at the broker as well. */
  const live = () => {
    const all = [...subscriptions]
    const counts = new Map<string, number>()
    for (const { destination } of all) counts.set(destination, (counts.get(destination) ?? 0) + 1)
    expect(new Map(broker.subscriptionCounts())).toEqual(counts)
    expect([broker.size, subscriptions.size]).toEqual([all.length, all.length])
    return all.map(({ destination, id }) => `${destination} ${id ?? 'without id'}`)
  }
  return { stage, door, client, subscriptions, live }
}

describe('subscriptions of a client', () => {
  it('#66 refuse an id that is in use', () => {
    const { door, live } = setUp()
    door.subscribe('/topic/a', '1', AckMode.auto)
    expect(codeOf(() => door.subscribe('/topic/b', '1', AckMode.auto))).toBe('duplicate-subscription')
    expect(live()).toEqual(['/topic/a 1'])
  })

  it('#67 take one destination under two ids', () => {
    const { door, client, live } = setUp()
    for (const id of ['1', '2']) door.subscribe('/topic/a', id, AckMode.auto)
    expect(live()).toEqual(['/topic/a 1', '/topic/a 2'])
    expect(client.unsubscribe('1', undefined)?.id).toBe('1')
    expect(live()).toEqual(['/topic/a 2'])
  })

  it('#68 take an id again after it was removed, with a serial of its own', () => {
    const { door, client, subscriptions } = setUp()
    door.subscribe('/topic/a', '1', AckMode.auto)
    const first = client.unsubscribe('1', undefined)
    door.subscribe('/topic/b', '1', AckMode.client)
    const second = subscriptions.get('1')
    expect(second).toMatchObject({ ackMode: AckMode.client, destination: '/topic/b' })
    expect(second?.serial).not.toBe(first?.serial)
    expect(subscriptions.bySerial(first!.serial)).toBeUndefined()
    expect(subscriptions.knows(first!.serial)).toBe(true)
    expect(subscriptions.bySerial(second!.serial)).toBe(second)
  })

  it.each([0, -1, 3, NaN, Infinity])('never gave out the serial %s', (serial) => {
    const { door, subscriptions } = setUp()
    for (const id of ['1', '2']) door.subscribe('/topic/a', id, AckMode.auto)
    expect(subscriptions.knows(serial)).toBe(false)
  })

  it('#71 in 1.0 are removed by destination where they have no id', () => {
    const { door, client, live } = setUp()
    door.subscribe('/topic/a', undefined, AckMode.auto)
    door.subscribe('/topic/b', undefined, AckMode.auto)
    expect(client.unsubscribe(undefined, '/topic/a')?.destination).toBe('/topic/a')
    expect(live()).toEqual(['/topic/b without id'])
  })

  it('#71 #72 in 1.0 are removed by destination also where they have an id, those without one first', () => {
    const { door, client, live } = setUp()
    door.subscribe('/topic/a', '1', AckMode.auto)
    door.subscribe('/topic/a', undefined, AckMode.auto)
    door.subscribe('/topic/b', '2', AckMode.auto)
    expect(client.unsubscribe(undefined, '/topic/a')?.id).toBeUndefined()
    expect(client.unsubscribe(undefined, '/topic/a')?.id).toBe('1')
    expect(client.unsubscribe(undefined, '/topic/a')).toBeUndefined()
    expect(live()).toEqual(['/topic/b 2'])
  })

  it('in 1.0 without an id are there once, however often the client asks', () => {
    const { door, client, live } = setUp()
    for (let i = 0; i < 3; i++) door.subscribe('/topic/a', undefined, AckMode.auto)
    expect(live()).toEqual(['/topic/a without id'])
    client.unsubscribe(undefined, '/topic/a')
    expect(live()).toEqual([])
  })

  it('do not take an id for a destination, nor the other way round', () => {
    const { door, client, subscriptions, live } = setUp()
    door.subscribe('/topic/a', '/topic/b', AckMode.auto)
    door.subscribe('/topic/b', undefined, AckMode.auto)
    expect(live()).toHaveLength(2)
    expect(subscriptions.get('/topic/a')).toBeUndefined()
    expect(client.unsubscribe(undefined, '/topic/b')?.destination).toBe('/topic/b')
    expect(client.unsubscribe('/topic/b', undefined)?.destination).toBe('/topic/a')
  })

  it('give nothing for what is not there', () => {
    const { client, subscriptions } = setUp()
    expect(client.unsubscribe('1', undefined)).toBeUndefined()
    expect(client.unsubscribe(undefined, '/topic/a')).toBeUndefined()
    expect(client.unsubscribe(undefined, undefined)).toBeUndefined()
    expect(subscriptions.get('__proto__')).toBeUndefined()
  })

  it('are limited in number, and free a place when removed', () => {
    const { door, client, subscriptions } = setUp(2)
    for (const id of ['1', '2']) door.subscribe('/topic/a', id, AckMode.auto)
    expect(codeOf(() => door.subscribe('/topic/a', '3', AckMode.auto))).toBe('too-many-subscriptions')
    expect(subscriptions.size).toBe(2)
    client.unsubscribe('1', undefined)
    door.subscribe('/topic/a', '3', AckMode.auto)
  })

  it('with patterns are limited by themselves, and free a place when removed', () => {
    const { door, client } = setUp(10, 1)
    door.subscribe('/topic/*', '1', AckMode.auto)
    expect(codeOf(() => door.subscribe('/topic/a*', '2', AckMode.auto))).toBe('too-many-subscriptions')
    door.subscribe('/topic/a', '2', AckMode.auto)
    client.unsubscribe('2', undefined)
    expect(codeOf(() => door.subscribe('/topic/a*', '2', AckMode.auto))).toBe('too-many-subscriptions')
    client.unsubscribe('1', undefined)
    door.subscribe('/topic/a*', '2', AckMode.auto)
    client.unsubscribeAll()
    door.subscribe('/topic/a*', '2', AckMode.auto)
  })

  it('are found and given in their order, whether one or several, also when one is left', () => {
    const { door, client, subscriptions } = setUp()
    const ids = () => [...subscriptions].map(({ id }) => id)
    const steps: (string | undefined)[][] = []
    for (const id of ['1', undefined, '3']) {
      door.subscribe('/topic/a', id, AckMode.auto)
      steps.push(ids())
    }
    client.unsubscribe('1', undefined)
    steps.push(ids())
    client.unsubscribe(undefined, '/topic/a')
    steps.push(ids())
    expect(steps).toEqual([['1'], ['1', undefined], ['1', undefined, '3'], [undefined, '3'], ['3']])
    expect(subscriptions.size).toBe(1)
    expect(subscriptions.get('3')?.id).toBe('3')
    expect(subscriptions.get('1')).toBeUndefined()
    client.unsubscribe('3', undefined)
    expect([subscriptions.size, ids()]).toEqual([0, []])
  })

  it('that are refused by the broker leave nothing behind', () => {
    const { door, subscriptions } = setUp(1)
    expect(codeOf(() => door.subscribe('/other', '1', AckMode.auto))).toBe('bad-destination')
    expect(subscriptions.size).toBe(0)
    door.subscribe('/topic/a', '1', AckMode.auto)
  })

  it.each([
    [AckMode.auto, false],
    [AckMode.client, true],
    [AckMode.individual, true],
  ])('#69 in mode %s acknowledge: %s', (ackMode, acknowledges) => {
    const { door, subscriptions } = setUp()
    door.subscribe('/topic/a', '1', ackMode)
    expect(subscriptions.get('1')).toMatchObject({ ackMode, feed: { isSingle: acknowledges } })
  })

  it('say how long the bus takes to feed them', async () => {
    const { stage, door } = setUp(10, 10, { core: { bus: { goesLive: false } } })
    const liveness = door.subscribe('/topic/a', '1', AckMode.auto)
    stage.core.bus.goLive()
    await liveness!.live
    expect(door.subscribe('/topic/a', '2', AckMode.auto)).toBeUndefined()
  })

  it('#115 are all given back by clear', () => {
    const { door, client, subscriptions, live } = setUp()
    for (const id of ['1', '2', undefined]) door.subscribe('/topic/a', id, AckMode.auto)
    client.unsubscribeAll()
    expect(live()).toEqual([])
    expect([...subscriptions]).toEqual([])
  })
})

describe('a snapshot', () => {
  it('is no matter of the bus: neither that it is away nor that it refuses its own channel ends or holds up anything', async () => {
    const destination = '/app/state'
    const stage = new ClientStage({
      core: {
        bus: { goesLive: false },
        prefixes: { snapshots: { meantBy: (it) => (it === destination ? it : undefined) } },
      },
      snapshots: ({ delivery, metrics, log }) =>
        new Snapshots(
          [{ destination, source: { type: 'http', url: 'http://state/', maxBytes: 10, timeoutMs: 1000 } }],
          {
            values: undefined,
            fetch: () => Promise.resolve(new Response('{}')),
            ...{ delivery, metrics, log },
          },
        ),
    })
    const door = stage.open()
    const liveness = door.subscribe(destination, '1')!
    await liveness.liveOrLost
    stage.core.bus.refuseSubscription('BROADCAST')
    await liveness.live
    expect(door.told).toEqual([expect.stringMatching(/^deliver /)])
  })
})
