/** How a bridge process stops on a signal: what it finishes, whom it tells, and when it does not wait any longer. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { listen, metric, notify } from '../../support/clients/backend.ts'
import { connectStompjs7 } from '../../support/clients/stompjs7.ts'
import { startRedis, type RedisServer } from '../../support/redis.ts'
import { runtime } from '../../support/runtime.ts'
import { frameText } from '../../support/stomp-peer.ts'
import { eventually } from '../../support/wait.ts'
import { untilReady } from '../../support/world.ts'
import { notReady, open, ownRedis, SLACK_MS, start } from './support.ts'

describe(`a bridge process on ${runtime}`, () => {
  it('says so at /ready for a while before it refuses anybody, and ends at once on another signal', async () => {
    const bridge = await start({
      env: { STOMP_BRIDGE_SHUTDOWN_READY_DELAY_MS: '60000', STOMP_BRIDGE_SHUTDOWN_DEADLINE_MS: '120000' },
    })
    const before = await open({ url: bridge.wsUrl })
    await before.stompConnect()
    const stopped = bridge.stop()
    await notReady(bridge, /shutting down/)
    const late = await open({ url: bridge.wsUrl })
    await late.stompConnect()
    expect(before.isClosed).toBe(false)
    const again = setInterval(() => void bridge.stop(), 50)
    onTestFinished(() => clearInterval(again))
    expect(await stopped).toBe(1)
  })

  describe.each(['SIGTERM', 'SIGINT'] as const)('on %s', (signal) => {
    let redis: RedisServer

    beforeAll(async () => {
      redis = await startRedis()
    })
    afterAll(() => redis?.stop())

    it('finishes what is in flight, takes nothing new, closes with 1001 and exits with 0', async () => {
      const bridge = await start({
        tcp: true,
        env: { REDIS_URL: redis.url, STOMP_BRIDGE_TCP_ENABLED: 'true', STOMP_BRIDGE_TCP_PORT: '0' },
      })
      await untilReady(bridge)
      const busy = await open({ url: bridge.wsUrl })
      const idle = await open({ url: bridge.wsUrl })
      const overTcp = await open({ url: `tcp://127.0.0.1:${bridge.tcpPort}` })
      const stranger = await open({ url: bridge.wsUrl })
      for (const peer of [busy, idle, overTcp]) await peer.stompConnect()
      const outbound = await listen(redis, 'GREETING_CHANNEL_OUTBOUND')
      const received = await metric(bridge, 'stomp_bridge_frames_received_total')

      redis.pause()
      for (const peer of [busy, overTcp]) {
        for (const id of ['1', '2']) peer.send(frameText('SEND', { destination: '/app/greet', receipt: id }, id))
      }
      await eventually(async () =>
        expect(await metric(bridge, 'stomp_bridge_frames_received_total')).toBe(received + 4),
      )
      const stopped = bridge.stop(signal)
      await notReady(bridge, /shutting down/)
      expect((await fetch(`${bridge.url}/health`)).status).toBe(200)
      expect(await refusalOf(bridge.wsUrl)).toBe(503)
      // Who has nothing in flight need not wait.
      for (const peer of [idle, stranger]) expect((await peer.closed).code).toBe(1001)
      expect([busy.isClosed, overTcp.isClosed]).toEqual([false, false])

      redis.resume()
      for (const peer of [busy, overTcp]) for (const id of ['1', '2']) await peer.receipt(id)
      expect((await busy.closed).code).toBe(1001)
      await overTcp.closed
      expect(await stopped).toBe(0)
      expect((await outbound.take(4)).map(String).sort()).toEqual(['"1"', '"1"', '"2"', '"2"'])
      expect(await fetch(`${bridge.url}/health`).catch(() => 'nobody there')).toBe('nobody there')
      expect(bridge.logs().map(({ msg }) => msg)).toEqual(expect.arrayContaining(['Stopping', 'Stopped']))
    })

    it('answers everything that it hands over, and nothing else', async () => {
      const bridge = await start({ env: { REDIS_URL: redis.url } })
      await untilReady(bridge)
      const peer = await open({ url: bridge.wsUrl })
      await peer.stompConnect()
      const outbound = await listen(redis, 'GREETING_CHANNEL_OUTBOUND')
      const stopped = new Promise<number>((resolve) => {
        for (let id = 0; id < 5000; id++) {
          peer.send(frameText('SEND', { destination: '/app/greet', receipt: String(id) }, String(id)))
        }
        void peer.receipt('0').then(() => resolve(bridge.stop(signal)))
      })
      expect(await stopped).toBe(0)
      expect((await peer.closed).code).toBe(1001)
      const receipts = peer.frames.slice(1).map(({ headers }) => headers.get('receipt-id'))
      const handedOver = await eventually(() => {
        expect(outbound.all.length).toBeGreaterThanOrEqual(receipts.length)
        return outbound.all.map((payload) => JSON.parse(payload.toString()))
      })
      expect(receipts).toEqual(handedOver)
      expect(receipts).toEqual(receipts.map((_, id) => String(id)))
    })

    it('exits with 0 within its deadline though a client never reads and Redis does not answer', async () => {
      const deadlineMs = 1500
      const paused = await ownRedis()
      const bridge = await start({
        env: {
          REDIS_URL: paused.url,
          STOMP_BRIDGE_SHUTDOWN_DEADLINE_MS: String(deadlineMs),
          STOMP_BRIDGE_LIMITS_MAX_UNSENT_BYTES: '100000000',
        },
      })
      await untilReady(bridge)
      const deaf = await connectStompjs7(bridge)
      const deafSocket = deaf.own.webSocket as unknown as WebSocket
      onTestFinished(() => deafSocket.terminate())
      await deaf.subscribe('/topic/flood')
      deafSocket.pause()
      const body = 'x'.repeat(500_000)
      for (let i = 0; i < 40; i++) await notify(bridge, '/topic/flood', body)

      const waiting = await open({ url: bridge.wsUrl })
      await waiting.stompConnect()
      const received = await metric(bridge, 'stomp_bridge_frames_received_total')
      paused.pause()
      waiting.send(frameText('SEND', { destination: '/app/greet', receipt: 'r' }, 'x'))
      await eventually(async () =>
        expect(await metric(bridge, 'stomp_bridge_frames_received_total')).toBe(received + 1),
      )
      const startedMs = performance.now()
      expect(await bridge.stop(signal)).toBe(0)
      expect(performance.now() - startedMs).toBeLessThan(deadlineMs + SLACK_MS)
      await waiting.closed
      expect(waiting.frames.map(({ command }) => command)).toEqual(['CONNECTED'])
    })

    it('given again, exits at once with 1', async () => {
      const paused = await ownRedis()
      const bridge = await start({ env: { REDIS_URL: paused.url } })
      await untilReady(bridge)
      const waiting = await open({ url: bridge.wsUrl })
      await waiting.stompConnect()
      paused.pause()
      waiting.send(frameText('SEND', { destination: '/app/greet', receipt: 'r' }, 'x'))
      await eventually(async () => expect(await metric(bridge, 'stomp_bridge_frames_received_total')).toBe(2))
      const stopped = bridge.stop(signal)
      await notReady(bridge, /shutting down/)
      // The same signal from a terminal and from npm is one, so a second one counts a moment later.
      const startedMs = performance.now()
      const again = setInterval(() => void bridge.stop(signal), 50)
      onTestFinished(() => clearInterval(again))
      expect(await stopped).toBe(1)
      expect(performance.now() - startedMs).toBeLessThan(SLACK_MS)
    })
  })
})

/** The status with which an upgrade is refused. */
function refusalOf(wsUrl: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const webSocket = new WebSocket(wsUrl)
    webSocket.on('unexpected-response', (_request, { statusCode }) => {
      resolve(statusCode)
      webSocket.terminate()
    })
    webSocket.on('open', () => reject(new Error('The upgrade was accepted')))
    webSocket.on('error', reject)
  })
}
