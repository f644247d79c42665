/** Puts together what runs the commands of clients on Redis. */
import { BusUnavailableError } from './bus/bus.ts'
import { hasRedis, type Config } from './config.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { CommandConnection } from './redis/command-connection.ts'
import { located } from './redis/sentinels.ts'
import { Allowed } from './redis-commands/permission.ts'
import { RedisCommands } from './redis-commands/redis-commands.ts'

interface Deps {
  readonly nodeId: string
  readonly metrics: Metrics
  readonly log: Log
}

export interface BridgeCommands {
  readonly commands: RedisCommands
  readonly connection: CommandConnection
}

/** Returns both; undefined if no command is allowed. Errors: throws as a connection to Redis. */
export function commandsOf({ redis, redisCommands }: Config, deps: Deps): BridgeCommands | undefined {
  if (redisCommands.allow.length === 0) return undefined
  if (!hasRedis(redis)) throw new BusUnavailableError('redisCommands need redis.url')
  const { names } = new Allowed(redisCommands.allow)
  const connection = new CommandConnection({ redis: located(redis), names, nodeId: deps.nodeId, log: deps.log })
  const commands = new RedisCommands(redisCommands, { ...deps, server: connection, serverPrefix: redis.keyPrefix })
  return { commands, connection }
}
