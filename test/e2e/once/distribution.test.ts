/**
 * Nodes that send messages on a channel of their destination, nodes that do not yet, and those in between, on one Redis:
 * each subscriber gets each message once, and a node hears what its clients want.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { metric, notify } from '../../support/clients/backend.ts'
import type { Message, Subscription } from '../../support/clients/client.ts'
import { connectStompjs7, type Stompjs7Client } from '../../support/clients/stompjs7.ts'
import { spawnBridge, type BridgeProcess } from '../../support/process.ts'
import { startRedis, type RedisServer } from '../../support/redis.ts'
import { eventually } from '../../support/wait.ts'
import { untilReady } from '../../support/world.ts'

const COUNT = 40
const CONFIG = `
history:
  - { destination: '/topic/kept/**', size: 1000, ttlSeconds: 300 }
`

const bodyOf = ({ body }: Message) => body

describe('nodes of each distribution', () => {
  let redis: RedisServer
  let backend: Redis
  let nodes: Record<'shared' | 'both' | 'by-interest' | 'other', BridgeProcess>
  const directory = mkdtempSync(join(tmpdir(), 'distribution-'))

  beforeAll(async () => {
    redis = await startRedis()
    backend = await redis.client()
    const config = join(directory, 'bridge.yaml')
    writeFileSync(config, CONFIG)
    const spawn = async (runtime: 'bun' | 'node', distribution: string) => {
      const bridge = await spawnBridge({
        runtime,
        args: ['--config', config],
        env: {
          REDIS_URL: redis.url,
          STOMP_BRIDGE_BROKER_DISTRIBUTION: distribution,
          STOMP_BRIDGE_BROKER_RELEASE_DELAY_MS: '40',
          STOMP_BRIDGE_REDIS_RECONNECT_MAX_DELAY_MS: '200',
        },
      })
      await untilReady(bridge)
      return bridge
    }
    const [shared, both, byInterest, other] = await Promise.all([
      spawn('bun', 'shared'),
      spawn('bun', 'both'),
      spawn('bun', 'by-interest'),
      spawn('node', 'by-interest'),
    ])
    nodes = { shared, both, 'by-interest': byInterest, other }
  })
  afterAll(async () => {
    await redis.stop()
    rmSync(directory, { recursive: true })
  })

  const connect = async (bridge: BridgeProcess): Promise<Stompjs7Client> => {
    const client = await connectStompjs7(bridge)
    onTestFinished(() => client.disconnect())
    return client
  }

  /** Each node, and the backend, sends so many to the destination, all at once; then one says that it is over. */
  async function sendFromAll(from: readonly BridgeProcess[], destination: string): Promise<string[]> {
    const senders = await Promise.all(from.map(connect))
    const bodies: string[] = []
    const sent = Array.from({ length: COUNT }, (_, i) =>
      senders.flatMap((sender, who) => {
        bodies.push(`sent by ${who}: ${i}`, `posted to ${who}: ${i}`, `published beside ${who}: ${i}`)
        const broadcast = JSON.stringify({ topic: destination, message: `published beside ${who}: ${i}` })
        return [
          sender.send(destination, `sent by ${who}: ${i}`),
          notify(from[who]!, destination, `posted to ${who}: ${i}`),
          backend.publish('BROADCAST-CHANNEL', broadcast),
        ]
      }),
    )
    await Promise.all(sent.flat())
    return bodies.sort()
  }

  async function expectOnce(inboxes: readonly Subscription[], bodies: readonly string[]): Promise<void> {
    for (const inbox of inboxes) expect((await inbox.take(bodies.length)).map(bodyOf).sort()).toEqual(bodies)
  }

  it.each([
    { step: 'some hear both already', names: ['shared', 'both'] },
    { step: 'all hear both, some send by interest', names: ['both', 'by-interest', 'other'] },
    { step: 'all send by interest', names: ['by-interest', 'other'] },
  ] as const)('lose and double nothing where $step', async ({ names }) => {
    const members = names.map((name) => nodes[name])
    const destinations = ['/topic/moving/a', '/topic/moving/a', '/topic/moving/*', '/topic/**', '/topic/movin?/a']
    const inboxes: Subscription[] = []
    for (const bridge of members) {
      const client = await connect(bridge)
      for (const destination of destinations) inboxes.push(await client.subscribe(destination))
    }
    const bodies = await sendFromAll(members, '/topic/moving/a')
    await expectOnce(inboxes, bodies)
    // What came double would be before this one.
    await notify(members[0]!, '/topic/moving/a', 'end')
    for (const inbox of inboxes) expect((await inbox.next()).body).toBe('end')
  })

  it('a subscription is live with its receipt, by its name and by a pattern', async () => {
    const [reader, sender] = await Promise.all([connect(nodes['by-interest']), connect(nodes.other)])
    for (let i = 0; i < 20; i++) {
      const inboxes = [await reader.subscribe(`/topic/new/${i}`), await reader.subscribe(`/topic/new/${i}*`)]
      await sender.send(`/topic/new/${i}`, 'first')
      for (const inbox of inboxes) expect((await inbox.next()).body).toBe('first')
      for (const inbox of inboxes) await inbox.unsubscribe()
    }
  })

  it('a node hears what its clients want, and gives back what they want no more', async () => {
    const heard = () => metric(nodes.other, 'stomp_bridge_messages_received_total')
    const channels = async () => (await backend.pubsub('CHANNELS', 'stomp-bridge:to:*')) as string[]
    await eventually(async () => expect(await channels()).toEqual([]))
    const [wanted, other] = await Promise.all([connect(nodes['by-interest']), connect(nodes.other)])
    const inbox = await wanted.subscribe('/topic/own/a')
    const near = await other.subscribe('/topic/own/b')
    expect((await channels()).sort()).toEqual(['stomp-bridge:to:{/topic/own/a}', 'stomp-bridge:to:{/topic/own/b}'])
    const before = await heard()
    for (let i = 0; i < 50; i++) await notify(nodes.other, '/topic/own/a', String(i))
    await notify(nodes.other, '/topic/own/b', 'end')
    expect((await near.next()).body).toBe('end')
    expect((await heard()) - before).toBe(1)
    expect((await inbox.take(50)).map(bodyOf)).toEqual(Array.from({ length: 50 }, (_, i) => String(i)))
    await inbox.unsubscribe()
    await near.unsubscribe()
    await eventually(async () => expect(await channels()).toEqual([]))
    // By which each tries whether Redis takes any pattern.
    expect(await backend.pubsub('NUMPAT')).toBe(1)
  })

  it('with the rights of the documentation a pattern hears the channels of all destinations', async () => {
    const rights =
      'resetchannels &topic:* &BROADCAST-CHANNEL &stomp-bridge:* &stomp-bridge:to:* ~stomp-bridge:* ' +
      '-@all +publish +subscribe +unsubscribe +psubscribe +punsubscribe +multi +exec +ping +role'
    await backend.call('ACL', 'SETUSER', 'bridge', 'on', '>secret', ...rights.split(' '))
    const limited = await spawnBridge({
      runtime: 'bun',
      env: {
        REDIS_URL: redis.url.replace('redis://', 'redis://bridge:secret@'),
        STOMP_BRIDGE_BROKER_DISTRIBUTION: 'by-interest',
      },
    })
    await untilReady(limited)
    await limited.waitForLog(({ pattern }) => pattern === 'stomp-bridge:to:probe')
    const reader = await connectStompjs7(limited)
    const inboxes = [await reader.subscribe('/topic/rights/*'), await reader.subscribe('/topic/rights/a')]
    await reader.send('/topic/rights/a', 'own')
    await notify(nodes.other, '/topic/rights/a', 'of another')
    for (const inbox of inboxes) expect((await inbox.take(2)).map(bodyOf)).toEqual(['own', 'of another'])
    await reader.disconnect()
    expect(await limited.stop()).toBe(0)
  })

  it('no-echo and headers are kept', async () => {
    const [sender, reader] = await Promise.all([connect(nodes['by-interest']), connect(nodes.other)])
    const own = await sender.subscribe('/topic/echo', { 'exclude-self': 'true' })
    const inbox = await reader.subscribe('/topic/echo')
    await sender.send('/topic/echo', 'mine', { 'content-type': 'text/x-note', author: 'Zoë' })
    await reader.send('/topic/echo', 'theirs')
    const [first] = await inbox.take(2)
    expect(first).toMatchObject({ body: 'mine', headers: { 'content-type': 'text/x-note', author: 'Zoë' } })
    expect((await own.next()).body).toBe('theirs')
  })

  it('history goes on over all of them, and who comes back gets what it has missed', async () => {
    const members = [nodes.both, nodes['by-interest'], nodes.other]
    const clients = await Promise.all(members.map(connect))
    const inboxes = await Promise.all(
      clients.flatMap((client) => ['/topic/kept/a', '/topic/kept/*'].map((each) => client.subscribe(each))),
    )
    const bodies = await sendFromAll(members, '/topic/kept/a')
    const numbers = bodies.map((_, i) => i + 1)
    const numberOf = ({ headers }: Message) => Number(headers['offset']!.split('-')[1])
    for (const inbox of inboxes) expect((await inbox.take(bodies.length)).map(numberOf)).toEqual(numbers)
    const [first] = inboxes[0]!.all
    for (const inbox of inboxes) await inbox.unsubscribe()

    const back = await clients[1]!.subscribe('/topic/kept/a', {
      since: first!.headers['offset']!,
      epoch: first!.headers['epoch']!,
    })
    const marker = await back.next()
    expect(marker.headers).toMatchObject({ recovered: 'true', count: String(bodies.length - 1) })
    await notify(nodes.other, '/topic/kept/a', 'end')
    expect((await back.take(bodies.length)).map(numberOf)).toEqual([...numbers.slice(1), bodies.length + 1])
  })

  it('Redis ended and started: all is subscribed again, and nothing comes double', async () => {
    const members = [nodes.both, nodes['by-interest'], nodes.other]
    const inboxes: Subscription[] = []
    for (const bridge of members) {
      const client = await connect(bridge)
      for (const each of ['/topic/again/a', '/topic/again/*']) inboxes.push(await client.subscribe(each))
    }
    await redis.restart()
    for (const bridge of members) {
      await eventually(async () => expect(await metric(bridge, 'stomp_bridge_bus_outages_total')).toBe(1))
      await untilReady(bridge)
    }
    await eventually(async () => {
      const [, count] = (await backend.pubsub('NUMSUB', 'stomp-bridge:to:{/topic/again/a}')) as [string, number]
      expect(count).toBe(members.length)
    })
    await expectOnce(inboxes, await sendFromAll(members, '/topic/again/a'))
    await notify(nodes.other, '/topic/again/a', 'end')
    for (const inbox of inboxes) expect((await inbox.next()).body).toBe('end')
  })
})
