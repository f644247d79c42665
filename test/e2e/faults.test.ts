/**
 * What goes wrong in production, done to a real bridge on a real Redis: the bus goes away, clients do not read, hang
 * half-open, send garbage, come and go by the thousand. Each time: no crash, no growth, nobody else disturbed.
 */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { metric, notify } from '../support/clients/backend.ts'
import type { BridgeProcess } from '../support/process.ts'
import type { RedisServer } from '../support/redis.ts'
import { runtime } from '../support/runtime.ts'
import { connectStalledClient } from '../support/stalled-client.ts'
import { bodyText, connectPeer, frameText, type StompPeer } from '../support/stomp-peer.ts'
import { eventually, waitFor } from '../support/wait.ts'
import { startWorld, untilReady } from '../support/world.ts'

const MAX_UNSENT_BYTES = 256 * 1024
const MAX_UNSENT_MS = 1_500

describe(`faults on ${runtime}`, () => {
  let redis: RedisServer
  let backend: Redis
  let bridge: BridgeProcess
  const peers: { terminate?(): void; destroy?(): void }[] = []

  beforeAll(async () => {
    ;({ redis, backend, bridge } = await startWorld({
      runtime,
      tcp: true,
      env: {
        STOMP_BRIDGE_LIMITS_MAX_UNSENT_BYTES: String(MAX_UNSENT_BYTES),
        STOMP_BRIDGE_LIMITS_MAX_UNSENT_MS: String(MAX_UNSENT_MS),
        STOMP_BRIDGE_HEART_BEAT_INCOMING_MS: '300',
        STOMP_BRIDGE_REDIS_PROBE_INTERVAL_MS: '300',
        STOMP_BRIDGE_REDIS_COMMAND_TIMEOUT_MS: '700',
        STOMP_BRIDGE_REDIS_RECONNECT_MAX_DELAY_MS: '200',
      },
    }))
  })

  afterEach(() => {
    for (const peer of peers.splice(0)) {
      peer.terminate?.()
      peer.destroy?.()
    }
  })

  async function subscriber(destination: string): Promise<StompPeer> {
    const peer = await connectPeer({ url: bridge.wsUrl })
    peers.push(peer)
    await peer.stompConnect()
    peer.send(frameText('SUBSCRIBE', { id: 'sub-0', destination, receipt: 'subscribed' }))
    await peer.receipt('subscribed')
    return peer
  }

  const counter = (name: string): Promise<number> => metric(bridge, `stomp_bridge_${name}`)

  /** A round trip through everything, by a client of its own. */
  async function expectHealthy(): Promise<void> {
    const peer = await subscriber('/topic/health')
    expect(await post(bridge, '/topic/health', 'still alive')).toBe(200)
    expect(bodyText(await peer.expect('MESSAGE'))).toBe('still alive')
    peer.terminate()
  }

  it('Redis stopped and started under load: nobody is dropped, what cannot be handed over is refused, all goes on', async () => {
    const readers = await Promise.all(Array.from({ length: 20 }, () => subscriber('/topic/load')))
    let isLoading = true
    const statuses = new Set<number>()
    const load = (async () => {
      while (isLoading) statuses.add(await post(bridge, '/topic/load', 'tick'))
    })()
    await readers[0]!.expect('MESSAGE')

    await redis.crash()
    await waitFor(async () => (await fetch(`${bridge.url}/ready`)).status === 503)
    await waitFor(() => statuses.has(503))
    expect((await fetch(`${bridge.url}/health`)).status).toBe(200)
    const sender = await connectPeer({ url: bridge.wsUrl })
    peers.push(sender)
    await sender.stompConnect()
    sender.send(frameText('SEND', { destination: '/app/greet', receipt: 'never' }, 'hello'))
    await sender.expect('ERROR', { code: 'bus-unavailable', 'receipt-id': 'never' })
    expect((await sender.closed).code).toBe(1002)
    const late = await connectPeer({ url: bridge.wsUrl })
    peers.push(late)
    await late.stompConnect()
    late.send(frameText('SUBSCRIBE', { id: 'late', destination: '/topic/greetings', receipt: 'live' }))

    await redis.restart()
    await untilReady(bridge)
    await late.receipt('live')
    isLoading = false
    await load
    expect([...statuses].sort()).toEqual([200, 503])
    expect(await post(bridge, '/topic/load', 'after')).toBe(200)
    for (const reader of readers) {
      for (;;) if (bodyText(await reader.expect('MESSAGE')) === 'after') break
      expect(reader.isClosed).toBe(false)
    }
    await eventually(() => backend.publish('GREETING_CHANNEL_INBOUND', '"back"'))
    expect(bodyText(await late.expect('MESSAGE'))).toBe('back')
  })

  it('a Redis that hangs is noticed: pending sends are refused, and all goes on when it answers again', async () => {
    const reader = await subscriber('/topic/hang')
    redis.pause()
    try {
      reader.send(frameText('SEND', { destination: '/app/greet', receipt: 'hanging' }, 'hello'))
      await reader.expect('ERROR', { code: 'bus-unavailable', 'receipt-id': 'hanging' })
      expect((await fetch(`${bridge.url}/ready`)).status).toBe(503)
    } finally {
      redis.resume()
    }
    await untilReady(bridge)
    await expectHealthy()
  })

  it('a subscription that died alone is noticed and made again, while publishing still works', async () => {
    const reader = await subscriber('/topic/dead')
    await backend.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await eventually(async () => {
      await post(bridge, '/topic/dead', 'hello')
      expect(reader.frames.some((frame) => frame.command === 'MESSAGE')).toBe(true)
    })
  })

  it('a client that never reads is closed beside 100 that get everything, in order', async () => {
    const destination = '/topic/flood'
    const readers = await Promise.all(Array.from({ length: 100 }, () => subscriber(destination)))
    const stalled = await connectStalledClient(bridge.port)
    peers.push(stalled)
    stalled.send(frameText('SUBSCRIBE', { id: 'sub-0', destination, receipt: 'subscribed' }))
    await stalled.until('RECEIPT')
    stalled.stopReading()
    const before = await counter('slow_consumers_closed_total')

    const filler = 'x'.repeat(4_000)
    let sent = 0
    while ((await counter('slow_consumers_closed_total')) === before) {
      expect(sent).toBeLessThan(20_000)
      for (let i = 0; i < 50; i++) void backend.publish('topic:flood', JSON.stringify(`${sent++} ${filler}`))
      await backend.ping()
    }
    for (const reader of readers) {
      await waitFor(() => reader.frames.length === sent + 2, { timeoutMs: 20_000 })
      const numbers = reader.frames.slice(2).map((frame) => parseInt(bodyText(frame), 10))
      expect(numbers).toEqual(Array.from({ length: sent }, (_, i) => i))
    }
    stalled.startReading()
    await stalled.closed
  })

  it('a client that stops reading is closed after the time limit, however little waits for it', async () => {
    const stalled = await connectStalledClient(bridge.port)
    peers.push(stalled)
    stalled.send(frameText('SUBSCRIBE', { id: 'sub-0', destination: '/topic/drip', receipt: 'subscribed' }))
    await stalled.until('RECEIPT')
    stalled.stopReading()
    const before = await counter('slow_consumers_closed_total')
    // Fill what the kernel takes, until a little waits in the process; then nothing more.
    const chunk = JSON.stringify('y'.repeat(60_000))
    while ((await counter('unsent_bytes')) === 0) await backend.publish('topic:drip', chunk)
    expect(await counter('slow_consumers_closed_total')).toBe(before)
    expect(await counter('unsent_bytes')).toBeLessThan(MAX_UNSENT_BYTES)
    await waitFor(async () => (await counter('slow_consumers_closed_total')) > before, {
      timeoutMs: MAX_UNSENT_MS + 5_000,
    })
    await expectHealthy()
  })

  it('half-open clients are closed when their heart-beats stop', async () => {
    const silent = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const peer = await connectPeer({ url: bridge.wsUrl })
        peers.push(peer)
        await peer.stompConnect({ 'accept-version': '1.2', 'heart-beat': '300,0' })
        return peer
      }),
    )
    for (const peer of silent) await peer.expect('ERROR', { code: 'heart-beat-timeout' })
    await Promise.all(silent.map((peer) => peer.closed))
    await expectHealthy()
  })

  it('garbage bytes end only the connection that sent them', async () => {
    const reader = await subscriber('/topic/garbage')
    const connections = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const isTcp = i % 2 === 0
        const peer = await connectPeer({ url: isTcp ? `tcp://127.0.0.1:${bridge.tcpPort}` : bridge.wsUrl })
        peers.push(peer)
        peer.send(Buffer.concat([randomBytes(1 + ((i * 397) % 20_000)), Buffer.from('\n\0\0')]))
        return peer
      }),
    )
    await Promise.all(connections.map((peer) => peer.closed))
    // not even a WebSocket
    const raw = connect(bridge.port, '127.0.0.1')
    raw.on('error', () => {})
    raw.write(randomBytes(5_000))
    raw.end('\r\n\r\n')
    raw.resume()
    await once(raw, 'close')
    const broken = await connectStalledClient(bridge.port)
    peers.push(broken)
    broken.sendRaw(randomBytes(5_000))
    broken.sendRaw(Buffer.from([0xff, 0xff, 0xff, 0xff]))
    await broken.closed
    expect(await post(bridge, '/topic/garbage', 'untouched')).toBe(200)
    expect(bodyText(await reader.expect('MESSAGE'))).toBe('untouched')
  })

  it('a frame that is announced and never finished holds nothing but its own bytes', async () => {
    const hanging = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const client = await connectStalledClient(bridge.port)
        peers.push(client)
        client.send('SEND\ndestination:/topic/never\ncontent-length:60000\n\nbegun')
        return client
      }),
    )
    await expectHealthy()
    for (const client of hanging) client.destroy()
    await waitFor(async () => (await counter('sessions')) === 0)
  })

  it('1,000 connects and disconnects, in order and abrupt, leave nothing behind', async () => {
    const round = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        await Promise.all(
          Array.from({ length: 25 }, async (_, k) => {
            const peer = await subscriber(`/topic/churn-${k}`)
            if (k % 2 === 0) peer.send(frameText('DISCONNECT'))
            else peer.terminate()
            await peer.closed
          }),
        )
      }
      await waitFor(async () => (await counter('sessions')) === 0)
    }
    await round()
    const before = await metric(bridge, 'process_resident_memory_bytes')
    await round()
    const after = await metric(bridge, 'process_resident_memory_bytes')
    expect(after - before).toBeLessThan(48 * 1024 * 1024)
    expect(await counter('subscriptions')).toBe(0)
    await waitFor(async () => {
      const channels = (await backend.pubsub('CHANNELS', 'topic:churn*')) as string[]
      return channels.length === 0
    })
    await expectHealthy()
  })
})

/** The status with which a notification is answered. */
async function post(bridge: BridgeProcess, topic: string, message: unknown): Promise<number> {
  return (await notify(bridge, topic, message)).status
}
