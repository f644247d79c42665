/** `fanout.gatherMs`: what waits for more comes in order, before what follows it, and when the bridge stops. */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Redis } from 'ioredis'
import { openEventStream } from '../support/clients/event-stream.ts'
import { openPlainWebSocket } from '../support/clients/plain-websocket.ts'
import type { BridgeProcess } from '../support/process.ts'
import { runtime } from '../support/runtime.ts'
import { bodyText, connectPeer, frameText, type StompPeer } from '../support/stomp-peer.ts'
import { startWorld } from '../support/world.ts'

/** So long that what a test waits for comes for another reason, unless it waits for this. */
const LONG_MS = 1000

describe(`gathering on ${runtime}`, () => {
  let backend: Redis
  let bridge: BridgeProcess

  beforeAll(async () => {
    const fanout = [
      { destination: '/topic/long', gatherMs: LONG_MS },
      { destination: '/topic/short', gatherMs: 20 },
    ]
    const env = { STOMP_BRIDGE_FANOUT: JSON.stringify(fanout) }
    ;({ backend, bridge } = await startWorld({ runtime, tcp: true, env }))
  })

  async function subscribed(destination: string, url = bridge.wsUrl): Promise<StompPeer> {
    const peer = await connectPeer({ url })
    onTestFinished(() => peer.terminate())
    await peer.stompConnect()
    peer.send(frameText('SUBSCRIBE', { id: '0', destination, receipt: 'live' }))
    await peer.receipt('live')
    return peer
  }

  async function bodies(peer: StompPeer, count: number): Promise<string[]> {
    const found: string[] = []
    while (found.length < count) found.push(bodyText(await peer.expect('MESSAGE')))
    return found
  }

  async function publish(channel: string, ...texts: readonly string[]): Promise<void> {
    for (const text of texts) await backend.publish(channel, JSON.stringify(text))
  }

  /** So that what was published before has come. */
  async function delivered(destination: string): Promise<void> {
    const watcher = await subscribed('/topic/now')
    await publish('topic:now', destination)
    expect(await bodies(watcher, 1)).toEqual([destination])
  }

  it('brings all of it in order, as messages of their own, at every door', async () => {
    const destination = '/topic/short'
    const overTcp = `tcp://127.0.0.1:${bridge.tcpPort}`
    const peers = [await subscribed(destination), await subscribed(destination), await subscribed(destination, overTcp)]
    const plain = await openPlainWebSocket(`${bridge.url.replace('http', 'ws')}/raw${destination}`)
    const events = await openEventStream(`${bridge.url}/sse${destination}`)
    await publish('topic:short', '1', '2', '3', '4')
    for (const peer of peers) expect(await bodies(peer, 4)).toEqual(['1', '2', '3', '4'])
    for (const text of ['1', '2', '3', '4']) {
      expect(await plain.messages.next()).toBe(text)
      expect((await events.events.next()).data).toBe(text)
    }
    // before it: CONNECTED and RECEIPT
    expect(peers[0]!.messages).toHaveLength(6)
  })
  it('keeps what is written to one client behind what waited for it, and lets a newcomer have none of it', async () => {
    const [one, leaver] = [await subscribed('/topic/long'), await subscribed('/topic/long')]
    await publish('topic:long', '1', '2')
    await delivered('/topic/long')
    const newcomer = await subscribed('/topic/long') // what waited leaves before it is in
    await publish('topic:long', '3')
    await delivered('/topic/long')
    leaver.send(frameText('UNSUBSCRIBE', { id: '0', receipt: 'gone' }))
    expect(await bodies(leaver, 3)).toEqual(['1', '2', '3'])
    await leaver.receipt('gone')
    await publish('topic:long', '4')
    expect(await bodies(one, 4)).toEqual(['1', '2', '3', '4'])
    expect(await bodies(newcomer, 2)).toEqual(['3', '4'])
    leaver.send(frameText('SEND', { destination: '/topic/now', receipt: 'after' }))
    await leaver.receipt('after')
  })

  it('brings what waits when the bridge stops', async () => {
    const peer = await subscribed('/topic/long')
    const plain = await openPlainWebSocket(`${bridge.url.replace('http', 'ws')}/raw/topic/long`)
    await publish('topic:long', 'last')
    await delivered('/topic/long')
    const stopped = bridge.stop()
    expect(await bodies(peer, 1)).toEqual(['last'])
    expect((await peer.closed).code).toBe(1001)
    expect(await plain.messages.next()).toBe('last')
    expect(await stopped).toBe(0)
  })
})
