/** deploy/nginx/stomp-bridge.conf, in front of two bridges: upgrades, streams, addresses, and one that goes away. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { notify } from '../../../support/clients/backend.ts'
import { openEventStream } from '../../../support/clients/event-stream.ts'
import { connectStompjs7 } from '../../../support/clients/stompjs7.ts'
import { startNginxWith } from '../../../support/nginx.ts'
import { spawnBridge, type BridgeProcess } from '../../../support/process.ts'
import { startWorld, untilReady } from '../../../support/world.ts'

const FILE = fileURLToPath(new URL('../../../../deploy/nginx/stomp-bridge.conf', import.meta.url))

describe('nginx as deploy/ has it', () => {
  let bridges: readonly [BridgeProcess, BridgeProcess]
  let proxy: string
  beforeAll(async () => {
    const env = { STOMP_BRIDGE_SERVER_TRUSTED_PROXIES: '127.0.0.1' }
    const { bridge, redis } = await startWorld({ runtime: 'bun', env })
    const other = await spawnBridge({ runtime: 'bun', env: { REDIS_URL: redis.url, ...env } })
    await untilReady(other)
    bridges = [bridge, other]
    proxy = await startNginxWith((port) =>
      siteFor(
        port,
        bridges.map((each) => each.port),
      ),
    )
  }, 60_000)

  it('passes WebSockets and events on, to whichever bridge', async () => {
    const wsUrl = proxy.replace('http', 'ws')
    const clients = await Promise.all([1, 2, 3, 4].map(() => connectStompjs7({ wsUrl: `${wsUrl}/stomp` })))
    const inboxes = await Promise.all(clients.map((client) => client.subscribe('/topic/news')))
    const events = await openEventStream(`${proxy}/sse/topic/news`)
    await events.comments.next()
    expect(await notify({ url: proxy }, '/topic/news', 'Hello')).toEqual({ status: 200, body: '' })
    const received = await Promise.all(inboxes.map((inbox) => inbox.next()))
    expect(received.map(({ body }) => body)).toEqual(['Hello', 'Hello', 'Hello', 'Hello'])
    expect((await events.events.next()).data).toBe('Hello')
    events.close()
    await Promise.all(clients.map((client) => client.own.deactivate()))
  })

  it('keeps the metrics for itself', async () => {
    expect((await fetch(`${proxy}/metrics`)).status).toBe(403)
    expect((await fetch(`${bridges[0].url}/metrics`)).status).toBe(200)
  })

  it('takes the other bridge when one has gone, without an answer that says so', async () => {
    expect(await bridges[1].stop()).toBe(0)
    const client = await connectStompjs7({ wsUrl: `${proxy.replace('http', 'ws')}/stomp` })
    await client.own.deactivate()
    const answers = await Promise.all(Array.from({ length: 10 }, () => fetch(`${proxy}/ready`)))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
  })
})

/** The file as it is, but for the ports. */
function siteFor(port: number, bridgePorts: readonly number[]): string {
  let text = readFileSync(FILE, 'utf8')
  const replacements = [
    ['listen 80;', `listen 127.0.0.1:${port};`],
    ['127.0.0.1:8080 ', `127.0.0.1:${bridgePorts[0]} `],
    ['127.0.0.1:8081 ', `127.0.0.1:${bridgePorts[1]} `],
  ] as const
  for (const [from, to] of replacements) {
    expect(text.split(from).length, from).toBe(2)
    text = text.replace(from, to)
  }
  return text
}
