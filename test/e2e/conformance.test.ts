/**
 * The conformance suite: every requirement of `test/requirements.ts` that a client can see, end to end. The same cases
 * run against the bridge on each runtime, with a real Redis, over WebSocket and over TCP. `#n` in a name is the
 * requirement's number.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { spawnBridge } from '../support/process.ts'
import { runtime } from '../support/runtime.ts'
import { connectPeer, frameText } from '../support/stomp-peer.ts'
import { waitFor } from '../support/wait.ts'
import { startWorld, type World } from '../support/world.ts'
import { acknowledging } from './conformance/acknowledging.ts'
import { connecting, connectTimeouts } from './conformance/connecting.ts'
import { disconnecting } from './conformance/disconnecting.ts'
import { errors } from './conformance/errors.ts'
import { framing } from './conformance/framing.ts'
import { heartBeats } from './conformance/heart-beats.ts'
import { limits } from './conformance/limits.ts'
import { messages } from './conformance/messages.ts'
import { receipts } from './conformance/receipts.ts'
import { routes } from './conformance/routes.ts'
import { sending } from './conformance/sending.ts'
import { SETTINGS, Stage, unique, type Transport } from './conformance/stage.ts'
import { subscribing } from './conformance/subscribing.ts'
import { transactions } from './conformance/transactions.ts'
import { webSocketBinding } from './conformance/web-socket.ts'

const TRANSPORTS: readonly Transport[] = ['WebSocket', 'TCP']

// One bridge serves all cases; the last case stops it.
let running: World | undefined
const world = (): World => {
  if (!running) throw new Error('The bridge has not been started')
  return running
}
beforeAll(async () => {
  running = await startWorld({ runtime, env: SETTINGS, tcp: true })
})

describe.each(TRANSPORTS)(`STOMP over %s on ${runtime}`, (transport) => {
  describe('in turn', () => {
    const stage = new Stage(transport, world)
    afterEach(() => stage.tidy())
    connecting(stage)
    framing(stage)
    sending(stage)
    subscribing(stage)
    messages(stage)
    acknowledging(stage)
    transactions(stage)
    receipts(stage)
    errors(stage)
    disconnecting(stage)
    limits(stage)
    routes(stage)
    if (stage.isWebSocket) webSocketBinding(stage)
  })

  describe('in its time', () => {
    const stage = new Stage(transport, world)
    afterAll(() => stage.tidy())
    heartBeats(stage)
    connectTimeouts(stage)
  })
})

describe(`the bridge on ${runtime}`, () => {
  it('#123 takes no more sessions than it may, and tells a WebSocket client when to come again', async () => {
    const env = {
      STOMP_BRIDGE_TCP_ENABLED: 'true',
      STOMP_BRIDGE_TCP_PORT: '0',
      STOMP_BRIDGE_LIMITS_MAX_SESSIONS: '1',
      STOMP_BRIDGE_SHUTDOWN_LINGER_MS: '100',
    }
    const { url, wsUrl, tcpPort } = await spawnBridge({ runtime, env, tcp: true })
    const tcpUrl = `tcp://127.0.0.1:${tcpPort}`
    const first = await connectPeer({ url: wsUrl })
    await first.stompConnect()
    await expect(connectPeer({ url: wsUrl })).rejects.toThrow('503')
    const refused = await connectPeer({ url: tcpUrl })
    await refused.closed
    first.close()
    await first.closed
    const second = await waitFor(async () => {
      const peer = await connectPeer({ url: tcpUrl })
      return peer.stompConnect().then(
        () => peer,
        () => undefined, // the first one is still being counted
      )
    })
    expect((await fetch(`${url}/health`)).status).toBe(200)
    second.terminate()
  })

  it('#123 #109 #115 closes its sessions with 1001 on SIGTERM, after what they have sent, and ends', async () => {
    const name = unique()
    const stages = TRANSPORTS.map((transport) => new Stage(transport, world))
    const peers = await Promise.all(stages.map((stage) => stage.watch('1.2', `/topic/${name}`)))
    const ear = await stages[0]!.listen(`app:${name}`)
    for (const peer of peers) {
      for (let i = 0; i < 50; i++) peer.send(frameText('SEND', { destination: `/app/${name}`, receipt: `${i}` }, 'x'))
      await peer.receipt('0')
    }
    const exited = world().bridge.stop('SIGTERM')
    for (const peer of peers) {
      const { code } = await peer.closed
      if (peer.transport === 'websocket') expect(code).toBe(1001)
      expect(peer.frames.map(({ command }) => command)).not.toContain('ERROR')
    }
    expect(await exited).toBe(0)
    // Every frame that had its receipt has reached Redis.
    const answered = peers.flatMap(({ frames }) =>
      frames.filter(({ headers }) => /^\d+$/.test(headers.get('receipt-id') ?? '')),
    )
    expect(await ear.waiting()).toBeGreaterThanOrEqual(answered.length)
    for (const stage of stages) stage.tidy()
  })
})
