/** Puts together what answers a SUBSCRIBE by itself. */
import type { Config } from './config.ts'
import type { RedisCommands } from './redis/commands.ts'
import { RedisValues } from './redis/redis-values.ts'
import { Snapshots, type SnapshotsDeps } from './snapshots/snapshots.ts'

interface Deps extends Omit<SnapshotsDeps, 'values'> {
  /** Undefined where there is no Redis. */
  readonly commands: RedisCommands | undefined
}

/** Returns the snapshots of the configuration; undefined if there are none. */
export function snapshotsOf({ snapshots }: Config, { commands, ...deps }: Deps): Snapshots | undefined {
  if (snapshots.length === 0) return undefined
  return new Snapshots(snapshots, { ...deps, values: commands && new RedisValues(commands) })
}
