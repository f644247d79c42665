/** Buses on a real Redis, as the tests of this folder start them. */
import type { RedisOptions } from '../../src/redis/options.ts'
import { RedisBus } from '../../src/redis/redis-bus.ts'
import type { StreamWithGroups } from '../../src/redis/stream-groups.ts'
import { onTestFinished } from 'vitest'
import { FakeLog } from '../support/fake-log.ts'
import { startRedis, type RedisServer, type RedisServerOptions } from '../support/redis.ts'
import { Recorder } from '../bus/recorder.ts'

/** Patient: on a busy machine nothing is taken for dead that is not. */
export const PATIENT = {
  tls: { enabled: false, rejectUnauthorized: true },
  keyPrefix: '',
  connectTimeoutMs: 5000,
  commandTimeoutMs: 5000,
  probeIntervalMs: 5000,
  reconnectMaxDelayMs: 50,
} satisfies Omit<RedisOptions, 'url'>

export interface StartedBus {
  readonly bus: RedisBus
  readonly recorder: Recorder
  readonly log: FakeLog
}

interface StartOptions {
  readonly recorder?: Recorder
  readonly nodeId?: string
  /** To which entries are added. */
  readonly streams?: readonly StreamWithGroups[]
}

let nodes = 0

/** Started, not yet connected. The node id is in the names of its connections. */
export function startBus(
  url: string | undefined,
  options: Partial<RedisOptions> = {},
  { recorder = new Recorder(), nodeId = `node${++nodes}`, streams }: StartOptions = {},
): StartedBus {
  const log = new FakeLog()
  const bus = new RedisBus({ url, ...PATIENT, ...options }, nodeId, log, streams)
  bus.start(recorder)
  return { bus, recorder, log }
}

/** Finds out soon. */
export const IMPATIENT = { commandTimeoutMs: 1000, probeIntervalMs: 100 }

/** A Redis for this test alone. */
export async function redisForTest(options?: RedisServerOptions): Promise<RedisServer> {
  const redis = await startRedis(options)
  onTestFinished(() => redis.stop())
  return redis
}

/** A started bus for this test alone. */
export function busForTest(...args: Parameters<typeof startBus>): StartedBus {
  const started = startBus(...args)
  onTestFinished(() => started.bus.close())
  return started
}
