/** Work queues in a configuration. */
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { linesOf } from './support.ts'

const ALL = { destination: '/queue/**' }
const problems = (queues: unknown, more: object = {}) => linesOf(() => parseConfig({ queues, ...more }))

describe('a work queue', () => {
  it('has defaults for all but its name, and needs no Redis', () => {
    expect(parseConfig({ queues: [ALL] }).queues).toEqual([
      { ...ALL, maxDeliveries: 5, visibilitySeconds: 30, maxLength: 100_000 },
    ])
    expect(parseConfig({}).queues).toEqual([])
  })

  it.each([
    [{ destination: '/topic/x' }, 'destination: must start with /queue/'],
    [{ destination: '/queue' }, 'destination: must start with /queue/'],
    [{ destination: '/queue/a:dead' }, 'destination: must not end with :dead'],
    [{ destination: '/queue/*:dead' }, 'destination: must not end with :dead'],
    [{ destination: 5 }, 'destination: '],
    [{ maxDeliveries: 0 }, 'maxDeliveries: must be a whole number'],
    [{ maxDeliveries: 1.5 }, 'maxDeliveries: must be a whole number'],
    [{ visibilitySeconds: 0 }, 'visibilitySeconds: '],
    [{ visibilitySeconds: 100_000 }, 'visibilitySeconds: '],
    [{ maxLength: 0 }, 'maxLength: '],
    [{ prefetch: 1 }, 'prefetch: is not a setting'],
  ])('with %j is refused', (change, line) => {
    expect(problems([{ ...ALL, ...change }])).toContainEqual(expect.stringContaining(`queues[0].${line}`))
  })

  it.each(['/queue/a', '/queue/*', '/queue/**'])('keeps no history: %s', (destination) => {
    expect(problems([{ destination: '/queue/b' }, ALL], { history: [{ destination }] })).toEqual([
      'history[0].destination: must not meet queues[1], "/queue/**": a work queue keeps its messages itself, until they are done',
    ])
  })

  it.each(['/queue/a', '/queue/{x}', '/queue/{*rest}', '/{x}/b'])('is fed by no channel: %s', (destination) => {
    const inbound = [{ channel: 'c:{x}:{*rest}', destination, codec: 'raw' }]
    expect(problems([ALL], { routes: { inbound } })).toContainEqual(
      expect.stringContaining(
        'routes.inbound[0].destination: must not meet queues[0], "/queue/**": every node would add',
      ),
    )
  })

  it('lets other destinations have history and channels', () => {
    const history = [{ destination: '/queue/b' }, { destination: '/topic/**' }]
    const inbound = [{ channel: 'c:{x}', destination: '/topic/{x}', codec: 'raw' }]
    expect(parseConfig({ queues: [{ destination: '/queue/a' }], history, routes: { inbound } }).queues).toHaveLength(1)
  })

  it('says nothing more of what is wrong already', () => {
    expect(problems('all', { history: 'all', routes: { inbound: 5 } }).filter((line) => line.includes('meet'))).toEqual(
      [],
    )
    expect(
      problems([5, {}, null], { history: [{ destination: '/queue/a' }] }).filter((line) => line.includes('meet')),
    ).toEqual([])
  })

  it('may be what a path of an endpoint subscribes and sends to', () => {
    const endpoints = [{ path: '/work', protocol: 'raw', subscribe: ['/queue/a'], send: '/queue/b' }]
    expect(parseConfig({ queues: [ALL], broker: { prefixes: ['/topic'] }, endpoints }).endpoints).toHaveLength(1)
    expect(linesOf(() => parseConfig({ broker: { prefixes: ['/topic'] }, endpoints }))).toHaveLength(2)
  })
})
