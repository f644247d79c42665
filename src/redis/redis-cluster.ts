/** What a bridge on a Redis Cluster has, put together: the nodes, the way of commands to them, and channels where Pub/Sub is sharded. */
import type { Redis } from 'ioredis'
import { DESTINATION_PREFIX, type BusRefusedError } from '../bus/bus.ts'
import { ClusterNodes, type ClusterEvents } from './cluster-nodes.ts'
import { ClusterRouter } from './cluster-router.ts'
import type { RedisOptions } from './options.ts'
import { ShardedChannels } from './shards.ts'

export interface ClusterUse {
  /** For commands without keys. */
  client(): Redis
  /** Makes of what Redis or ioredis said the error that a publisher gets. */
  failureOf(error: Error): Error
  onFailure(cause: string): void
  onChange(): void
  /** On a sharded channel, as Redis calls it. */
  onMessage(channel: string, payload: Buffer): void
  /** Redis refuses a sharded channel, or (undefined) takes it again. */
  onRefusal(channel: string, refusal: BusRefusedError | undefined): void
  onPassing(text: string): void
}

export interface RedisCluster {
  readonly router: ClusterRouter
  /** Undefined where Pub/Sub is the classic one. */
  readonly shards: ShardedChannels | undefined
}

/** Undefined where Redis is no Cluster. Errors: throws if a node is not understood or a TLS file cannot be read. */
export function createCluster(options: RedisOptions, nodeId: string, use: ClusterUse): RedisCluster | undefined {
  if ((options.cluster ?? []).length === 0) return undefined
  const { keyPrefix, commandTimeoutMs: timeoutMs, shardedPubSub = false } = options
  const events: ClusterEvents = {
    onFailure: (cause) => use.onFailure(cause),
    onChange: () => use.onChange(),
    onSlots: () => shards?.slotsChanged(),
    onShard: (member) => shards?.connected(member),
    onShardLost: (member, reason) => shards?.lost(member, reason),
    onShardMessage: (channel, payload) => use.onMessage(channel, payload),
  }
  const nodes = new ClusterNodes(options, nodeId, events, (error) => use.failureOf(error))
  const shardedPrefix = shardedPubSub ? keyPrefix + DESTINATION_PREFIX : undefined
  const router = new ClusterRouter({ nodes, client: () => use.client(), timeoutMs, shardedPrefix })
  const shards = shardedPubSub
    ? new ShardedChannels({ nodes, slots: router.slots, keyPrefix, timeoutMs }, use)
    : undefined
  return { router, shards }
}
