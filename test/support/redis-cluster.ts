/** A Redis Cluster of real processes on free ports; with `replicas`, each master has one that takes over within seconds. */
import type { Redis } from 'ioredis'
import { freePort, isFree } from './ports.ts'
import { startRedis, type RedisServer, type ServerTls } from './redis.ts'
import { waitFor } from './wait.ts'

const SLOTS = 16_384
const BUS_PORT_OFFSET = 10_000
const LONG = { timeoutMs: 40_000 }

export interface ClusterOptions {
  readonly masters?: number
  readonly hasReplicas?: boolean
  /** More arguments of each server. */
  readonly args?: readonly string[]
  /** Of the n-th server: TLS, also between the nodes. */
  readonly tlsOf?: (index: number) => ServerTls
  /** As of one server. */
  readonly sinceVersion?: number
  /** More arguments of the n-th server. */
  readonly argsOf?: (index: number) => readonly string[]
}

export interface RedisCluster {
  /** `host:port` of the masters at the start. */
  readonly nodes: readonly string[]
  readonly masters: readonly RedisServer[]
  readonly replicas: readonly RedisServer[]
  /** Port of the node that has a slot now, as the first node that lives sees it. */
  ownerOf(slot: number): Promise<number>
  /** Starts one more master, which has no slots yet. Resolves when all know it. */
  join(): Promise<RedisServer>
  /** Moves a slot with its keys from one master to another, key by key. */
  move(slot: number, from: RedisServer, to: RedisServer): Promise<void>
  stop(): Promise<void>
}

export async function startRedisCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { masters: count = 3, hasReplicas = false, args = [], argsOf, tlsOf, sinceVersion = 0 } = options
  const start = (index: number): Promise<RedisServer> => {
    const own = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
    // A master that has no slots any more stays a master.
    own.push('--cluster-allow-replica-migration', 'no')
    const more = [...(tlsOf ? ['--tls-cluster', 'yes'] : []), ...args, ...(argsOf?.(index) ?? [])]
    return startRedis({
      args: [...own, '--repl-diskless-sync-delay', '0', ...more],
      findPort: freeClusterPort,
      sinceVersion,
      ...(tlsOf ? { tls: tlsOf(index) } : {}),
    })
  }
  const numbers = Array.from({ length: hasReplicas ? count * 2 : count }, (_, index) => index)
  const servers = await Promise.all(numbers.map(start))
  const clients = await Promise.all(servers.map((server) => server.client()))
  const [masters, replicas] = [servers.slice(0, count), servers.slice(count)]
  for (const [index, client] of clients.entries()) {
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
    if (index < count) await client.call('CLUSTER', 'ADDSLOTS', ...slotsOf(index, count))
  }
  for (const { port } of servers.slice(1)) await clients[0]!.call('CLUSTER', 'MEET', '127.0.0.1', port)
  const info = async (client: Redis): Promise<string> => String(await client.call('CLUSTER', 'INFO'))
  const untilAllKnown = (): Promise<true> => {
    const knowAll = new RegExp(`cluster_known_nodes:${servers.length}\\b`)
    return waitFor(async () => (await Promise.all(clients.map(info))).every((text) => knowAll.test(text)), LONG)
  }
  await untilAllKnown()
  for (const [index, client] of clients.slice(count).entries()) {
    const id = String(await clients[index]!.call('CLUSTER', 'MYID'))
    await waitFor(() => client.call('CLUSTER', 'REPLICATE', id).catch(() => undefined), LONG)
    await waitFor(async () => /master_link_status:up/.test(String(await client.info('replication'))), LONG)
  }
  await waitFor(async () => (await Promise.all(clients.map(info))).every((text) => /cluster_state:ok/.test(text)), LONG)
  return {
    nodes: masters.map(({ port }) => `127.0.0.1:${port}`),
    masters,
    replicas,
    async ownerOf(slot) {
      const client = clients.find(({ status }) => status === 'ready')!
      const ranges = (await client.call('CLUSTER', 'SLOTS')) as [number, number, [string, number]][]
      return ranges.find(([first, last]) => slot >= first && slot <= last)?.[2][1] ?? 0
    },
    async join() {
      const server = await start(servers.length)
      servers.push(server)
      const client = await server.client()
      await clients[0]!.call('CLUSTER', 'MEET', '127.0.0.1', server.port)
      clients.push(client)
      await untilAllKnown()
      await waitFor(async () => /cluster_state:ok/.test(await info(client)), LONG)
      return server
    },
    async move(slot, from, to) {
      const [source, target] = [clients[servers.indexOf(from)]!, clients[servers.indexOf(to)]!]
      const [sourceId, targetId] = await Promise.all([source, target].map((each) => each.call('CLUSTER', 'MYID')))
      await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(sourceId))
      await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(targetId))
      for (;;) {
        const keys = (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, 10)) as string[]
        if (keys.length === 0) break
        await source.call('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys)
      }
      for (const each of [target, source]) await each.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(targetId))
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

/** Free, and so is the one of the bus, which is 10,000 above it: before Redis 7 it can be no other. */
async function freeClusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (port + BUS_PORT_OFFSET <= 65_535 && (await isFree(port + BUS_PORT_OFFSET))) return port
  }
}

function slotsOf(index: number, count: number): number[] {
  const first = Math.floor((index * SLOTS) / count)
  const end = Math.floor(((index + 1) * SLOTS) / count)
  return Array.from({ length: end - first }, (_, i) => first + i)
}
