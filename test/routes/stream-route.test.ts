import { describe, expect, it } from 'vitest'
import { StreamRoute, type StreamRouteOptions } from '../../src/routes/stream-route.ts'

const route = (options: Partial<StreamRouteOptions> = {}) =>
  new StreamRoute({
    stream: 's',
    destination: '{field.topic}',
    body: '{field.message}',
    headers: [],
    start: 'latest',
    maxScan: 10,
    ...options,
  })

const fields = (entries: Record<string, string | Uint8Array>) =>
  new Map(
    Object.entries(entries).map(([name, value]) => [
      name,
      typeof value === 'string' ? new TextEncoder().encode(value) : value,
    ]),
  )

const TEXT = ['content-type', 'text/plain;charset=UTF-8']

describe('a route of a stream', () => {
  it('takes the whole destination from one field', () => {
    expect(route().read(fields({ topic: '/topic/a/b', message: 'x', _class: 'y' }))).toEqual({
      destination: '/topic/a/b',
      message: { body: 'x', headers: [TEXT] },
    })
    expect(route().canGive('/topic/any/thing')).toBe(true)
    expect(route().canGive('/topic/*')).toBe(false)
  })

  it('takes one segment from a field between text', () => {
    const prices = route({ destination: '/topic/p-{field.group.name}/{field.x-y}' })
    expect(prices.destinationOf(fields({ 'group.name': 'a/b', 'x-y': 'ü 1' }))).toBe('/topic/p-a%2Fb/ü%201')
    expect(prices.canGive('/topic/p-a/b')).toBe(true)
    for (const other of ['/topic/p-/b', '/topic/p-a/b/c', '/topic/q-a/b']) expect(prices.canGive(other)).toBe(false)
  })

  it.each([{ message: 'x' }, { topic: '', message: 'x' }, { topic: '/topic/a' }])('makes nothing of %j', (entry) => {
    expect(route().read(fields(entry as Record<string, string>))).toBeUndefined()
  })

  it('takes headers from the fields that it names', () => {
    const { message } = route({ headers: ['a', 'none', 'content-type'] }).read(
      fields({ topic: '/topic/a', message: '{}', a: '1', b: '2', 'content-type': 'application/json' }),
    )!
    expect(message.headers).toEqual([
      ['content-type', 'application/json'],
      ['a', '1'],
    ])
  })

  it('keeps what is no text', () => {
    const octets = Uint8Array.of(255, 0, 1)
    expect(route().read(fields({ topic: '/topic/a', message: octets }))!.message).toEqual({
      body: octets,
      headers: [['content-type', 'application/octet-stream']],
    })
    expect(route({ contentType: 'text/html' }).read(fields({ topic: '/topic/a', message: '<p>' }))!.message).toEqual({
      body: '<p>',
      headers: [['content-type', 'text/html']],
    })
  })
})
