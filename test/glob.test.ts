/** The embedded bus reads patterns as Redis does: asked of a real one. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { globToRegExp } from '../src/glob.ts'
import { globDeliveries } from './support/glob-deliveries.ts'
import { startRedis, type RedisServer } from './support/redis.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

describe('globToRegExp', () => {
  it('matches what PSUBSCRIBE of Redis matches, for ASCII', async () => {
    const part = fc.constantFrom(
      'a',
      'b',
      'c',
      '-',
      '^',
      ']',
      '[',
      '*',
      '?',
      '\\',
      '[ab]',
      '[^a]',
      '[a-c]',
      '[c-a]',
      '[]',
      '.',
    )
    const glob = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''))
    const name = fc
      .array(fc.constantFrom('a', 'b', 'c', '-', '^', ']', '[', '*', '?', '\\', '.'), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join(''))
    const patterns = [
      ...new Set([...fc.sample(glob, 600), '[a\\]b]', '[a-]', '[^]', '[\\-a]', '[^^]', 'a\\', '[[]', '[a', '[']),
    ]
    const channels = [...new Set([...fc.sample(name, 300), ...patterns])]
    const delivered = await globDeliveries(redis, patterns, channels)
    const wrong: string[] = []
    let count = 0
    for (const pattern of patterns) {
      const expression = globToRegExp(pattern)
      for (const channel of channels) {
        const isDelivered = delivered.get(pattern)!.has(channel)
        if (isDelivered) count++
        if (expression.test(channel) !== isDelivered)
          wrong.push(`${pattern} with ${channel}: Redis says ${isDelivered}`)
      }
    }
    expect(wrong.slice(0, 20)).toEqual([])
    expect(count).toBeGreaterThan(500)
  })
})
