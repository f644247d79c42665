/**
 * Two bridge processes on one Redis: what comes in at one goes out at both, once and in order, and Redis carries only
 * what somebody has subscribed to.
 */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Redis } from 'ioredis'
import { listen, notify } from '../support/clients/backend.ts'
import type { Message, Subscription } from '../support/clients/client.ts'
import { Inbox } from '../support/clients/inbox.ts'
import { connectStompjs7, type Stompjs7Client } from '../support/clients/stompjs7.ts'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import type { RedisServer } from '../support/redis.ts'
import type { RuntimeName } from '../support/runtime-names.ts'
import { runtime } from '../support/runtime.ts'
import { eventually } from '../support/wait.ts'
import { startWorld, untilReady } from '../support/world.ts'

/** The bridge under test, and one on another runtime: each pair of runtimes comes up once. */
const OTHER: Readonly<Record<RuntimeName, RuntimeName>> = { bun: 'node', deno: 'bun', node: 'deno' }

const RELEASE_DELAY_MS = 40

const bodyOf = ({ body }: Message) => body
const isEnd = ({ body }: Message) => body === 'end'

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, number) => String(number))
}

describe(`bridges on ${runtime} and ${OTHER[runtime]} with one Redis`, () => {
  let redis: RedisServer
  let backend: Redis
  let a: BridgeProcess
  let b: BridgeProcess

  beforeAll(async () => {
    const env = { STOMP_BRIDGE_BROKER_RELEASE_DELAY_MS: String(RELEASE_DELAY_MS) }
    ;({ redis, backend, bridge: a } = await startWorld({ runtime, env }))
    b = await spawnBridge({ runtime: OTHER[runtime], env: { REDIS_URL: redis.url, ...env } })
    await untilReady(b)
  })

  /** A client that leaves when the test ends. */
  const connect = async (bridge: BridgeProcess): Promise<Stompjs7Client> => {
    const client = await connectStompjs7(bridge)
    onTestFinished(() => client.disconnect())
    return client
  }

  /** One subscription on each bridge. */
  const subscribeOnBoth = async (destination: string): Promise<Subscription[]> => {
    const clients = await Promise.all([connect(a), connect(b)])
    return Promise.all(clients.map((client) => client.subscribe(destination)))
  }

  describe('a notification', () => {
    it('reaches the clients of both bridges once and in order', async () => {
      const inboxes = await subscribeOnBoth('/topic/posted')
      for (const number of numbers(200)) {
        expect(await notify(a, '/topic/posted', number)).toEqual({ status: 200, body: '' })
      }
      await notify(a, '/topic/posted', 'end')
      for (const inbox of inboxes) {
        expect((await inbox.takeUntil(isEnd)).map(bodyOf)).toEqual([...numbers(200), 'end'])
      }
    })

    it('comes in one order everywhere when many are posted to both at once', async () => {
      const [onA, onB] = await subscribeOnBoth('/topic/posted')
      await Promise.all(numbers(200).map((number, i) => notify(i % 2 === 0 ? a : b, '/topic/posted', number)))
      await notify(b, '/topic/posted', 'end')
      const bodies = (await onA!.takeUntil(isEnd)).map(bodyOf)
      expect([...bodies].sort()).toEqual([...numbers(200), 'end'].sort())
      expect((await onB!.takeUntil(isEnd)).map(bodyOf)).toEqual(bodies)
    })

    it('goes over Redis as {"topic":…,"message":…} and nothing else', async () => {
      const broadcast = await listen(redis, 'BROADCAST-CHANNEL')
      for (const message of ['Grüße 😀 "quoted"\n', { id: 7, tags: ['a'], none: null }, 1.5, true, [], '']) {
        await notify(a, '/topic/frontend', message)
        const payload = (await broadcast.next()).toString()
        expect(payload).toBe(`{"topic":"/topic/frontend","message":${JSON.stringify(message)}}`)
      }
    })

    it('with a message that is JSON arrives as JSON text', async () => {
      const inboxes = await subscribeOnBoth('/topic/json')
      const rows: readonly (readonly [message: unknown, body: string, type: string])[] = [
        [{ id: 7, name: 'Grüße 😀', none: null }, '{"id":7,"name":"Grüße 😀","none":null}', 'application/json'],
        [[1, 'two'], '[1,"two"]', 'application/json'],
        [42, '42', 'application/json'],
        [false, 'false', 'application/json'],
        ['42', '42', 'text/plain;charset=UTF-8'],
      ]
      for (const [message] of rows) await notify(b, '/topic/json', message)
      for (const inbox of inboxes) {
        const messages = await inbox.take(rows.length)
        expect(messages.map(({ body, headers }) => [body, headers['content-type']])).toEqual(
          rows.map(([, body, type]) => [body, type]),
        )
      }
    })

    it('from a Spring instance reaches the clients of both bridges', async () => {
      const inboxes = await subscribeOnBoth('/topic/frontend')
      await backend.publish('BROADCAST-CHANNEL', '{"topic":"/topic/frontend","message":"Hello Welt 😀"}')
      // Jackson may write its fields in another order.
      await backend.publish('BROADCAST-CHANNEL', '{ "message" : "second", "topic" : "/topic/frontend" }')
      for (const inbox of inboxes) {
        const [first, second] = await inbox.take(2)
        expect(first!.body).toBe('Hello Welt 😀')
        expect(first!.headers).toMatchObject({
          destination: '/topic/frontend',
          'content-type': 'text/plain;charset=UTF-8',
        })
        expect(second!.body).toBe('second')
      }
    })

    it('that cannot be read is logged, and the next one is delivered', async () => {
      const inboxes = await subscribeOnBoth('/topic/frontend')
      const broken = ['no JSON', '"text"', '{}', '{"topic":"/topic/frontend"}', '{"topic":"/queue/x","message":"x"}']
      for (const payload of broken) await backend.publish('BROADCAST-CHANNEL', payload)
      await backend.publish('BROADCAST-CHANNEL', Buffer.from([0xff, 0xfe]))
      await backend.publish('BROADCAST-CHANNEL', '{"topic":"/topic/frontend","message":"good"}')
      for (const inbox of inboxes) expect((await inbox.next()).body).toBe('good')
      for (const bridge of [a, b]) {
        const record = await bridge.waitForLog(({ payload }) => payload === 'no JSON')
        expect(record).toMatchObject({ level: 'warn', channel: 'BROADCAST-CHANNEL' })
      }
    })
  })

  describe("a client's SEND to a topic", () => {
    it('reaches the clients of both bridges with its headers', async () => {
      const inboxes = await subscribeOnBoth('/topic/chat')
      const sender = await connect(a)
      const headers = { 'content-type': 'text/x-chat', author: 'Zoë: "z"', empty: '' }
      await sender.send('/topic/chat', 'Grüße 😀', headers)
      for (const inbox of inboxes) {
        const message = await inbox.next()
        expect(message.body).toBe('Grüße 😀')
        expect(message.headers).toEqual({
          ...headers,
          destination: '/topic/chat',
          subscription: inbox.id,
          'message-id': expect.any(String),
          'content-length': String(Buffer.byteLength('Grüße 😀')),
        })
      }
    })

    it('reaches the clients of both bridges with every octet', async () => {
      const octets = Uint8Array.from({ length: 256 }, (_, i) => i)
      const inboxes = await Promise.all(
        [a, b].map(async (bridge) => {
          const { own } = await connect(bridge)
          const inbox = new Inbox<Uint8Array>('binary body')
          const live = new Promise<void>((resolve) => own.watchForReceipt('live', () => resolve()))
          own.subscribe('/topic/octets', ({ binaryBody }) => inbox.put(binaryBody), { receipt: 'live' })
          await live
          return inbox
        }),
      )
      const { own } = await connect(a)
      own.publish({ destination: '/topic/octets', binaryBody: octets })
      own.publish({
        destination: '/topic/octets',
        binaryBody: new TextEncoder().encode('text'),
        headers: { 'content-type': 'application/octet-stream' },
      })
      for (const inbox of inboxes) expect(await inbox.take(2)).toEqual([octets, new TextEncoder().encode('text')])
    })

    it('keeps the order of each sender and destination among 1,000 of four senders', async () => {
      const destinations = ['/topic/order/x', '/topic/order/y']
      const exact = (await Promise.all(destinations.map(subscribeOnBoth))).flat()
      const byPattern = await subscribeOnBoth('/topic/order/*')
      const senders = await Promise.all([a, b, a, b].map(connect))
      // All at once: nobody waits for receipts in between.
      const sent = numbers(250).flatMap((number) =>
        senders.map((sender, who) => sender.send(destinations[Number(number) % 2]!, `${who} ${number}`)),
      )
      await Promise.all(sent)
      for (const destination of destinations) await senders[0]!.send(destination, 'end')

      /** By destination, then by sender. */
      const sorted = (messages: readonly Message[]) => {
        return destinations.map((destination) => {
          const bodies = messages.filter(({ headers }) => headers['destination'] === destination).map(bodyOf)
          return [...senders.keys()].map((who) => bodies.filter((body) => body.startsWith(`${who} `)))
        })
      }
      const wanted = destinations.map((_, parity) =>
        [...senders.keys()].map((who) =>
          numbers(250)
            .filter((number) => Number(number) % 2 === parity)
            .map((number) => `${who} ${number}`),
        ),
      )
      for (const inbox of byPattern) expect(sorted(await inbox.take(1002))).toEqual(wanted)
      for (const [i, inbox] of exact.entries()) {
        const parity = i < 2 ? 0 : 1
        const messages = await inbox.takeUntil(isEnd)
        expect(messages).toHaveLength(501)
        expect(sorted(messages)[parity]).toEqual(wanted[parity])
      }
    })
  })

  describe('channels of Redis', () => {
    /** Channels and the number of patterns that the bridges have subscribed, without what every bridge always has. */
    const subscribed = async () => {
      const channels = (await backend.pubsub('CHANNELS')) as string[]
      const own = channels.filter((name) => name !== 'BROADCAST-CHANNEL' && !name.startsWith('stomp-bridge:'))
      const counts = own.length === 0 ? [] : ((await backend.pubsub('NUMSUB', ...own)) as (string | number)[])
      const table: Record<string, number> = {}
      for (let i = 0; i < counts.length; i += 2) table[String(counts[i])] = Number(counts[i + 1])
      return { channels: table, patterns: Number(await backend.pubsub('NUMPAT')) }
    }
    const nothing = { channels: {}, patterns: 0 }
    const becomes = (expected: unknown) => eventually(async () => expect(await subscribed()).toEqual(expected))

    it('are subscribed while somebody needs them, once per bridge', async () => {
      await becomes(nothing)
      const [first, second, other] = await Promise.all([connect(a), connect(a), connect(b)])
      const one = await first.subscribe('/topic/greetings')
      // A receipt says that the channel is subscribed.
      expect(await subscribed()).toEqual({ channels: { GREETING_CHANNEL_INBOUND: 1 }, patterns: 0 })
      const two = await second.subscribe('/topic/greetings')
      expect(await subscribed()).toEqual({ channels: { GREETING_CHANNEL_INBOUND: 1 }, patterns: 0 })
      const three = await other.subscribe('/topic/greetings')
      await other.subscribe('/topic/news/today')
      expect(await subscribed()).toEqual({
        channels: { GREETING_CHANNEL_INBOUND: 2, 'topic:news/today': 1 },
        patterns: 0,
      })
      await one.unsubscribe()
      await two.unsubscribe()
      await becomes({ channels: { GREETING_CHANNEL_INBOUND: 1, 'topic:news/today': 1 }, patterns: 0 })
      await three.unsubscribe()
      await becomes({ channels: { 'topic:news/today': 1 }, patterns: 0 })
      await other.disconnect()
      await becomes(nothing)
    })

    it('are subscribed by pattern for a pattern, and given back when the connection is lost', async () => {
      await becomes(nothing)
      const client = await connectStompjs7(a)
      await client.subscribe('/topic/**')
      expect(await subscribed()).toEqual({ channels: { GREETING_CHANNEL_INBOUND: 1 }, patterns: 1 })
      await client.own.deactivate({ force: true })
      await becomes(nothing)
    })

    it('that exact and pattern subscriptions share give each of them one copy', async () => {
      const destinations = ['/topic/tide/a', '/topic/tide/*', '/topic/**', '/topic/t?de/a', '/topic/tide/a']
      const inboxes = (await Promise.all(destinations.map(subscribeOnBoth))).flat()
      const client = await connect(b)
      for (const destination of destinations) inboxes.push(await client.subscribe(destination))
      for (const number of numbers(100)) await backend.publish('topic:tide/a', JSON.stringify(number))
      await backend.publish('topic:tide/a', '"end"')
      for (const inbox of inboxes) {
        expect((await inbox.takeUntil(isEnd)).map(bodyOf)).toEqual([...numbers(100), 'end'])
      }
    })

    it.each([
      { steady: '/topic/tide/a', passing: ['/topic/tide/*', '/topic/**', '/topic/tide/a'] },
      { steady: '/topic/tide/*', passing: ['/topic/tide/a', '/topic/**'] },
      { steady: '/topic/**', passing: ['/topic/tide/a', '/topic/tide/a'] },
      { steady: undefined, passing: ['/topic/tide/a', '/topic/tide/*'] },
    ])('lose and repeat nothing for $steady while $passing come and go', async ({ steady, passing }) => {
      await becomes(nothing)
      const publisher = await redis.client()
      let published = 0
      let isRunning = true
      const flow = (async () => {
        while (isRunning) {
          await publisher.publish('topic:tide/a', JSON.stringify(String(published++)))
          await new Promise((resolve) => setImmediate(resolve))
        }
      })()
      onTestFinished(async () => {
        isRunning = false
        await flow
      })
      const kept = steady ? await subscribeOnBoth(steady) : []
      const firstKept = published
      const resting = await subscribed()

      const comeAndGo = async (client: Stompjs7Client, destination: string, isReleased: boolean) => {
        const inbox = await client.subscribe(destination)
        const firstAfterReceipt = published
        await inbox.take(10)
        await inbox.unsubscribe()
        const seen = inbox.all.map(({ body }) => Number(body))
        expect(seen[0]).toBeLessThanOrEqual(firstAfterReceipt)
        expect(seen).toEqual(seen.map((_, i) => seen[0]! + i))
        if (isReleased) await becomes(resting)
        expect(inbox.all).toHaveLength(seen.length)
      }
      const [onA, onB] = await Promise.all([connect(a), connect(b)])
      for (let round = 0; round < 8; round++) {
        // One after the other, then all over each other.
        for (const destination of passing) await comeAndGo(onA, destination, round % 2 === 0)
        await Promise.all([...passing, ...passing].map((destination) => comeAndGo(onA, destination, false)))
        await Promise.all(passing.flatMap((each) => [onA, onB].map((client) => comeAndGo(client, each, false))))
      }
      isRunning = false
      await flow
      await publisher.publish('topic:tide/a', '"end"')
      for (const inbox of kept) {
        const seen = (await inbox.takeUntil(isEnd)).slice(0, -1).map(({ body }) => Number(body))
        expect(seen[0]).toBeLessThanOrEqual(firstKept)
        expect(seen).toEqual(seen.map((_, i) => seen[0]! + i))
        expect(seen.at(-1)).toBe(published - 1)
      }
    })
  })
})
