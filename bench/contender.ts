/** What a server has to offer to be compared. */
import type { Protocol } from './fleet.ts'
import { freePort, startServer, type ServerProcess } from './server-process.ts'
import type { Stage } from './stage.ts'

export interface Contender {
  readonly name: string
  /** Undefined if it can run here, else what is not there and how to get it. */
  readonly missing: string | undefined
  /** `channel` is the name of its own that all its clients hear, so that several can share one Redis. */
  start(stage: Stage, channel: string): Promise<Running>
}

export interface Running {
  readonly server: ServerProcess
  /** Clients that hear the channel. */
  readonly subscriber: Protocol
  /** Have the server send these bodies to all of them, at once. */
  publish(bodies: readonly string[]): Promise<unknown>
  stop(): Promise<void>
}

/** A contender that is one command and takes its port from the environment. */
export function commandContender(
  name: string,
  missing: string | undefined,
  command: readonly string[],
  describe: (stage: Stage, channel: string, port: number) => Pick<Running, 'subscriber' | 'publish'>,
  settings: Readonly<Record<string, string>> = {},
): Contender {
  return {
    name,
    missing,
    async start(stage, channel) {
      const port = await freePort()
      const env = { PORT: String(port), REDIS_URL: stage.redisUrl, CHANNEL: `topic:${channel}` }
      const server = await startServer(command, port, { ...env, STOMP_BRIDGE_LOG_LEVEL: 'warn', ...settings })
      return { server, ...describe(stage, channel, port), stop: () => server.stop() }
    },
  }
}

/** Several messages as one write to Redis: they are in flight together. */
export function publishOnRedis(stage: Stage, channel: string, bodies: readonly string[]): Promise<unknown> {
  const pipeline = stage.redis.pipeline()
  for (const body of bodies) pipeline.publish(`topic:${channel}`, JSON.stringify(body))
  return pipeline.exec()
}
