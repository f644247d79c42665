/** What one address may open and one session may send, on a real listener: refused early, or slowed down. */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import { runtime } from '../support/runtime.ts'
import { connectPeer, frameText, type StompPeer } from '../support/stomp-peer.ts'

/** Sessions of an address. */
const SESSIONS = 3
const FRAMES_PER_SECOND = 40

describe(`limits on ${runtime}`, () => {
  let bridge: BridgeProcess

  beforeAll(async () => {
    bridge = await spawnBridge({
      runtime,
      tcp: true,
      env: {
        STOMP_BRIDGE_TCP_ENABLED: 'true',
        STOMP_BRIDGE_TCP_PORT: '0',
        STOMP_BRIDGE_SERVER_TRUSTED_PROXIES: '["127.0.0.1"]',
        STOMP_BRIDGE_LIMITS_MAX_SESSIONS_PER_ADDRESS: String(SESSIONS),
        STOMP_BRIDGE_LIMITS_MAX_FRAMES_PER_SECOND: String(FRAMES_PER_SECOND),
      },
    })
  })

  /** The answer to a handshake: 101, or status, code and `Retry-After` of the refusal. */
  async function handshake(path: string, address: string): Promise<string> {
    const socket = new WebSocket(`ws://127.0.0.1:${bridge.port}${path}`, { headers: { 'X-Forwarded-For': address } })
    onTestFinished(() => socket.terminate())
    return new Promise((resolve, reject) => {
      socket.on('open', () => resolve('101'))
      socket.on('error', reject)
      socket.on('unexpected-response', (_request, response) => {
        let body = ''
        response.on('data', (chunk: Buffer) => (body += chunk.toString()))
        response.on('end', () => {
          const { error } = JSON.parse(body) as { error: { code: string } }
          resolve(`${response.statusCode} ${error.code} ${Number(response.headers['retry-after']) > 0}`)
        })
      })
    })
  }

  it('are those of the client that a trusted proxy names, at every door, and not of requests', async () => {
    const paths = ['/stomp', '/raw/topic/a', '/stomp']
    const one = '203.0.113.1:4711'
    for (const path of paths) expect(await handshake(path, `6.6.6.6, ${one}`)).toBe('101')
    for (const path of paths) expect(await handshake(path, one)).toBe('429 too-many-sessions-of-address true')
    const stream = await fetch(`${bridge.url}/sse/topic/a`, { headers: { 'X-Forwarded-For': one } })
    expect([stream.status, Number(stream.headers.get('retry-after')) > 0]).toEqual([429, true])
    expect(await handshake('/stomp', '2001:db8::1')).toBe('101')
    const health = await fetch(`${bridge.url}/health`, { headers: { 'X-Forwarded-For': one } })
    expect(health.status).toBe(200)
    const metrics = await (await fetch(`${bridge.url}/metrics`)).text()
    expect(metrics).toContain('stomp_bridge_connects_refused_total{reason="address-sessions"} 4\n')
  })

  it('tell a client over TCP by an ERROR frame, and one that has gone makes room', async () => {
    const open = () => connectPeer({ url: `tcp://127.0.0.1:${bridge.tcpPort}` })
    const peers: StompPeer[] = []
    onTestFinished(() => peers.forEach((peer) => peer.terminate()))
    for (let i = 0; i < SESSIONS; i++) {
      peers.push(await open())
      await peers[i]!.stompConnect()
    }
    const refused = await open()
    await refused.expect('ERROR', { code: 'too-many-sessions-of-address', 'retry-after': /^\d+$/ })
    await refused.closed
    peers[0]!.send(frameText('DISCONNECT', { receipt: 'bye' }))
    await peers[0]!.receipt('bye')
    const next = await open()
    peers.push(next)
    await next.stompConnect()
  })

  it.each(['ws', 'tcp'])('slow down a session over %s that sends too fast, and lose nothing', async (transport) => {
    const url = transport === 'ws' ? bridge.wsUrl : `tcp://127.0.0.1:${bridge.tcpPort}`
    // The peer of the test is a trusted proxy that names nobody.
    const peer = await connectPeer({ url })
    onTestFinished(() => peer.terminate())
    await peer.stompConnect()
    const count = FRAMES_PER_SECOND * 2
    const begunMs = performance.now()
    for (let i = 0; i < count; i++) {
      peer.send(frameText('SEND', { destination: '/app/greet', receipt: `${i}` }, 'x'.repeat(2000)))
    }
    for (let i = 0; i < count; i++) await peer.receipt(`${i}`)
    // What is over those of one second; CONNECT was one of them.
    expect(performance.now() - begunMs).toBeGreaterThan(950)
  })
})
