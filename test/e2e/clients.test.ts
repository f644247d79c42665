/**
 * The clients that people use, as they are, against a bridge process on Redis: the three ways through the bridge, what
 * else each client can do, and that it comes back when the bridge was away.
 */
import { Client, Versions } from '@stomp/stompjs'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { listen, metric, notify } from '../support/clients/backend.ts'
import { CLIENTS, CLIENT_VARIANTS, type BridgePlace } from '../support/clients/clients.ts'
import type { Message, StompClient } from '../support/clients/client.ts'
import { Inbox } from '../support/clients/inbox.ts'
import { connectStompit } from '../support/clients/stompit.ts'
import { connectStompjs2 } from '../support/clients/stompjs2.ts'
import { connectStompjs7, stompjs7Config } from '../support/clients/stompjs7.ts'
import { connectWebstomp } from '../support/clients/webstomp.ts'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import type { RedisServer } from '../support/redis.ts'
import { runtime } from '../support/runtime.ts'
import { eventually } from '../support/wait.ts'
import { startWorld } from '../support/world.ts'

/** A body, and the payload that stands for it on Redis: a JSON string, quotes included. */
const TEXTS: readonly (readonly [body: string, payload: string])[] = [
  ['Test', '"Test"'],
  ['Grüße, 你好, naïve 😀👩‍👩‍👧‍👦', '"Grüße, 你好, naïve 😀👩‍👩‍👧‍👦"'],
  ['"quoted"\\\tand\nmore: lines\n', '"\\"quoted\\"\\\\\\tand\\nmore: lines\\n"'],
]

/** Longer than any client's chunks, three octets a character; and short enough for the limit of a frame. */
const LONG_TEXT = '€'.repeat(20_000)

// No client's goodbye may depend on the bridge losing patience.
const SETTINGS = { STOMP_BRIDGE_SHUTDOWN_LINGER_MS: '60000' }

const bodyOf = ({ body }: Message) => body

