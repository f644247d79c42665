/** Two bridge processes that write to a stream of backends, which share the work as a consumer group. */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Redis } from 'ioredis'
import { listen } from '../support/clients/backend.ts'
import { connectStompjs7, type Stompjs7Client } from '../support/clients/stompjs7.ts'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import type { RedisServer } from '../support/redis.ts'
import { runtime } from '../support/runtime.ts'
import { eventually } from '../support/wait.ts'
import { startWorld, untilReady } from '../support/world.ts'

const STREAM = 'TEST_EVENT_TO_BACKEND'
const GROUP = 'CONSUMER_GROUP'
const CLASS = 'com.example.common.model.StreamDataEvent'

const OUTBOUND = [
  {
    destination: '/app/test',
    stream: STREAM,
    maxLength: 100_000,
    fields: { message: 'body', topic: 'destination' },
    constants: { _class: CLASS },
    groups: [GROUP],
  },
  { destination: '/app/orders/{region}/{id}', stream: 'orders:{region}', groups: ['billing'] },
  { destination: '/app/greet', channel: 'GREETING' },
]

type Fields = Readonly<Record<string, string>>
type Entries = readonly (readonly [id: string, fields: readonly string[]])[]

function fieldsOf(flat: readonly string[]): Fields {
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]!]] : [])))
}

/** Reads as a replica of a backend does, until told to stop; what it has read is its own. */
function consume(client: Redis, name: string): { readonly read: Fields[]; stop(): Promise<void> } {
  const read: Fields[] = []
  let isOver = false
  const loop = async (): Promise<void> => {
    while (!isOver) {
      const reply = (await client.xreadgroup(
        ...(['GROUP', GROUP, name, 'COUNT', 5, 'BLOCK', 50, 'STREAMS', STREAM, '>'] as const),
      )) as [string, Entries][] | null
      for (const [id, flat] of reply?.[0]?.[1] ?? []) {
        read.push(fieldsOf(flat))
        await client.xack(STREAM, GROUP, id)
      }
    }
  }
  const ended = loop()
  return {
    read,
    stop: () => {
      isOver = true
      return ended
    },
  }
}

describe(`streams of backends, with two bridges on ${runtime}`, () => {
  let redis: RedisServer
  let backend: Redis
  let a: BridgeProcess
  let b: BridgeProcess

  beforeAll(async () => {
    const env = { STOMP_BRIDGE_ROUTES_OUTBOUND: JSON.stringify(OUTBOUND), STOMP_BRIDGE_REDIS_PROBE_INTERVAL_MS: '300' }
    ;({ redis, backend, bridge: a } = await startWorld({ runtime, env }))
    b = await spawnBridge({ runtime, env: { REDIS_URL: redis.url, ...env } })
    await untilReady(b)
  })

  const connect = async (bridge: BridgeProcess): Promise<Stompjs7Client> => {
    const client = await connectStompjs7(bridge)
    onTestFinished(() => client.disconnect())
    return client
  }

  async function entries(stream = STREAM): Promise<Fields[]> {
    return (await backend.xrange(stream, '-', '+')).map(([, flat]) => fieldsOf(flat))
  }

  async function groups(stream = STREAM): Promise<string[]> {
    const found = (await backend.xinfo('GROUPS', stream).catch(() => [])) as (string | number)[][]
    return found.map(([, name]) => String(name))
  }

  it('have their group from the start, and the entry when the RECEIPT comes', async () => {
    expect(await groups()).toEqual([GROUP])
    const client = await connect(a)
    await client.send('/app/test', 'Grüße 😀')
    expect((await entries()).at(-1)).toEqual({ message: 'Grüße 😀', topic: '/app/test', _class: CLASS })
    await client.send('/app/orders/eu/7', 'x')
    expect(await entries('orders:eu')).toEqual([{ message: 'x' }])
    expect(await groups('orders:eu')).toEqual(['billing'])
  })

  it('give each of 100 SENDs to one of two consumers', async () => {
    await backend.xtrim(STREAM, 'MAXLEN', 0)
    const consumers = await Promise.all(['one', 'two'].map(async (name) => consume(await redis.client(), name)))
    const clients = await Promise.all([connect(a), connect(b)])
    const bodies = Array.from({ length: 100 }, (_, number) => `m${number}`)
    await Promise.all(bodies.map((body, i) => clients[i % 2]!.send('/app/test', body)))
    const all = (): Fields[] => consumers.flatMap(({ read }) => read)
    await eventually(() => expect(all().length).toBeGreaterThanOrEqual(100))
    await Promise.all(consumers.map(({ stop }) => stop()))
    expect(
      all()
        .map(({ message }) => message)
        .sort(),
    ).toEqual([...bodies].sort())
    expect(new Set(all().map(({ _class }) => _class))).toEqual(new Set([CLASS]))
    expect((await backend.xpending(STREAM, GROUP))[0]).toBe(0)
  })

  it('get what is sent in a transaction together with channels, or nothing', async () => {
    await backend.del(STREAM)
    const greetings = await listen(redis, 'GREETING')
    const client = await connect(b)
    const aborted = client.begin()
    await aborted.send('/app/test', 'never')
    await aborted.send('/app/greet', 'never')
    await aborted.abort()
    const transaction = client.begin()
    await transaction.send('/app/greet', 'first')
    await transaction.send('/app/test', 'entry')
    await transaction.send('/app/greet', 'last')
    expect(await entries()).toEqual([]) // the stream itself may be there again, with its group
    await transaction.commit()
    expect(await entries()).toMatchObject([{ message: 'entry' }])
    expect(String(await greetings.next())).toBe('"first"')
    expect(String(await greetings.next())).toBe('"last"')

    await backend.set('orders:us', 'no stream')
    const refused = client.begin()
    await refused.send('/app/greet', 'never')
    await refused.send('/app/test', 'never')
    await refused.send('/app/orders/us/1', 'never')
    await expect(refused.commit()).rejects.toMatchObject({ headers: { code: 'bus-refused' } })
    expect(await entries()).toMatchObject([{ message: 'entry' }])
    await (await connect(b)).send('/app/greet', 'end')
    expect(String(await greetings.next())).toBe('"end"')
  })

  it('are added once under one idempotency key, over all bridges', async () => {
    await backend.del(STREAM)
    const clients = await Promise.all([connect(a), connect(b)])
    for (const client of clients) await client.send('/app/test', 'once', { 'idempotency-key': 'key' })
    expect(await entries()).toHaveLength(1)
  })

  it('come back with their group after a FLUSHALL', async () => {
    const client = await connect(a)
    await backend.flushall()
    await client.send('/app/test', 'again')
    expect(await groups()).toEqual([GROUP])
    expect(await entries()).toMatchObject([{ message: 'again' }])
    await backend.flushall()
    await eventually(async () => expect(await groups()).toEqual([GROUP]))
  })
})
