/** Redis ends a connection that has more to read than `client-output-buffer-limit pubsub` allows: what is kept comes all the same. */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { metric } from '../../../support/clients/backend.ts'
import { bodyText } from '../../../support/stomp-peer.ts'
import { waitFor } from '../../../support/wait.ts'
import { untilReady } from '../../../support/world.ts'
import { ask, enter, post, startHistoryNodes, type HistoryNodes } from '../../history/stage.ts'

const CONFIG = `
history:
  - { destination: '/topic/h/**', size: 1000, ttlSeconds: 300 }
limits: { maxBodyBytes: 1048576, maxFrameBytes: 1048576, maxUnsentBytes: 16777216 }
redis: { probeIntervalMs: 500, commandTimeoutMs: 2000, reconnectMaxDelayMs: 200 }
`

describe('a Redis that ends the subscribing connection because it has too much to read', () => {
  let nodes: HistoryNodes
  beforeAll(async () => void (nodes = await startHistoryNodes(CONFIG)))

  it('is an outage, which is counted, and leaves no gap and no double in what is kept', async () => {
    const reader = await enter(nodes.a)
    const topic = '/topic/h/large'
    await ask(reader, topic, { last: '0' })
    await post(nodes.a, topic, ['before'])
    expect(bodyText(await reader.expect('MESSAGE'))).toBe('before')
    const outages = await metric(nodes.a, 'stomp_bridge_bus_outages_total')

    await nodes.backend.config('SET', 'client-output-buffer-limit', 'pubsub 1000000 0 0')
    // More than the sockets hold while nobody reads: Valkey 9.1 does not count what it can write at once.
    const large = Array.from({ length: 30 }, (_, i) => String(i).padEnd(400_000, 'x'))
    process.kill(nodes.a.pid, 'SIGSTOP')
    onTestFinished(() => void process.kill(nodes.a.pid, 'SIGCONT'))
    for (const body of large) await post(nodes.b, topic, [body])
    process.kill(nodes.a.pid, 'SIGCONT')
    await waitFor(async () => (await metric(nodes.a, 'stomp_bridge_bus_outages_total')) > outages, {
      timeoutMs: 10_000,
    })
    await untilReady(nodes.a)
    await post(nodes.b, topic, ['after'])
    const came: string[] = []
    for (const _ of [...large, 'after']) came.push(bodyText(await reader.expect('MESSAGE')))
    expect(came.map((body) => body.slice(0, 5))).toEqual([...large, 'after'].map((body) => body.slice(0, 5)))
    expect(nodes.a.logs().filter(({ msg }) => msg === 'Redis is away')).toHaveLength(1)
  })
})
