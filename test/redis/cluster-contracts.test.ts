/** What every bus, log and store of queues promises, on a Redis Cluster of three masters; and what else is stored there. */
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RedisBus } from '../../src/redis/redis-bus.ts'
import { RedisRevocationStore } from '../../src/redis/revocation-store.ts'
import { RedisTicketStore } from '../../src/redis/ticket-store.ts'
import { RedisValues } from '../../src/redis/redis-values.ts'
import { busContract } from '../bus/contract.ts'
import { Recorder } from '../bus/recorder.ts'
import { logContract } from '../history/contract.ts'
import { enqueueContract } from '../history/enqueue-contract.ts'
import { queueContract } from '../queue/contract.ts'
import { startRedisCluster, type RedisCluster } from '../support/redis-cluster.ts'
import { startBus } from './support.ts'

let cluster: RedisCluster
/** As another program has it, which knows the slots. */
let outside: Cluster
beforeAll(async () => {
  cluster = await startRedisCluster()
  outside = new Cluster(
    cluster.masters.map(({ port }) => ({ host: '127.0.0.1', port })),
    { lazyConnect: true },
  )
  await outside.connect()
}, 60_000)
afterAll(async () => {
  outside.disconnect()
  await cluster.stop()
})

async function newBus(recorder: Recorder, keyPrefix = ''): Promise<RedisBus> {
  const { bus } = startBus(undefined, { keyPrefix, cluster: cluster.nodes.slice(0, 1) }, { recorder })
  await recorder.untilAvailable()
  return bus
}

let prefixes = 0
/**
 * A test has keys and channels of its own: what was published in the one before may still be on its way from master to master.
 * By a tag all are on one master; without one they are on all.
 */
const untagged = () => `p${++prefixes}*[x]\\:`
const tagged = () => `p{${++prefixes}}:`
const PREFIXES = [
  ['', untagged],
  [' by a key prefix with a tag', tagged],
] as const

busContract(
  {
    name: 'RedisBus on a Cluster',
    deliversPastUnsubscribe: true,
    oneOfAPattern: 'byte',
    isAvailableAtOnce: false,
  },
  async (recorder) => {
    const keyPrefix = tagged() // order is promised for what passes one master
    const bus = await newBus(recorder, keyPrefix)
    const admin = await cluster.masters[0]!.client()
    return {
      bus,
      publishFromOutside: (channel, payload) => admin.publish(keyPrefix + channel, payload),
      stop: () => bus.close(),
    }
  },
)

for (const [name, newPrefix] of PREFIXES) {
  const isOrderedOverAll = newPrefix === tagged
  logContract(
    `RedisLog on a Cluster${name}`,
    async () => {
      const keyPrefix = newPrefix()
      const recorder = new Recorder()
      const bus = await newBus(recorder, keyPrefix)
      return {
        bus,
        log: bus.log,
        recorder,
        expire: (destination) => outside.del(`${keyPrefix}stomp-bridge:history:{${destination}}:log`),
        stop: () => bus.close(),
      }
    },
    { isOrderedOverAll },
  )
}

enqueueContract('RedisLog on a Cluster', async () => {
  const keyPrefix = tagged() // all or nothing is promised for what one master has
  const recorder = new Recorder()
  const bus = await newBus(recorder, keyPrefix)
  return {
    bus,
    log: bus.log,
    recorder,
    entries: async (stream) => {
      const entries = await outside.xrange(keyPrefix + stream, '-', '+')
      return entries.map(([, fields]) =>
        Object.fromEntries(fields.flatMap((name, i) => (i % 2 ? [] : [[name, fields[i + 1]!]]))),
      )
    },
    removeOldest: async (stream) =>
      outside.xdel(keyPrefix + stream, (await outside.xrange(keyPrefix + stream, '-', '+', 'COUNT', 1))[0]![0]),
    stop: () => bus.close(),
  }
})

for (const [name, newPrefix] of PREFIXES) {
  queueContract(`RedisQueues on a Cluster${name}`, async (recorder) => {
    const keyPrefix = newPrefix()
    const bus = await newBus(new Recorder(), keyPrefix)
    bus.queues.listen(recorder)
    bus.queues.start()
    return {
      store: bus.queues,
      recorder,
      add: async ({ stream }, ...bodies) => {
        for (const body of bodies) await outside.xadd(keyPrefix + stream, '*', 'body', body)
      },
      close: () => bus.close(),
      stop: () => bus.close(),
    }
  })
}

describe('what is stored on a Cluster', () => {
  const NOW = 1_700_000_000

  async function twoBuses(): Promise<readonly [RedisBus, RedisBus]> {
    return [await newBus(new Recorder(), 'p:'), await newBus(new Recorder(), 'p:')]
  }

  it('is one for all nodes: tickets are taken once, and revocations are read by each', async () => {
    const buses = await twoBuses()
    const [a, b] = buses.map(({ commands }) => new RedisTicketStore(commands))
    const names = Array.from({ length: 20 }, (_, i) => `ticket${i}`)
    await Promise.all(names.map((name) => a!.put(name, `value of ${name}`, 60)))
    const taken = await Promise.all(names.flatMap((name) => [a!.take(name), b!.take(name)]))
    expect(taken.filter((value) => value !== undefined).sort()).toEqual(names.map((name) => `value of ${name}`).sort())

    const [first, second] = buses.map(({ commands }) => new RedisRevocationStore(commands))
    await first!.add([{ subject: 'user:ü', until: NOW + 5 }], NOW)
    await second!.add([{ subject: 'token:a b', until: NOW + 10 }], NOW)
    for (const store of [first!, second!]) {
      expect(await store.load(NOW, 10)).toEqual([
        { subject: 'token:a b', until: NOW + 10 },
        { subject: 'user:ü', until: NOW + 5 },
      ])
    }
    await Promise.all(buses.map((bus) => bus.close()))
  })

  it('is read as the state of something, whichever node has it', async () => {
    const bus = await newBus(new Recorder(), 'p:')
    const values = new RedisValues(bus.commands)
    for (let i = 0; i < 9; i++) {
      await outside.hset(`p:state${i}`, 'n', String(i))
      const limits = { maxEntries: 10, maxBytes: 1000, timeoutMs: 5000 }
      expect(await values.read('hash', `state${i}`, limits)).toBe(`{"n":"${i}"}`)
    }
    await bus.close()
  })
})
