/** Streams of backends reach clients of two bridges, once and in order, whatever happens to Redis; and what was before is there for those who ask. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { metric } from '../support/clients/backend.ts'
import type { Headers, Message, Subscription } from '../support/clients/client.ts'
import { connectStompjs7, type Stompjs7Client } from '../support/clients/stompjs7.ts'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import type { RuntimeName } from '../support/runtime-names.ts'
import { runtime } from '../support/runtime.ts'
import { eventually } from '../support/wait.ts'
import { untilReady } from '../support/world.ts'

/** The bridge under test, and one on another runtime. */
const OTHER: Readonly<Record<RuntimeName, RuntimeName>> = { bun: 'deno', deno: 'bun', node: 'bun' }

const EVENTS = 'TEST_EVENT_TO_WEBSOCKET_SERVER'
const PRICES = 'prices'
const ROUTES = [
  {
    stream: PRICES,
    destination: '/topic/prices/{field.symbol}',
    body: '{field.price}',
    contentType: 'application/json',
    maxScan: 20,
  },
  { stream: EVENTS, destination: '{field.topic}', body: '{field.message}', headers: ['kind'] },
]

const bodyOf = ({ body }: Message) => body

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => String(from + i))
}

describe(`streams to bridges on ${runtime} and ${OTHER[runtime]}`, () => {
  let redis: RedisServer
  let directory: string
  let backend: Redis
  let a: BridgeProcess
  let b: BridgeProcess
  let topics = 0

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-aof-'))
    redis = await startRedis({ args: ['--dir', directory, '--appendonly', 'yes', '--appendfsync', 'always'] })
    backend = await redis.client()
    await backend.xadd(EVENTS, '*', 'topic', '/topic/old', 'message', 'old')
    const env = {
      REDIS_URL: redis.url,
      STOMP_BRIDGE_ROUTES_INBOUND: JSON.stringify(ROUTES),
      STOMP_BRIDGE_REDIS_RECONNECT_MAX_DELAY_MS: '100',
    }
    ;[a, b] = await Promise.all([spawnBridge({ runtime, env }), spawnBridge({ runtime: OTHER[runtime], env })])
    await Promise.all([untilReady(a), untilReady(b)])
  })
  afterAll(async () => {
    await Promise.all([a.stop(), b.stop()])
    await redis.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const newTopic = () => `/topic/t${++topics}`

  const connect = async (bridge: BridgeProcess): Promise<Stompjs7Client> => {
    const client = await connectStompjs7(bridge)
    onTestFinished(() => client.disconnect())
    return client
  }

  const subscribe = async (bridge: BridgeProcess, destination: string, headers?: Headers): Promise<Subscription> =>
    (await connect(bridge)).subscribe(destination, headers)

  const subscribeOnBoth = (destination: string) => Promise.all([subscribe(a, destination), subscribe(b, destination)])

  const add = (topic: string, message: string, ...more: string[]) =>
    backend.xadd(EVENTS, '*', '_class', 'com.example.StreamDataEvent', 'topic', topic, 'message', message, ...more)

  const markerOf = ({ headers }: Message) => ({ ...headers })

  it('an entry comes to the clients of both, with its id as the offset', async () => {
    const topic = newTopic()
    const inboxes = await subscribeOnBoth(topic)
    const id = await add(topic, 'Grüße 😀', 'kind', 'greeting', 'other', 'x')
    for (const inbox of inboxes) {
      const { body, headers } = await inbox.next()
      expect(body).toBe('Grüße 😀')
      expect(headers).toMatchObject({
        destination: topic,
        offset: id,
        epoch: EVENTS,
        kind: 'greeting',
        'content-type': 'text/plain;charset=UTF-8',
        'message-id': `${EVENTS}-${id}`,
      })
      expect(headers).not.toHaveProperty('_class')
      expect(headers).not.toHaveProperty('other')
    }
  })

  it('entries reach a destination that is made of a field, and patterns', async () => {
    const [exact, pattern] = await Promise.all([subscribe(a, '/topic/prices/A%2FB'), subscribe(b, '/topic/prices/*')])
    await backend.xadd(PRICES, '*', 'symbol', 'A/B', 'price', '1.50')
    for (const inbox of [exact, pattern]) {
      const { body, headers } = await inbox.next()
      expect([body, headers['content-type'], headers['epoch']]).toEqual(['1.50', 'application/json', PRICES])
    }
  })

  it('an entry that can go nowhere is counted and skipped', async () => {
    const topic = newTopic()
    const inbox = await subscribe(a, topic)
    const before = await metric(a, 'stomp_bridge_stream_entries_skipped_total')
    await backend.xadd(EVENTS, '*', 'message', 'no topic')
    await backend.xadd(EVENTS, '*', 'topic', topic)
    for (const wrong of ['nowhere', '/app/x', '/topic/*', '/topic/prices/X', '']) await add(wrong, 'x')
    await add(topic, 'good')
    expect((await inbox.next()).body).toBe('good')
    expect(await metric(a, 'stomp_bridge_stream_entries_skipped_total')).toBe(before + 7)
  })

  it('connections that are killed lose nothing and double nothing', async () => {
    const topic = newTopic()
    const inboxes = await subscribeOnBoth(topic)
    for (const number of numbers(0, 300)) {
      await add(topic, number)
      if (Number(number) % 60 !== 30) continue
      for (const line of String(await backend.client('LIST')).split('\n')) {
        const id = /\bid=(\d+) .*name=stomp-bridge-\w+-streams /.exec(line)?.[1]
        if (id !== undefined) await backend.client('KILL', 'ID', id)
      }
    }
    for (const inbox of inboxes) expect((await inbox.take(300)).map(bodyOf)).toEqual(numbers(0, 300))
  })

  it('what is added while a bridge cannot reach Redis comes when it can', async () => {
    const topic = newTopic()
    const inboxes = await subscribeOnBoth(topic)
    for (const number of numbers(0, 100)) await add(topic, number)
    await redis.crash()
    await redis.restart()
    for (const number of numbers(100, 200)) await add(topic, number)
    for (const inbox of inboxes) expect((await inbox.take(200)).map(bodyOf)).toEqual(numbers(0, 200))
    await Promise.all([untilReady(a), untilReady(b)])
  })

  describe('who asks', () => {
    it('learns where it stands, and gets what it has missed, then what comes, on another node too', async () => {
      const topic = newTopic()
      const ids = [...(await Promise.all(numbers(0, 50).map((number) => add(topic, number))))] as string[]
      await add(newTopic(), 'for others')
      const adding = (async () => {
        for (const number of numbers(50, 400)) await add(topic, number)
      })()
      const inboxes = await Promise.all(
        [a, b].map((bridge) => subscribe(bridge, topic, { since: ids[9]!, epoch: EVENTS })),
      )
      await adding
      for (const inbox of inboxes) {
        const marker = await inbox.next()
        expect(markerOf(marker)).toMatchObject({ event: 'position', recovered: 'true', epoch: EVENTS })
        expect(Number(marker.headers['count'])).toBeGreaterThanOrEqual(40)
        expect((await inbox.take(390)).map(bodyOf)).toEqual(numbers(10, 400))
      }
    })

    it.each([
      ['last:2', { last: '2' }, ['2', '3']],
      ['last:100', { last: '100' }, ['0', '1', '2', '3']],
      ['last:0', { last: '0' }, []],
    ])('with %s gets the newest', async (_, headers, bodies) => {
      const topic = newTopic()
      for (const number of numbers(0, 4)) await add(topic, number)
      const inbox = await subscribe(a, topic, headers)
      const marker = markerOf(await inbox.next())
      expect(marker).toMatchObject({ event: 'position', count: String(bodies.length) })
      expect(marker).not.toHaveProperty('recovered')
      await add(topic, 'live')
      expect((await inbox.take(bodies.length + 1)).map(bodyOf)).toEqual([...bodies, 'live'])
    })

    it('with since-time gets what is later', async () => {
      const topic = newTopic()
      const first = (await add(topic, '0')) as string
      await eventually(() => expect(Date.now()).toBeGreaterThan(Number(first.split('-')[0]) + 1))
      await add(topic, '1')
      const inbox = await subscribe(b, topic, { 'since-time': first.split('-')[0]! })
      expect(markerOf(await inbox.next())).toMatchObject({ recovered: 'true', count: '1' })
      expect((await inbox.next()).body).toBe('1')
    })

    it('beyond the newest, or in another epoch, has not recovered', async () => {
      const topic = newTopic()
      await add(topic, '0')
      for (const headers of [
        { since: '99999999999999-0', epoch: EVENTS },
        { since: '0-0', epoch: 'other' },
      ]) {
        const inbox = await subscribe(a, topic, headers)
        expect(markerOf(await inbox.next())).toMatchObject({ recovered: 'false', count: '1' })
        expect((await inbox.next()).body).toBe('0')
      }
    })

    it('before the first entry of a trimmed stream has not recovered, and gets what is held', async () => {
      const topic = newTopic()
      const ids = []
      for (const number of numbers(0, 5)) ids.push(await add(topic, number))
      await backend.xtrim(EVENTS, 'MAXLEN', 2)
      const lost = await subscribe(a, topic, { since: ids[1]!, epoch: EVENTS })
      expect(markerOf(await lost.next())).toMatchObject({ recovered: 'false', count: '2' })
      expect((await lost.take(2)).map(bodyOf)).toEqual(['3', '4'])
      const whole = await subscribe(a, topic, { since: ids[3]!, epoch: EVENTS })
      expect(markerOf(await whole.next())).toMatchObject({ recovered: 'true', count: '1' })
    })

    it('beyond maxScan has not recovered, and gets what was looked through', async () => {
      const first = (await backend.xadd(PRICES, '*', 'symbol', 'S', 'price', '0')) as string
      for (const number of numbers(1, 31)) await backend.xadd(PRICES, '*', 'symbol', 'S', 'price', number)
      const inbox = await subscribe(a, '/topic/prices/S', { since: first, epoch: PRICES })
      expect(markerOf(await inbox.next())).toMatchObject({ recovered: 'false', count: '20' })
      expect((await inbox.take(20)).map(bodyOf)).toEqual(numbers(11, 31))
    })

    it('by HTTP gets a page', async () => {
      const topic = newTopic()
      const ids = []
      for (const number of numbers(0, 4)) ids.push(await add(topic, number))
      const page = async (query: string) =>
        (await (await fetch(`${a.url}/api/history?destination=${topic}${query}`)).json()) as {
          epoch: string
          offset: string
          recovered?: boolean
          messages: { offset: string; body: string }[]
        }
      const all = await page('')
      expect(all).toMatchObject({ epoch: EVENTS, offset: ids[3] })
      expect(all.messages.map(({ offset, body }) => [offset, body])).toEqual(ids.map((id, i) => [id, String(i)]))
      expect((await page(`&since=${ids[1]}&epoch=${EVENTS}`)).recovered).toBe(true)
      expect((await page(`&since=${ids[1]}&epoch=${EVENTS}`)).messages.map(({ body }) => body)).toEqual(['2', '3'])
      expect((await page('&last=3&limit=2')).messages.map(({ body }) => body)).toEqual(['1', '2'])
      const refused = await fetch(`${a.url}/api/history?destination=${topic}`, { method: 'DELETE' })
      expect([refused.status, await refused.json()]).toMatchObject([400, { error: { code: 'bad-destination' } }])
    })
  })

  it('a stream that begins anew with lower ids is read from its beginning', async () => {
    const inbox = await subscribe(a, '/topic/prices/NEW', { last: '0' })
    await inbox.next()
    await backend.del(PRICES)
    await backend.xadd(PRICES, '1-1', 'symbol', 'NEW', 'price', '1')
    await backend.xadd(PRICES, '1-2', 'symbol', 'NEW', 'price', '2')
    expect(markerOf(await inbox.next())).toMatchObject({ event: 'position', recovered: 'false' })
    expect((await inbox.take(2)).map(bodyOf)).toEqual(['1', '2'])
  })
})
