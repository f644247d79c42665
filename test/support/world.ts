/**
 * What most end-to-end suites stand on, from one call: a Redis, a client of it such as a backend has, and a bridge on it
 * that is ready. Owns them for the length of a test file.
 */
import type { Redis } from 'ioredis'
import { afterAll, expect } from 'vitest'
import { spawnBridge, type BridgeProcess, type SpawnOptions } from './process.ts'
import { startRedis, type RedisServer } from './redis.ts'
import { eventually } from './wait.ts'

export interface World {
  readonly redis: RedisServer
  readonly backend: Redis
  readonly bridge: BridgeProcess
}

const stops: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/**
 * Starts all three, for `beforeAll`; with `tcp` the bridge listens on a free port for TCP too. After the last test of the file the bridge is told to stop, and the file fails
 * unless it exits with 0.
 */
export async function startWorld({ env, tcp = false, ...options }: SpawnOptions): Promise<World> {
  const redis = await startRedis()
  stops.push(() => redis.stop())
  const listening: Record<string, string> = tcp ? { STOMP_BRIDGE_TCP_ENABLED: 'true', STOMP_BRIDGE_TCP_PORT: '0' } : {}
  const bridge = await spawnBridge({ ...options, tcp, env: { REDIS_URL: redis.url, ...listening, ...env } })
  stops.unshift(async () => expect(await bridge.stop(), 'the exit code of the bridge').toBe(0))
  await untilReady(bridge)
  return { redis, backend: await redis.client(), bridge }
}

/** Waits until `/ready` answers 200. */
export function untilReady({ url }: { readonly url: string }): Promise<void> {
  return eventually(async () => expect((await fetch(`${url}/ready`)).status).toBe(200), { timeoutMs: 15_000 })
}
