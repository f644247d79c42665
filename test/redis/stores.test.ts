/** What is stored in Redis, over the connections that the bus has. */
import { describe, expect, it } from 'vitest'
import { BusRefusedError, BusUnavailableError } from '../../src/bus/bus.ts'
import { RedisRevocationStore } from '../../src/redis/revocation-store.ts'
import { RedisTicketStore } from '../../src/redis/ticket-store.ts'
import { waitFor } from '../support/wait.ts'
import { busForTest, IMPATIENT, redisForTest, type StartedBus } from './support.ts'

async function ready(started: StartedBus) {
  await started.recorder.untilAvailable()
  const { commands } = started.bus
  return { ...started, tickets: new RedisTicketStore(commands), revocations: new RedisRevocationStore(commands) }
}

const NOW = 1_700_000_000

describe('tickets in Redis', () => {
  it('are taken once, by one of fifty who ask two nodes at once', async () => {
    const redis = await redisForTest()
    const nodes = await Promise.all([1, 2].map(() => ready(busForTest(redis.url, { keyPrefix: 'p:' }))))
    await nodes[0]!.tickets.put('abc', 'value', 60)
    const outside = await redis.client()
    expect(await outside.ttl('p:stomp-bridge:ticket:abc')).toBeGreaterThan(55)
    const taken = await Promise.all(Array.from({ length: 50 }, (_, i) => nodes[i % 2]!.tickets.take('abc')))
    expect(taken.filter((value) => value !== undefined)).toEqual(['value'])
    expect(await nodes[0]!.tickets.take('never')).toBeUndefined()
  })

  it('are gone when their time is over', async () => {
    const redis = await redisForTest()
    const { tickets } = await ready(busForTest(redis.url))
    await tickets.put('abc', 'value', 1)
    const outside = await redis.client()
    await waitFor(async () => (await outside.exists('stomp-bridge:ticket:abc')) === 0)
    expect(await tickets.take('abc')).toBeUndefined()
  })

  it('cost no connection of their own', async () => {
    const redis = await redisForTest()
    const { tickets } = await ready(busForTest(redis.url))
    await tickets.put('abc', 'value', 60)
    const outside = await redis.client()
    const list = String(await outside.client('LIST'))
    expect(list.match(/name=stomp-bridge-/g)).toHaveLength(2)
  })
})

describe('revocations in Redis', () => {
  it.each([
    ['RESP3', []],
    ['RESP2', ['--rename-command', 'HELLO', '']],
  ])('keep the later of two ends, and are read and counted as long as they are in force: %s', async (_name, args) => {
    const redis = await redisForTest({ args })
    const { revocations } = await ready(busForTest(redis.url, { keyPrefix: 'p:' }))
    await revocations.add(
      [
        { subject: 'token:a b', until: NOW + 10 },
        { subject: 'user:ü', until: NOW + 5 },
      ],
      NOW,
    )
    await revocations.add([{ subject: 'token:a b', until: NOW + 3 }], NOW)
    expect(await revocations.load(NOW, 10)).toEqual([
      { subject: 'token:a b', until: NOW + 10 },
      { subject: 'user:ü', until: NOW + 5 },
    ])
    expect(await revocations.load(NOW, 1)).toHaveLength(1)
    expect(await revocations.load(NOW + 5, 10)).toHaveLength(1)
    expect(await revocations.count(NOW + 4)).toBe(2)
    expect(await revocations.count(NOW + 5)).toBe(1)
    expect(await (await redis.client()).type('p:stomp-bridge:revocations')).toBe('zset')
  })

  it('do not pile up', async () => {
    const redis = await redisForTest()
    const { revocations } = await ready(busForTest(redis.url))
    const many = Array.from({ length: 2500 }, (_, i) => ({ subject: `token:${i}`, until: NOW + 10 }))
    await revocations.add(many, NOW)
    expect(await revocations.count(NOW)).toBe(2500)
    await revocations.add([{ subject: 'user:u', until: NOW + 1000 }], NOW + 100)
    expect(await (await redis.client()).zcard('stomp-bridge:revocations')).toBe(1)
  })
})

describe('what is stored in Redis', () => {
  it('is refused at once while Redis is away, and taken again when it is back', async () => {
    const redis = await redisForTest()
    const { tickets, revocations, recorder } = await ready(busForTest(redis.url, IMPATIENT))
    await redis.crash()
    await recorder.untilAway()
    const startedAt = performance.now()
    await expect(tickets.put('a', 'b', 5)).rejects.toThrow(BusUnavailableError)
    await expect(tickets.take('a')).rejects.toThrow(BusUnavailableError)
    await expect(revocations.add([], NOW)).rejects.toThrow(BusUnavailableError)
    expect(performance.now() - startedAt).toBeLessThan(500)
    await redis.restart()
    await recorder.untilAvailable()
    await tickets.put('a', 'b', 5)
    expect(await tickets.take('a')).toBe('b')
  })

  it('is given up when Redis does not answer in time', async () => {
    const redis = await redisForTest()
    const { tickets } = await ready(busForTest(redis.url, { commandTimeoutMs: 300, probeIntervalMs: 60_000 }))
    redis.pause()
    await expect(tickets.take('a')).rejects.toThrow(BusUnavailableError)
    redis.resume()
  })

  it('is refused as such where the access rules forbid it', async () => {
    const redis = await redisForTest()
    const admin = await redis.client()
    await admin.acl('SETUSER', 'bridge', 'on', '>pw', '+@all', '&*', 'resetkeys')
    const { tickets, revocations } = await ready(busForTest(`redis://bridge:pw@127.0.0.1:${redis.port}`))
    await expect(tickets.take('a')).rejects.toThrow(BusRefusedError)
    await expect(revocations.load(NOW, 1)).rejects.toThrow(BusRefusedError)
  })

  it('finds out that Redis has become a replica', async () => {
    const redis = await redisForTest()
    const { tickets, recorder } = await ready(busForTest(redis.url))
    const admin = await redis.client()
    await admin.replicaof('127.0.0.1', String(redis.port + 1))
    await expect(tickets.put('a', 'b', 5)).rejects.toThrow('READONLY')
    await recorder.untilAway()
  })
})
