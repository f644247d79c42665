import { Buffer } from 'node:buffer'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PackedReader } from '../../src/redis/packed.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'

let redis: RedisServer
let client: Redis
beforeAll(async () => {
  redis = await startRedis()
  client = await redis.client()
})
afterAll(() => redis.stop())

/** What a script packs of these. */
async function packed(lua: string, ...args: (string | Buffer)[]): Promise<PackedReader> {
  const answer = await client.callBuffer('EVAL', `return cmsgpack.pack(${lua})`, 0, ...args)
  return new PackedReader(answer as Buffer)
}

describe('what a script packs', () => {
  it.each([0, 1, 31, 32, 255, 256, 65_535, 65_536])('is read as a text of %i octets', async (length) => {
    const octets = Buffer.from(Array.from({ length }, (_, i) => i % 256))
    expect(Buffer.from((await packed('ARGV[1]', octets)).bytes())).toEqual(octets)
    const text = 'x'.repeat(length)
    expect((await packed('ARGV[1]', text)).text()).toBe(text)
  })

  it.each([0, 1, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_295])('is read as the number %i', async (number) => {
    expect((await packed('tonumber(ARGV[1])', String(number))).number()).toBe(number)
  })

  it.each([0, 1, 15, 16, 65_535, 65_536])('is read as a list of %i parts', async (length) => {
    const list = await packed(
      '(function() local l = {} for i = 1, ARGV[1] do l[i] = 7 end return l end)()',
      `${length}`,
    )
    expect(list.list()).toBe(length)
    for (let i = 0; i < length; i++) expect(list.number()).toBe(7)
  })

  it('is read part by part', async () => {
    const reader = await packed("{{'é', 3}, {}, 'ü'}")
    expect([reader.list(), reader.list(), reader.text(), reader.number(), reader.list(), reader.text()]).toEqual([
      3,
      2,
      'é',
      3,
      0,
      'ü',
    ])
  })

  it.each([
    ['list', "'text'"],
    ['list', '1'],
    ['text', '{}'],
    ['text', 'false'],
    ['number', "'1'"],
    ['number', '-1'],
    ['number', '1.5'],
  ] as const)('is no %s if it is %s', async (kind, lua) => {
    const reader = await packed(lua)
    expect(() => reader[kind]()).toThrow('Redis has packed something else')
  })
})
