/** The bus on a Redis Cluster of three masters: everything that it does, and what happens while slots move. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BusRefusedError } from '../../src/bus/bus.ts'
import { slotOfCommand } from '../../src/redis/ioredis-internals.ts'
import { tagOf } from '../../src/redis/slots.ts'
import { startRedisCluster, type RedisCluster } from '../support/redis-cluster.ts'
import { waitFor } from '../support/wait.ts'
import { busForTest, IMPATIENT, type StartedBus } from './support.ts'

const LONG = { timeout: 60_000 }

let cluster: RedisCluster
beforeAll(async () => void (cluster = await startRedisCluster()), 60_000)
afterAll(() => cluster.stop())

let names = 0
const newName = (kind = 'c'): string => `${kind}${++names}`
const slotOf = (key: string): number => slotOfCommand('get', [key])!

async function bus(...args: readonly [streams?: { name: string; groups: string[] }[]]): Promise<StartedBus> {
  const started = busForTest(
    undefined,
    { ...IMPATIENT, commandTimeoutMs: 5000, cluster: cluster.nodes.slice(0, 1) },
    { streams: args[0] ?? [] },
  )
  await started.recorder.untilAvailable()
  return started
}

const target = (destination: string) => ({ destination, size: 1000, ttlSeconds: 60 })
const payload = (n: number): string => `{"n":${n}}`

describe('the bus on a Redis Cluster', () => {
  it('finds all nodes by one, and carries channels and patterns between bridges', LONG, async () => {
    const [a, b] = [await bus(), await bus()]
    expect(a.bus.description).toBe(`Redis Cluster at ${cluster.nodes[0]}`)
    await Promise.all([
      b.bus.psubscribe('many:*'),
      ...Array.from({ length: 20 }, (_, i) => b.bus.subscribe(`each:${i}`)),
    ])
    for (let i = 0; i < 20; i++) for (let n = 0; n < 3; n++) void a.bus.publish(`each:${i}`, String(n))
    await a.bus.publishAll(Array.from({ length: 20 }, (_, i) => ({ channel: `many:${i}`, payload: 'x' })))
    await b.recorder.untilReceived(80)
    const lines = b.recorder.lines()
    for (let i = 0; i < 20; i++) {
      expect(lines.filter((line) => line.startsWith(`each:${i}: `))).toEqual([0, 1, 2].map((n) => `each:${i}: ${n}`))
      expect(lines.filter((line) => line === `many:${i}: x (many:*)`)).toHaveLength(1)
    }
    const nodes = await a.bus.nodes()
    expect(nodes?.length).toBeGreaterThanOrEqual(2)
  })

  it(
    'keeps history of many destinations, in one transaction too, and publishes once where there is a key',
    LONG,
    async () => {
      const { bus: subject } = await bus()
      const base = newName('/topic/h')
      const destinations = Array.from({ length: 12 }, (_, i) => `${base}/${i}`)
      const messages = destinations.map((destination, i) => ({
      channel: 'B', payload: payload(i), target: target(destination), once: `key-${destination}`,
    })) // prettier-ignore
      await subject.log.publish(messages)
      await subject.log.publish(messages)
      for (const destination of destinations) {
        const page = await subject.log.read(destination, {
          from: { kind: 'oldest' },
          maxEntries: 10,
          maxLength: 10_000,
        })
        expect(page?.entries).toHaveLength(1)
      }
      const position = await subject.log.clear(destinations[0]!, 60)
      expect(position.epoch).toBeTruthy()
      const outcome = await subject.log.record('B', target(`${base}/r`), [{ payload: payload(1), source: 's' }], 0)
      expect(outcome).toEqual({ kind: 'recorded', recorded: 1 })
    },
  )

  it('keeps the order while a slot moves to another master and back, and loses nothing', LONG, async () => {
    const { bus: subject, recorder } = await bus()
    const destination = newName('/topic/moves/')
    const channel = newName('moves')
    await subject.subscribe(channel)
    const slot = slotOf(`{${destination}}`)
    const owner = await cluster.ownerOf(slot)
    const from = cluster.masters.find(({ port }) => port === owner)!
    const to = cluster.masters.find(({ port }) => port !== owner)!
    let isMoving = true
    const sent: Promise<unknown>[] = []
    const load = (async () => {
      for (let n = 0; isMoving; n++) {
        sent.push(subject.log.publish([{ channel, payload: payload(n), target: target(destination) }]))
        if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
      }
    })()
    await waitFor(() => sent.length > 100)
    await cluster.move(slot, from, to)
    const there = sent.length
    await waitFor(() => sent.length > there + 100)
    await cluster.move(slot, to, from)
    const back = sent.length
    await waitFor(() => sent.length > back + 100)
    isMoving = false
    await load
    await Promise.all(sent)
    await waitFor(() => recorder.lines().length === sent.length, { timeoutMs: 20_000 })
    expect(recorder.lines().map((line) => Number(/"n":(\d+)/.exec(line)![1]))).toEqual(sent.map((_, n) => n))
    expect(recorder.changes(), 'without an outage').toEqual(['away', 'available'])
  })

  it('reads and writes streams, and keeps values of channels', LONG, async () => {
    const streams = [0, 1, 2, 3].map((i) => `${newName('stream')}-${i}`)
    const { bus: subject } = await bus(streams.map((name) => ({ name, groups: ['g'] })))
    const came: string[] = []
    for (const stream of streams) {
      subject.streams.follow(stream, {
        entry: ({ fields }) => came.push(`${stream} ${String(new TextDecoder().decode(fields.get('f')))}`),
        stands: () => {}, lost: () => {}, refused: () => {},
      }) // prettier-ignore
    }
    subject.streams.start()
    await new Promise((resolve) => setTimeout(resolve, 200))
    await subject.log.publish(
      streams.map((name, i) => ({
        channel: name, payload: String(i),
        entry: { maxLength: 100, groups: ['g'], fields: [['f', undefined]] },
      })),
    ) // prettier-ignore
    await waitFor(() => came.length === 4, { timeoutMs: 20_000 })
    expect(came.sort()).toEqual(streams.map((name, i) => `${name} ${i}`).sort())
    expect((await subject.streams.info(streams[0]!)).length).toBe(1)

    const kept = newName('kept:')
    await subject.log.publish([{ channel: kept, payload: 'v', valueTtlSeconds: 60 }])
    expect(String(await subject.log.value(kept))).toBe('v')
    expect(await subject.publishEverywhere('x', '')).toBe(3)
  })

  it('refuses keys that cannot be in one slot', LONG, async () => {
    const { bus: subject } = await bus()
    const text = "return redis.call('MGET', KEYS[1], KEYS[2])"
    await expect(subject.commands.send('EVAL', text, 2, 'a', 'b')).rejects.toThrow(BusRefusedError)
  })
})

describe('tagOf', () => {
  it.each(['a', 'a{b}c', 'a{b}{c}', 'a{', '{a}', 'x{{y}z'])('of %s leads to the same slot', (key) => {
    expect(slotOf(`other{${tagOf(key)}}:more`)).toBe(slotOf(key))
  })
})
