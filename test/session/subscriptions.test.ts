import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { AckMode, Subscriptions } from '../../src/session/subscriptions.ts'
import { FakeSource } from './fake-source.ts'

function setUp(max = 10, maxPatterns = 10) {
  const source = new FakeSource()
  const subscriptions = new Subscriptions(source, max, maxPatterns)
  /** Destination and id of what is subscribed at the broker. */
  const live = () => source.live.map(({ destination, id }) => `${destination} ${id ?? 'without id'}`)
  return { subscriptions, live, source }
}

const codeOf = (attempt: () => unknown): unknown => {
  try {
    attempt()
  } catch (error) {
    return error instanceof ProtocolError ? error.code : error
  }
  return undefined
}

describe('subscriptions', () => {
  it('#66 refuse an id that is in use', () => {
    const { subscriptions, live } = setUp()
    subscriptions.add('/topic/a', '1', AckMode.auto)
    expect(codeOf(() => subscriptions.add('/topic/b', '1', AckMode.auto))).toBe('duplicate-subscription')
    expect(live()).toEqual(['/topic/a 1'])
  })

  it('#67 take one destination under two ids', () => {
    const { subscriptions, live } = setUp()
    for (const id of ['1', '2']) subscriptions.add('/topic/a', id, AckMode.auto)
    expect(live()).toEqual(['/topic/a 1', '/topic/a 2'])
    expect(subscriptions.remove('1', undefined)?.broker.id).toBe('1')
    expect(live()).toEqual(['/topic/a 2'])
  })

  it('#68 take an id again after it was removed, with a serial of its own', () => {
    const { subscriptions } = setUp()
    subscriptions.add('/topic/a', '1', AckMode.auto)
    const first = subscriptions.remove('1', undefined)
    subscriptions.add('/topic/b', '1', AckMode.client)
    const second = subscriptions.get('1')
    expect(second).toMatchObject({ ackMode: AckMode.client, broker: { destination: '/topic/b' } })
    expect(second?.serial).not.toBe(first?.serial)
    expect(subscriptions.bySerial(first!.serial)).toBeUndefined()
    expect(subscriptions.knows(first!.serial)).toBe(true)
    expect(subscriptions.bySerial(second!.serial)).toBe(second)
  })

  it.each([0, -1, 3, NaN, Infinity])('never gave out the serial %s', (serial) => {
    const { subscriptions } = setUp()
    for (const id of ['1', '2']) subscriptions.add('/topic/a', id, AckMode.auto)
    expect(subscriptions.knows(serial)).toBe(false)
  })

  it('#71 in 1.0 are removed by destination where they have no id', () => {
    const { subscriptions, live } = setUp()
    subscriptions.add('/topic/a', undefined, AckMode.auto)
    subscriptions.add('/topic/b', undefined, AckMode.auto)
    expect(subscriptions.remove(undefined, '/topic/a')?.broker.destination).toBe('/topic/a')
    expect(live()).toEqual(['/topic/b without id'])
  })

  it('#71 #72 in 1.0 are removed by destination also where they have an id, those without one first', () => {
    const { subscriptions, live } = setUp()
    subscriptions.add('/topic/a', '1', AckMode.auto)
    subscriptions.add('/topic/a', undefined, AckMode.auto)
    subscriptions.add('/topic/b', '2', AckMode.auto)
    expect(subscriptions.remove(undefined, '/topic/a')?.broker.id).toBeUndefined()
    expect(subscriptions.remove(undefined, '/topic/a')?.broker.id).toBe('1')
    expect(subscriptions.remove(undefined, '/topic/a')).toBeUndefined()
    expect(live()).toEqual(['/topic/b 2'])
  })

  it('in 1.0 without an id are there once, however often the client asks', () => {
    const { subscriptions, live } = setUp()
    for (let i = 0; i < 3; i++) subscriptions.add('/topic/a', undefined, AckMode.auto)
    expect(live()).toEqual(['/topic/a without id'])
    subscriptions.remove(undefined, '/topic/a')
    expect(live()).toEqual([])
  })

  it('do not take an id for a destination, nor the other way round', () => {
    const { subscriptions, live } = setUp()
    subscriptions.add('/topic/a', '/topic/b', AckMode.auto)
    subscriptions.add('/topic/b', undefined, AckMode.auto)
    expect(live()).toHaveLength(2)
    expect(subscriptions.get('/topic/a')).toBeUndefined()
    expect(subscriptions.remove(undefined, '/topic/b')?.broker.destination).toBe('/topic/b')
    expect(subscriptions.remove('/topic/b', undefined)?.broker.destination).toBe('/topic/a')
  })

  it('give nothing for what is not there', () => {
    const { subscriptions } = setUp()
    expect(subscriptions.remove('1', undefined)).toBeUndefined()
    expect(subscriptions.remove(undefined, '/topic/a')).toBeUndefined()
    expect(subscriptions.remove(undefined, undefined)).toBeUndefined()
    expect(subscriptions.get('__proto__')).toBeUndefined()
  })

  it('are limited in number, and free a place when removed', () => {
    const { subscriptions } = setUp(2)
    for (const id of ['1', '2']) subscriptions.add('/topic/a', id, AckMode.auto)
    expect(codeOf(() => subscriptions.add('/topic/a', '3', AckMode.auto))).toBe('too-many-subscriptions')
    expect(subscriptions.size).toBe(2)
    subscriptions.remove('1', undefined)
    subscriptions.add('/topic/a', '3', AckMode.auto)
  })

  it('with patterns are limited by themselves, and free a place when removed', () => {
    const { subscriptions } = setUp(10, 1)
    subscriptions.add('/topic/*', '1', AckMode.auto)
    expect(codeOf(() => subscriptions.add('/topic/a*', '2', AckMode.auto))).toBe('too-many-subscriptions')
    subscriptions.add('/topic/a', '2', AckMode.auto)
    subscriptions.remove('2', undefined)
    expect(codeOf(() => subscriptions.add('/topic/a*', '2', AckMode.auto))).toBe('too-many-subscriptions')
    subscriptions.remove('1', undefined)
    subscriptions.add('/topic/a*', '2', AckMode.auto)
    subscriptions.clear()
    subscriptions.add('/topic/a*', '2', AckMode.auto)
  })

  it('are found and given in their order, whether one or several, also when one is left', () => {
    const { subscriptions } = setUp()
    const ids = () => [...subscriptions].map(({ broker }) => broker.id)
    const steps: (string | undefined)[][] = []
    for (const id of ['1', undefined, '3']) {
      subscriptions.add('/topic/a', id, AckMode.auto)
      steps.push(ids())
    }
    subscriptions.remove('1', undefined)
    steps.push(ids())
    subscriptions.remove(undefined, '/topic/a')
    steps.push(ids())
    expect(steps).toEqual([['1'], ['1', undefined], ['1', undefined, '3'], [undefined, '3'], ['3']])
    expect(subscriptions.size).toBe(1)
    expect(subscriptions.get('3')?.broker.id).toBe('3')
    expect(subscriptions.get('1')).toBeUndefined()
    subscriptions.remove('3', undefined)
    expect([subscriptions.size, ids()]).toEqual([0, []])
  })

  it('that are refused by the broker leave nothing behind', () => {
    const { subscriptions } = setUp(1)
    expect(codeOf(() => subscriptions.add('/other', '1', AckMode.auto))).toBe('bad-destination')
    expect(subscriptions.size).toBe(0)
    subscriptions.add('/topic/a', '1', AckMode.auto)
  })

  it.each([
    [AckMode.auto, false],
    [AckMode.client, true],
    [AckMode.individual, true],
  ])('#69 in mode %s acknowledge: %s', (ackMode, acknowledges) => {
    const { subscriptions } = setUp()
    subscriptions.add('/topic/a', '1', ackMode)
    expect(subscriptions.get('1')).toMatchObject({ ackMode, broker: { acknowledges } })
  })

  it('say how long the broker takes to feed them', () => {
    const { subscriptions, source } = setUp()
    source.liveness = { live: Promise.resolve(), liveOrLost: Promise.resolve() }
    expect(subscriptions.add('/topic/a', '1', AckMode.auto)).toBe(source.liveness)
  })

  it('#115 are all given back by clear', () => {
    const { subscriptions, live } = setUp()
    for (const id of ['1', '2', undefined]) subscriptions.add('/topic/a', id, AckMode.auto)
    subscriptions.clear()
    expect(live()).toEqual([])
    expect([...subscriptions]).toEqual([])
  })
})
