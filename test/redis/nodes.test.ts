import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { BusRefusedError } from '../../src/bus/bus.ts'
import { findNodes, PROBE_PREFIX } from '../../src/redis/nodes.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { startBus } from './support.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

async function join(nodeId: string, options: Parameters<typeof startBus>[1] = {}, url = redis.url) {
  const { bus, recorder } = startBus(url, options, { nodeId })
  onTestFinished(() => bus.close())
  await recorder.untilAvailable()
  return bus
}

async function idsOn(bus: Awaited<ReturnType<typeof join>>) {
  return (await bus.nodes())?.map(({ id }) => id).sort()
}

describe('the bridges on a Redis', () => {
  it('are those that are connected, with their addresses', async () => {
    const [one, two] = [await join('one'), await join('two')]
    const nodes = await one.nodes()
    expect(nodes?.map(({ id }) => id).sort()).toEqual(['one', 'two'])
    for (const { address, ageSeconds } of nodes!) {
      expect(address).toMatch(/^127\.0\.0\.1:\d+$/)
      expect(ageSeconds).toBeGreaterThanOrEqual(0)
      expect(ageSeconds).toBeLessThan(60)
    }
    await two.close()
    await eventually(async () => expect(await idsOn(one)).toEqual(['one']))
  })

  it('are only those with the same key prefix', async () => {
    const buses = [await join('a', { keyPrefix: 'x*:' }), await join('b'), await join('c', { keyPrefix: 'x*:', db: 3 })]
    expect(await Promise.all(buses.map(idsOn))).toEqual([['a', 'c'], ['b'], ['a', 'c']])
  })

  it('are not known where the server refuses to say, and nothing else suffers', async () => {
    const admin = await redis.client()
    await admin.call('ACL', 'SETUSER', 'plain', 'on', '>secret', '+@all', '-client', '+client|setname', '&*', '~*')
    const bus = await join('d', {}, redis.url.replace('redis://', 'redis://plain:secret@'))
    expect(await bus.nodes()).toBeUndefined()
    await bus.publish('x', '1')
  })

  it('are not known where a bridge may not have its own channel', async () => {
    const admin = await redis.client()
    await admin.call('ACL', 'SETUSER', 'narrow', 'on', '>secret', '+@all', 'resetchannels', '&app*', '~*')
    const bus = await join('e', {}, redis.url.replace('redis://', 'redis://narrow:secret@'))
    expect(await bus.nodes()).toBeUndefined()
  })

  it('are not known while Redis is away, nor when it does not answer', async () => {
    const own = await startRedis()
    onTestFinished(() => own.stop())
    const bus = await join('f', { commandTimeoutMs: 60_000 }, own.url)
    own.pause()
    const startedMs = performance.now()
    expect(await bus.nodes()).toBeUndefined()
    expect(performance.now() - startedMs).toBeLessThan(3000)
    own.resume()
    await eventually(async () => expect(await idsOn(bus)).toEqual(['f']))
    await own.crash()
    await eventually(async () => expect(await bus.nodes()).toBeUndefined())
  })
})

describe('the channel on which a bridge probes', () => {
  it.each(['', 'own:'])('is taken and given back by nobody else: key prefix %j', async (keyPrefix) => {
    const channel = `${PROBE_PREFIX}probing`
    const bus = await join('probing', { keyPrefix })
    await expect(bus.subscribe(channel)).rejects.toThrow(BusRefusedError)
    bus.unsubscribe(channel)
    // Travels on the same connection, behind it.
    await bus.subscribe('other')
    const admin = await redis.client()
    expect(await admin.call('PUBSUB', 'NUMSUB', keyPrefix + channel)).toEqual([keyPrefix + channel, 1])
    expect(bus.unavailableReason).toBeUndefined()
  })
})

describe('findNodes', () => {
  it('reads what the server says, whatever other clients are called', async () => {
    const list = [
      'id=3 addr=10.0.0.1:5 name=stomp-bridge-own-subscriber age=7 sub=1',
      'id=4 addr=10.0.0.1:6 name=stomp-bridge-own-publisher age=7 sub=0',
      'id=5 addr=10.0.0.2:5 name=stomp-bridge-far-subscriber age=0 sub=1',
      'id=6 addr=[::1]:5 name=stomp-bridge-other-subscriber age=1 sub=1',
      'id=7 addr=10.0.0.3:5 name= age=1',
      'id=8 addr=10.0.0.3:6 name=mystomp-bridge-x-subscriber age=1',
      '',
    ].join('\n')
    const asked: string[][] = []
    const send = async (...command: string[]) => {
      asked.push(command)
      return command[0] === 'CLIENT' ? list : ['c', 1, 'c', 0, 'c', 1]
    }
    expect(await findNodes([send], 'p:', 'own')).toEqual([
      { id: 'own', address: '10.0.0.1:5', ageSeconds: 7 },
      { id: 'other', address: '[::1]:5', ageSeconds: 1 },
    ])
    expect(asked[1]).toEqual([
      'PUBSUB',
      'NUMSUB',
      'p:stomp-bridge:probe:own',
      'p:stomp-bridge:probe:far',
      'p:stomp-bridge:probe:other',
    ])
    expect(await findNodes([send], 'p:', 'far')).toBeUndefined()
  })
})
