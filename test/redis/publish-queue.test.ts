import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { BusUnavailableError } from '../../src/bus/bus.ts'
import { PublishQueue } from '../../src/redis/publish-queue.ts'
import { publishFailure } from '../../src/redis/replies.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

async function setUp() {
  const redis = await server.client()
  const write = vi.spyOn(redis.stream, 'write')
  onTestFinished(() => write.mockRestore())
  return { redis, write, queue: new PublishQueue(redis, publishFailure) }
}

describe('publish queue', () => {
  it('writes all of a turn at once, when it is over', async () => {
    const { queue, write } = await setUp()
    for (let turn = 1; turn <= 3; turn++) {
      const answers = Array.from({ length: 100 }, (_, i) =>
        queue.add(`channel ${i}`, i % 2 ? 'text' : Uint8Array.of(i)),
      )
      await Promise.resolve()
      expect(write).toHaveBeenCalledTimes(turn - 1)
      await Promise.all(answers)
      expect(write).toHaveBeenCalledTimes(turn)
    }
  })

  it('does not gather without bound', async () => {
    const { queue, write } = await setUp()
    const answers = Array.from({ length: 100 }, () => queue.add('a', 'x'.repeat(10_000)))
    expect(write.mock.calls.length).toBeGreaterThan(10)
    for (const [written] of write.mock.calls) expect(String(written).length).toBeLessThan(80_000)
    await Promise.all(answers)
    expect(
      write.mock.calls
        .map(([written]) => String(written))
        .join('')
        .match(/PUBLISH/g),
    ).toHaveLength(100)
  })

  it('keeps its place among other commands when it is flushed', async () => {
    const { queue, redis } = await setUp()
    const settled: string[] = []
    const note = (name: string) => () => void settled.push(name)
    const calls = [queue.add('a', '1').then(note('first'))]
    queue.flush()
    calls.push(redis.ping().then(note('ping')), queue.add('a', '2').then(note('second')))
    queue.flush()
    await Promise.all(calls)
    expect(settled).toEqual(['first', 'ping', 'second'])
  })

  it('rejects each when there is no connection, and writes nothing', async () => {
    const redis = new Redis({ lazyConnect: true, enableOfflineQueue: false })
    redis.disconnect()
    const queue = new PublishQueue(redis, publishFailure)
    const answers = [queue.add('a', '1'), queue.add('a', Uint8Array.of(2)), queue.add('b', '3')]
    queue.flush()
    for (const answer of answers) await expect(answer).rejects.toThrow(BusUnavailableError)
  })
})
