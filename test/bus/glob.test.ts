/** The embedded bus reads patterns as Redis does: asked of a real one. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { globToRegExp } from '../../src/bus/memory.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'

const SENTINEL = 'the-end'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

/** `pattern channel` for each that Redis delivers. */
async function deliveredByRedis(patterns: readonly string[], channels: readonly string[]): Promise<Set<string>> {
  const [subscriber, publisher] = await Promise.all([redis.client(), redis.client()])
  const delivered = new Set<string>()
  const end = new Promise((resolve) => subscriber.on('message', resolve))
  subscriber.on('pmessage', (pattern: string, channel: string) => delivered.add(JSON.stringify([pattern, channel])))
  await subscriber.psubscribe(...patterns)
  await subscriber.subscribe(SENTINEL)
  const pipeline = publisher.pipeline()
  for (const channel of channels) pipeline.publish(channel, '')
  pipeline.publish(SENTINEL, '')
  await pipeline.exec()
  await end
  subscriber.disconnect()
  publisher.disconnect()
  return delivered
}

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
    const delivered = await deliveredByRedis(patterns, channels)
    const wrong: string[] = []
    for (const pattern of patterns) {
      const expression = globToRegExp(pattern)
      for (const channel of channels) {
        const isDelivered = delivered.has(JSON.stringify([pattern, channel]))
        if (expression.test(channel) !== isDelivered)
          wrong.push(`${pattern} with ${channel}: Redis says ${isDelivered}`)
      }
    }
    expect(wrong.slice(0, 20)).toEqual([])
    expect(delivered.size).toBeGreaterThan(500)
  })
})
