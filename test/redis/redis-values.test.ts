/** What backends keep in a real Redis, as JSON. */
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BusUnavailableError } from '../../src/bus/bus.ts'
import { RedisValues } from '../../src/redis/redis-values.ts'
import { StoredValueError, type StoredLimits, type StoredType } from '../../src/snapshots/stored-values.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { busForTest, redisForTest } from './support.ts'

const LIMITS: StoredLimits = { maxEntries: 200, maxBytes: 4000, timeoutMs: 5000 }

let redis: RedisServer
let outside: Redis
beforeAll(async () => {
  redis = await startRedis()
  outside = await redis.client()
})
afterAll(() => redis.stop())

let keys = 0
const newKey = () => `k${++keys}`

async function valuesOn(server: RedisServer) {
  const { bus, recorder } = busForTest(server.url, { keyPrefix: 'p:' })
  await recorder.untilAvailable()
  return new RedisValues(bus.commands)
}

describe('a value', () => {
  it('of each type is JSON', async () => {
    const values = await valuesOn(redis)
    const read = async (type: StoredType, key: string): Promise<unknown> =>
      JSON.parse(await values.read(type, key, LIMITS))
    await outside.hset('p:hash', '10', 'ten', '2', 'žluť', '"', '', '__proto__', 'own')
    await outside.rpush('p:list', 'b', 'a', 'b')
    await outside.sadd('p:set', 'x', 'y')
    await outside.zadd('p:zset', 1.5, 'm', '-inf', 'least', 1e21, 'large')
    const first = await outside.xadd('p:stream', '*', 'a', '1', 'b', '2')
    const second = await outside.xadd('p:stream', '*', 'a', '3')
    expect(await values.read('hash', 'hash', LIMITS)).toBe('{"10":"ten","2":"žluť","\\"":"","__proto__":"own"}')
    expect(await read('list', 'list')).toEqual(['b', 'a', 'b'])
    expect(((await read('set', 'set')) as string[]).sort()).toEqual(['x', 'y'])
    expect(await read('sorted-set', 'zset')).toEqual([
      { member: 'least', score: '-inf' },
      { member: 'm', score: 1.5 },
      { member: 'large', score: 1e21 },
    ])
    expect(await read('stream', 'stream')).toEqual([
      { id: first, fields: { a: '1', b: '2' } },
      { id: second, fields: { a: '3' } },
    ])
  })

  it.each([
    ['{"id": 1784563209871234567}', '{"id": 1784563209871234567}'],
    ['10.50', '10.50'],
    ['Hello "you"', '"Hello \\"you\\""'],
    ['', '""'],
    ['{"a":', '"{\\"a\\":"'],
  ])('of text %j is %s', async (text, json) => {
    const values = await valuesOn(redis)
    const key = newKey()
    await outside.set(`p:${key}`, text)
    expect(await values.read('string', key, LIMITS)).toBe(json)
  })

  it.each([
    ['hash', '{}'],
    ['list', '[]'],
    ['set', '[]'],
    ['sorted-set', '[]'],
    ['stream', '[]'],
    ['string', 'null'],
  ] as const)('of type %s that is not there is %s', async (type, json) => {
    expect(await (await valuesOn(redis)).read(type, newKey(), LIMITS)).toBe(json)
  })

  it('of a stream has its newest hundred entries', async () => {
    const values = await valuesOn(redis)
    const key = newKey()
    for (let i = 0; i < 150; i++) await outside.xadd(`p:${key}`, '*', 'n', i)
    const entries = JSON.parse(await values.read('stream', key, LIMITS)) as { fields: { n: string } }[]
    expect(entries.map(({ fields }) => Number(fields.n))).toEqual(Array.from({ length: 100 }, (_, i) => i + 50))
  })

  it('of another type, or larger than it may be, is refused', async () => {
    const values = await valuesOn(redis)
    const key = newKey()
    await outside.hset(`p:${key}`, Object.fromEntries(Array.from({ length: 201 }, (_, i) => [i, i])))
    await expect(values.read('list', key, LIMITS)).rejects.toThrow(StoredValueError)
    await expect(values.read('stream', key, LIMITS)).rejects.toThrow(/^WRONGTYPE /)
    await expect(values.read('hash', key, LIMITS)).rejects.toThrow('it has 201, over maxEntries, which is 200')
    const long = newKey()
    await outside.set(`p:${long}`, 'x'.repeat(4001))
    await expect(values.read('string', long, LIMITS)).rejects.toThrow('it has 4001, over maxBytes, which is 4000')
    const heavy = newKey()
    await outside.rpush(`p:${heavy}`, 'x'.repeat(4000), 'y')
    await expect(values.read('list', heavy, LIMITS)).rejects.toThrow('it has 4001 bytes, over maxBytes, which is 4000')
  })

  it('that Redis does not say in time, or cannot say, is unavailable', async () => {
    const server = await redisForTest()
    const values = await valuesOn(server)
    const other = await server.client()
    await other.call('CLIENT', 'PAUSE', '500')
    await expect(values.read('hash', 'x', { ...LIMITS, timeoutMs: 20 })).rejects.toThrow(BusUnavailableError)
    await server.stop()
    await expect(values.read('hash', 'x', LIMITS)).rejects.toThrow(BusUnavailableError)
  })
})