describe(`clients of the bridge on ${runtime}`, () => {
  let redis: RedisServer
  let bridge: BridgeProcess

  beforeAll(async () => {
    ;({ redis, bridge } = await startWorld({ runtime, tcp: true, env: SETTINGS }))
  })

  const start = (env: Record<string, string> = {}) =>
    spawnBridge({
      runtime,
      tcp: true,
      env: {
        REDIS_URL: redis.url,
        STOMP_BRIDGE_TCP_ENABLED: 'true',
        STOMP_BRIDGE_TCP_PORT: '0',
        ...SETTINGS,
        ...env,
      },
    })

  /** Connects; the client leaves when the test ends. */
  const open = async <C extends StompClient>(connecting: Promise<C>): Promise<C> => {
    const client = await connecting
    onTestFinished(() => client.disconnect())
    return client
  }

  describe.each([...CLIENTS, ...CLIENT_VARIANTS])('$name', ({ version, transport, connect }) => {
    it('agrees on its version', async () => {
      const { connected } = await open(connect(bridge))
      expect(connected['version']).toBe(version)
      expect(connected['heart-beat']).toBe(version === '1.0' ? '0,0' : '10000,10000')
      expect(connected['session']).toMatch(/./)
      expect(connected['server']).toMatch(/^stomp-bridge\/\d/)
    })

    it('gets what is posted to /api/notification', async () => {
      const client = await open(connect(bridge))
      const toasts = await client.subscribe('/topic/toast')
      for (const [body] of TEXTS) {
        expect(await notify(bridge, '/topic/toast', body)).toEqual({ status: 200, body: '' })
        const message = await toasts.next()
        expect(message.body).toBe(body)
        expect(message.headers).toEqual({
          destination: '/topic/toast',
          'content-type': 'text/plain;charset=UTF-8',
          subscription: toasts.id,
          'message-id': expect.stringMatching(/.-\d+$/),
          'content-length': String(Buffer.byteLength(body)),
        })
      }
    })

    it('gets what a backend publishes on GREETING_CHANNEL_INBOUND', async () => {
      const client = await open(connect(bridge))
      const greetings = await client.subscribe('/topic/greetings')
      const backend = await redis.client()
      for (const [body, payload] of [
        ...TEXTS,
        ['Gr\u00fc\u00dfe \ud83d\ude00', '"Gr\\u00fc\\u00DFe \\ud83d\\uDE00"'],
      ]) {
        await backend.publish('GREETING_CHANNEL_INBOUND', payload)
        const message = await greetings.next()
        expect(message.body).toBe(body)
        expect(message.headers).toMatchObject({
          destination: '/topic/greetings',
          'content-type': 'text/plain;charset=UTF-8',
          subscription: greetings.id,
        })
      }
    })

    it('sends to GREETING_CHANNEL_OUTBOUND, quoted, byte for byte', async () => {
      const outbound = await listen(redis, 'GREETING_CHANNEL_OUTBOUND')
      const client = await open(connect(bridge))
      for (const [body, payload] of TEXTS) {
        await client.send('/app/greet', body)
        expect((await outbound.next()).toString('latin1')).toBe(Buffer.from(payload).toString('latin1'))
      }
      await client.send('/app/greet', '{"id":1}', { 'content-type': 'application/json' })
      expect((await outbound.next()).toString()).toBe('"{\\"id\\":1}"')
    })

    it('sends a body of 60,000 octets to others and gets one', async () => {
      const client = await open(connect(bridge))
      const other = await open(connectStompjs7(bridge))
      const [own, others] = [await client.subscribe('/topic/long'), await other.subscribe('/topic/long')]
      await client.send('/topic/long', LONG_TEXT)
      expect((await others.next()).body).toBe(LONG_TEXT)
      expect((await own.next()).body).toBe(LONG_TEXT)
    })

    it('gets 1,000 messages that arrive at once, each once and in order', async () => {
      const client = await open(connect(bridge))
      const inbox = await client.subscribe('/topic/burst')
      const backend = await redis.client()
      const numbers = Array.from({ length: 1000 }, (_, number) => String(number))
      const pipeline = backend.pipeline()
      for (const number of [...numbers, 'end']) pipeline.publish('topic:burst', JSON.stringify(number))
      await pipeline.exec()
      expect((await inbox.takeUntil(({ body }) => body === 'end')).map(bodyOf)).toEqual([...numbers, 'end'])
    })

    it('gets nothing for a subscription that it ended', async () => {
      const client = await open(connect(bridge))
      const [ended, kept] = [await client.subscribe('/topic/two'), await client.subscribe('/topic/two')]
      await notify(bridge, '/topic/two', 'first')
      expect([(await ended.next()).body, (await kept.next()).body]).toEqual(['first', 'first'])
      await ended.unsubscribe()
      await notify(bridge, '/topic/two', 'second')
      expect((await kept.next()).body).toBe('second')
      expect(ended.all.map(bodyOf)).toEqual(['first'])
    })

    it('sends all of a transaction at commit, and nothing of an aborted one', async () => {
      const client = await open(connect(bridge))
      const inbox = await client.subscribe('/topic/transaction')
      const aborted = client.begin()
      await aborted.send('/topic/transaction', 'dropped')
      const committed = client.begin()
      await committed.send('/topic/transaction', 'first')
      await client.send('/topic/transaction', 'outside')
      await committed.send('/topic/transaction', 'second')
      await aborted.abort()
      await committed.commit()
      await client.send('/topic/transaction', 'end')
      const bodies = (await inbox.takeUntil(({ body }) => body === 'end')).map(bodyOf)
      expect(bodies).toEqual(['outside', 'first', 'second', 'end'])
    })

    it('acknowledges one by one, or all up to one', async () => {
      const client = await open(connect(bridge))
      const counted = async () => [
        await metric(bridge, 'stomp_bridge_acknowledged_total'),
        await metric(bridge, 'stomp_bridge_rejected_total'),
      ]
      const before = await counted()
      const settled = async () => (await counted()).map((count, i) => count - before[i]!)
      const cumulative = await client.subscribe('/topic/ack/cumulative', { ack: 'client' })
      for (const body of ['1', '2', '3', '4']) await notify(bridge, '/topic/ack/cumulative', body)
      const [, second, third] = await cumulative.take(4)
      second!.ack()
      await eventually(async () => expect(await settled()).toEqual([2, 0]))
      // STOMP 1.0 has neither.
      if (version === '1.0') return
      third!.nack()
      await eventually(async () => expect(await settled()).toEqual([2, 1]))

      const single = await client.subscribe('/topic/ack/single', { ack: 'client-individual' })
      for (const body of ['1', '2', '3']) await notify(bridge, '/topic/ack/single', body)
      const [, ...later] = await single.take(3)
      later[0]!.ack()
      later[1]!.nack()
      await eventually(async () => expect(await settled()).toEqual([3, 2]))
      // Nobody gets a rejected message again.
      await notify(bridge, '/topic/ack/single', 'end')
      expect((await single.next()).body).toBe('end')
    })

    it('is told what it did wrong, and is closed', async () => {
      const client = await connect(bridge)
      await expect(client.send('/queue/nowhere', 'lost')).rejects.toThrow('Cannot send to "/queue/nowhere"')
      expect(await client.closed).toBe(transport === 'tcp' ? undefined : 1002)
    })

    it('says goodbye, and leaves nothing behind', async () => {
      const own = await start()
      const client = await connect(own)
      await client.subscribe('/topic/goodbye')
      expect(await metric(own, 'stomp_bridge_sessions')).toBe(1)
      await client.disconnect()
      await eventually(async () => {
        expect(await metric(own, 'stomp_bridge_sessions')).toBe(0)
        expect(await metric(own, 'stomp_bridge_subscriptions')).toBe(0)
      })
      expect(own.logs().filter(({ level }) => level !== 'info')).toEqual([])
    })
  })

  it('all kinds of client get one message, once each', async () => {
    const clients = await Promise.all([...CLIENTS, ...CLIENT_VARIANTS].map(({ connect }) => open(connect(bridge))))
    const inboxes = await Promise.all(clients.map((client) => client.subscribe('/topic/all')))
    await notify(bridge, '/topic/all', 'to all')
    await notify(bridge, '/topic/all', 'end')
    for (const inbox of inboxes) expect((await inbox.take(2)).map(bodyOf)).toEqual(['to all', 'end'])
  })

  it('each client stays while only heart-beats flow', async () => {
    // Bridge and clients call a peer dead after twice this time.
    const heartbeatMs = 400
    const beating = await start({
      STOMP_BRIDGE_HEART_BEAT_OUTGOING_MS: String(heartbeatMs),
      STOMP_BRIDGE_HEART_BEAT_INCOMING_MS: String(heartbeatMs),
    })
    const beats = new Inbox<string>('heart-beat')
    const hear = (who: string, what: string) => (line: string) => line === what && beats.put(who)
    await open(
      connectStompjs7(beating, {
        heartbeatIncoming: heartbeatMs,
        heartbeatOutgoing: heartbeatMs,
        onHeartbeatReceived: () => beats.put('stompjs 7'),
      }),
    )
    await open(connectStompjs2(beating, { heartbeatMs, onDebug: hear('stompjs 2', '<<< PONG') }))
    await open(connectWebstomp(beating, { heartbeatMs, onDebug: hear('webstomp', '<<< PONG') }))
    const { own } = await open(connectStompit(beating, { 'heart-beat': `${heartbeatMs},${heartbeatMs}` }))
    own.getTransportSocket().on('data', (chunk) => chunk.toString() === '\n' && beats.put('stompit'))
    const seen = new Map<string, number>()
    // Four beats at three quarters of the interval are longer than the bridge would wait for the next from them.
    await beats.takeUntil((who) => {
      seen.set(who, (seen.get(who) ?? 0) + 1)
      return seen.size === 4 && [...seen.values()].every((count) => count >= 4)
    })
    expect(await metric(beating, 'stomp_bridge_sessions')).toBe(4)
    expect(await metric(beating, 'stomp_bridge_heart_beat_timeouts_total')).toBe(0)
  })

  describe('@stomp/stompjs 7', () => {
    it('sends and gets every octet, declared as binary or not', async () => {
      const { own } = await open(connectStompjs7(bridge))
      const inbox = new Inbox<Uint8Array>('binary body')
      const octets = Uint8Array.from({ length: 512 }, (_, i) => i % 256)
      own.subscribe('/topic/octets', ({ binaryBody }) => inbox.put(binaryBody))
      own.publish({ destination: '/topic/octets', binaryBody: octets })
      own.publish({
        destination: '/topic/octets',
        binaryBody: octets,
        headers: { 'content-type': 'application/octet-stream' },
      })
      own.publish({ destination: '/topic/octets', binaryBody: Uint8Array.of(0) })
      expect(await inbox.take(3)).toEqual([octets, octets, Uint8Array.of(0)])
    })

    it('sends and gets headers with colons, line ends and emoji', async () => {
      const client = await open(connectStompjs7(bridge))
      const inbox = await client.subscribe('/topic/headers')
      const headers = { 'content-type': 'text/x-test', kind: 'a:b\r\nc', smile: '😀', empty: '' }
      await client.send('/topic/headers', 'x', headers)
      expect((await inbox.next()).headers).toMatchObject({ ...headers, destination: '/topic/headers' })
    })

    it('gets receipts in the order of its frames', async () => {
      const { own } = await open(connectStompjs7(bridge))
      const receipts = new Inbox<string>('receipt')
      const watch = (receipt: string) => (own.watchForReceipt(receipt, () => receipts.put(receipt)), { receipt })
      own.subscribe('/topic/receipts/a', () => {}, watch('subscribe'))
      own.publish({ destination: '/app/receipts', body: 'x', headers: watch('send') })
      own.unsubscribe('none', watch('unsubscribe'))
      own.subscribe('/topic/receipts/*', () => {}, watch('subscribe to a pattern'))
      own.publish({ destination: '/topic/receipts/a', body: 'x', headers: watch('send to a topic') })
      expect(await receipts.take(5)).toEqual([
        'subscribe',
        'send',
        'unsubscribe',
        'subscribe to a pattern',
        'send to a topic',
      ])
    })

    it('comes back by itself after a restart, subscribes again and gets the next message', async () => {
      const first = await start()
      const events = new Inbox<string>('event')
      const client = new Client({
        ...stompjs7Config(first.wsUrl),
        reconnectDelay: 50,
        onConnect: () => {
          const receipt = 'live'
          client.watchForReceipt(receipt, () => events.put('live'))
          client.subscribe('/topic/toast', ({ body }) => events.put(body), { receipt })
        },
      })
      onTestFinished(() => client.deactivate())
      client.activate()
      expect(await events.next()).toBe('live')
      await notify(first, '/topic/toast', 'before')
      expect(await events.next()).toBe('before')
      expect(await first.stop()).toBe(0)
      const second = await start(placeOf(first))
      expect(await events.next()).toBe('live')
      await notify(second, '/topic/toast', 'after')
      expect(await events.next()).toBe('after')
    })
  })

  describe.each(CLIENTS)('$name, connected again by hand', ({ transport, connect }) => {
    it('finds the restarted bridge, subscribes again and gets the next message', async () => {
      const first = await start()
      const client = await connect(first)
      const before = await client.subscribe('/topic/toast')
      await notify(first, '/topic/toast', 'before')
      expect((await before.next()).body).toBe('before')

      const place: BridgePlace = { wsUrl: first.wsUrl, tcpPort: first.tcpPort }
      const stopped = first.stop()
      expect(await client.closed).toBe(transport === 'tcp' ? undefined : 1001)
      const reconnecting = eventually(() => connect(place), { timeoutMs: 20_000, intervalMs: 50 })
      expect(await stopped).toBe(0)
      const second = await start(placeOf(first))

      const again = await open(reconnecting)
      const after = await again.subscribe('/topic/toast')
      await notify(second, '/topic/toast', 'after')
      expect((await after.next()).body).toBe('after')
    })
  })

  it('speaks 1.1 with stompjs 2.3.3, with and without a sub-protocol', async () => {
    const plain = await open(connectStompjs2(bridge))
    expect(plain.webSocket.protocol).toBe('')
    expect(plain.connected['version']).toBe('1.1')
    const offering = await open(connectStompjs2(bridge, { protocols: ['v10.stomp', 'v11.stomp'] }))
    expect(['v10.stomp', 'v11.stomp']).toContain(offering.webSocket.protocol)
    expect(offering.connected['version']).toBe('1.1')
  })

  it('speaks the highest version that @stomp/stompjs 7 offers', async () => {
    for (const [versions, agreed] of [
      [['1.0', '1.1'], '1.1'],
      [['1.0', '1.2', '1.1'], '1.2'],
    ] as const) {
      const { connected } = await open(connectStompjs7(bridge, { stompVersions: new Versions([...versions]) }))
      expect(connected['version']).toBe(agreed)
    }
  })
})

/** The settings that make a bridge listen where that one did. */
function placeOf({ port, tcpPort }: BridgeProcess): Record<string, string> {
  return { PORT: String(port), STOMP_BRIDGE_TCP_PORT: String(tcpPort) }
}
