/** What the tests of a bridge process share: processes on the runtime under test, and what ends with a test. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { runBridge, type CommandOptions, type Outcome } from '../../support/command.ts'
import { spawnBridge, type BridgeProcess, type SpawnOptions } from '../../support/process.ts'
import { startRedis, type RedisServer, type RedisServerOptions } from '../../support/redis.ts'
import { runtime } from '../../support/runtime.ts'
import { connectPeer, type PeerOptions, type StompPeer } from '../../support/stomp-peer.ts'
import { eventually } from '../../support/wait.ts'

export const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** What a machine under load may need beyond a deadline of the bridge. */
export const SLACK_MS = 1500

/** A bridge process that serves. */
export function start(options: Omit<SpawnOptions, 'runtime'> = {}): Promise<BridgeProcess> {
  return spawnBridge({ runtime, ...options })
}

/** A command that ends by itself. */
export function run(args: readonly string[], options: Omit<CommandOptions, 'args'> = {}): Promise<Outcome> {
  return runBridge(runtime, { args, ...options })
}

/** A Redis that ends with the test. */
export async function ownRedis(options?: RedisServerOptions): Promise<RedisServer> {
  const redis = await startRedis(options)
  onTestFinished(() => redis.stop())
  return redis
}

/** A connection that ends with the test. */
export async function open(options: PeerOptions): Promise<StompPeer> {
  const peer = await connectPeer(options)
  onTestFinished(() => peer.terminate())
  return peer
}

/** Waits until `/ready` answers 503 for such a reason. */
export function notReady({ url }: BridgeProcess, reason: RegExp): Promise<{ reasons: string[] }> {
  return eventually(async () => {
    const response = await fetch(`${url}/ready`)
    const body = (await response.json()) as { reasons: string[] }
    expect(response.status).toBe(503)
    expect(body.reasons.join('\n')).toMatch(reason)
    return body
  })
}

/** A port that is in use as long as the test runs. */
export async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return (server.address() as AddressInfo).port
}
