/** The metrics as Prometheus reads them: well formed, and all that alerts and dashboard ask for. */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { listen, notify } from '../support/clients/backend.ts'
import { connectStompjs7 } from '../support/clients/stompjs7.ts'
import type { BridgeProcess } from '../support/process.ts'
import { runPromtool } from '../support/promtool.ts'
import type { RedisServer } from '../support/redis.ts'
import { runtime } from '../support/runtime.ts'
import { eventually } from '../support/wait.ts'
import { startWorld } from '../support/world.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

describe(`the metrics on ${runtime}`, () => {
  let redis: RedisServer
  let bridge: BridgeProcess
  beforeAll(async () => {
    const env = { STOMP_BRIDGE_COMMIT: '0123abc', STOMP_BRIDGE_REDIS_PROBE_INTERVAL_MS: '1000' }
    ;({ redis, bridge } = await startWorld({ runtime, env }))
  })

  const metrics = async (): Promise<string> => (await fetch(`${bridge.url}/metrics`)).text()

  it('pass promtool, and tell what a session did', async () => {
    const outbound = await listen(redis, 'GREETING_CHANNEL_OUTBOUND')
    const client = await connectStompjs7(bridge)
    const greetings = await client.subscribe('/topic/greetings')
    for (let i = 0; i < 16; i++) await notify(bridge, '/topic/greetings', `posted ${i}`)
    for (let i = 0; i < 16; i++) await greetings.next()
    await client.send('/app/greet', 'hello')
    await outbound.next()
    await client.disconnect()
    const lines = await eventually(async () => {
      const text = await metrics()
      // Its client closes without a code, which some runtimes tell as 1005.
      expect(text).toMatch(
        /^stomp_bridge_sessions_closed_total\{protocol="stomp",transport="websocket",reason="client",close_code="100[05]"\} 1$/m,
      )
      expect(text).toMatch(/^stomp_bridge_bus_round_trip_seconds_count [1-9]/m)
      return text.split('\n')
    })
    const version = (await (await fetch(`${bridge.url}/health`)).json()) as { runtime: string }
    const [name, number] = version.runtime.split(' ')
    const { version: own } = JSON.parse(read('package.json')) as { version: string }
    expect(lines).toEqual(
      expect.arrayContaining([
        `stomp_bridge_build_info{version="${own}",runtime="${name}",runtime_version="${number}",commit="0123abc"} 1`,
        'stomp_bridge_sessions_by_transport{protocol="stomp",transport="websocket"} 0',
        'stomp_bridge_session_duration_seconds_count{protocol="stomp"} 1',
        'stomp_bridge_http_requests_total{route="/stomp",status="101"} 1',
        'stomp_bridge_http_requests_total{route="/api/notification",status="200"} 16',
        'stomp_bridge_route_messages_total{direction="outbound",route="/app/greet"} 1',
        'stomp_bridge_message_bytes_count{direction="published"} 17',
        'stomp_bridge_message_bytes_count{direction="received"} 16',
        'stomp_bridge_delivery_seconds_count 1',
        'stomp_bridge_redis_reconnects_total{connection="publisher"} 0',
      ]),
    )
    expect(
      Number(lines.find((line) => line.startsWith('stomp_bridge_event_loop_delay_seconds_count'))!.split(' ')[1]),
    ).toBeGreaterThan(0)
    expect(runPromtool(['check', 'metrics'], lines.join('\n'))).toEqual({ code: 0, output: '' })
  })

  it.each(['deploy/alerts.yaml', 'deploy/grafana.json'])('are all there that %s asks for', async (file) => {
    const there = new Set([...(await metrics()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!))
    const asked = new Set([...read(file).matchAll(/\b(stomp_bridge|process|nodejs)_[a-z0-9_]+/g)].map(([name]) => name))
    expect(asked.size).toBeGreaterThan(10)
    expect(
      [...asked].filter((name) => !there.has(name) && !there.has(name.replace(/_(bucket|sum|count)$/, ''))),
    ).toEqual([])
  })

  it('tell of a connection to Redis that was lost', async () => {
    const backend = await redis.client()
    await backend.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await eventually(async () =>
      expect(await metrics()).toContain('stomp_bridge_redis_reconnects_total{connection="subscriber"} 1\n'),
    )
  })
})
