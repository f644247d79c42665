/** Wrong arguments: each error names what is wrong, and what it must be. */
import { Cluster, Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { createBackend, type Backend } from '../../src/backend/index.ts'

const redis = new Redis({ lazyConnect: true })

describe('createBackend', () => {
  it.each([
    [undefined, {}, 'Cannot create a backend: redis must be a connection of ioredis'],
    [{}, {}, 'Cannot create a backend: redis must be a connection of ioredis'],
    [redis, { broadcastChannel: '' }, 'Cannot create a backend: broadcastChannel must be text, and not empty'],
    [redis, { keyPrefix: 7 }, 'Cannot create a backend: keyPrefix must be text'],
  ])('refuses %o, %j', (connection, options, text) => {
    expect(() => createBackend(connection as never, options as never)).toThrow(new TypeError(text))
  })
})

describe('consume', () => {
  const consume = (stream: unknown, group: unknown, consumer: unknown, handler: unknown, options?: unknown) =>
    createBackend(redis).consume(
      ...([stream, group, consumer, handler, options] as unknown as Parameters<Backend['consume']>),
    )

  it.each([
    ['', 'Cannot consume: the stream must be text, and not empty'],
    ['s', 'Cannot consume "s": the group must be text, and not empty', ''],
    ['s', 'Cannot consume "s": the consumer must be text, and not empty', 'g', 7],
    ['s', 'Cannot consume "s": the handler must be a function', 'g', 'c', 'h'],
  ])('refuses %j: %s', (stream, text, group: unknown = 'g', consumer: unknown = 'c', handler: unknown = () => {}) => {
    expect(() => consume(stream, group, consumer, handler)).toThrow(new TypeError(text))
  })

  it.each([
    [null, 'options must be an object'],
    [{ concurrency: 0 }, 'concurrency must be a whole number from 1 to 10000, not 0'],
    [{ concurrency: 1.5 }, 'concurrency must be a whole number from 1 to 10000, not 1.5'],
    [{ batchSize: 0 }, 'batchSize must be a whole number from 1 to 10000, not 0'],
    [{ claimIdleMs: 99 }, 'claimIdleMs must be a whole number from 100 to 2147483647, not 99'],
    [{ claimIdleMs: '1s' }, 'claimIdleMs must be a whole number from 100 to 2147483647, not 1s'],
    [{ blockMs: 0 }, 'blockMs must be a whole number from 1 to 2147483647, not 0'],
    [{ maxDeliveries: 3 }, 'maxDeliveries needs deadLetter'],
    [{ deadLetter: 'dead' }, 'deadLetter needs maxDeliveries'],
    [{ deadLetter: 'dead', maxDeliveries: 0 }, 'maxDeliveries must be a whole number from 1 to 1000000, not 0'],
    [{ deadLetter: 's', maxDeliveries: 3 }, 'deadLetter must be another stream'],
    [{ onError: 'log' }, 'onError must be a function'],
  ])('refuses the options %j', (options, text) => {
    expect(() => consume('s', 'g', 'c', () => {}, options)).toThrow(`Cannot consume "s": ${text}`)
  })

  it('refuses a cluster', () => {
    const cluster = new Cluster([{ port: 1 }], { lazyConnect: true })
    const backend = createBackend(cluster as never)
    expect(() => backend.consume('s', 'g', 'c', () => {})).toThrow('redis must be one server, not a cluster')
  })

  it('stop refuses a deadline that is no time, and does not stop', async () => {
    const consumer = consume('s', 'g', 'c', () => {}, { onError: () => {} })
    await expect(consumer.stop(-1)).rejects.toThrow('Cannot stop: deadlineMs must be a whole number from 0 to')
    await consumer.stop(0)
  })
})
