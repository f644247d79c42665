/** A Redis master with a replica, watched by three Sentinels: real processes on free ports, which fail over within a second or two. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from './ports.ts'
import { adopt } from './process.ts'
import { clientTls, serverProgram, startRedis, untilReady, type RedisServer, type ServerTls } from './redis.ts'
import { waitFor } from './wait.ts'

export const MASTER_NAME = 'the-master'
const SENTINELS = 3

export interface SentinelOptions {
  /** What the Sentinels ask of their clients. */
  readonly sentinelPassword?: string
  /** More arguments of both servers. */
  readonly args?: readonly string[]
  /** Of both servers, and of the Sentinels. */
  readonly tls?: { readonly servers: ServerTls; readonly sentinels: ServerTls }
}

export interface WatchedRedis {
  /** `host:port` of each. */
  readonly sentinels: readonly string[]
  /** The first is the master at the start. */
  readonly servers: readonly [RedisServer, RedisServer]
  /** The server that is the master now, as the Sentinels see it. */
  master(): Promise<RedisServer>
  /** A client of one Sentinel. */
  sentinel(index: number): Promise<Redis>
  /** Ends one Sentinel. */
  stopSentinel(index: number): Promise<void>
  stop(): Promise<void>
}

/** Resolves when the replica follows and all Sentinels know each other. */
export async function startWatchedRedis(options: SentinelOptions = {}): Promise<WatchedRedis> {
  const { args = [], tls } = options
  const shared = tls ? { tls: tls.servers } : {}
  const first = await startRedis({ ...shared, args: [...args, '--repl-diskless-sync-delay', '0'] })
  const second = await startRedis({ ...shared, args: [...args, '--replicaof', '127.0.0.1', String(first.port)] })
  await waitFor(async () => /master_link_status:up/.test(String(await (await second.client()).info('replication'))), {
    timeoutMs: 20_000,
  })
  const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-sentinel-'))
  const sentinels = await Promise.all(
    Array.from({ length: SENTINELS }, (_, index) => startSentinel(directory, index, first.port, options)),
  )
  const servers = [first, second] as const
  const clientOf = (index: number): Promise<Redis> => sentinels[index]!.client()
  const ask = async (...words: string[]): Promise<unknown> => {
    const living = sentinels.findIndex(({ child }) => child.exitCode === null && child.signalCode === null)
    return (await clientOf(living)).call('SENTINEL', ...words)
  }
  await waitFor(
    async () => {
      const known = await Promise.all(
        sentinels.map(async ({ client }) => (await client()).call('SENTINEL', 'CKQUORUM', MASTER_NAME).catch(() => '')),
      )
      const replicas = (await ask('REPLICAS', MASTER_NAME)) as unknown[]
      return replicas.length === 1 && known.every((each) => String(each).startsWith(`OK ${SENTINELS} `))
    },
    { timeoutMs: 30_000 },
  )
  return {
    sentinels: sentinels.map(({ port }) => `127.0.0.1:${port}`),
    servers,
    async master() {
      const [, port] = (await ask('GET-MASTER-ADDR-BY-NAME', MASTER_NAME)) as [string, string]
      return servers.find((server) => server.port === Number(port))!
    },
    sentinel: clientOf,
    stopSentinel: (index) => sentinels[index]!.stop(),
    async stop() {
      await Promise.all(sentinels.map((each) => each.stop()))
      await Promise.all(servers.map((each) => each.stop()))
      await rm(directory, { recursive: true, force: true })
    },
  }
}

interface Sentinel {
  readonly port: number
  readonly child: ChildProcess
  client(): Promise<Redis>
  stop(): Promise<void>
}

async function startSentinel(
  directory: string,
  index: number,
  masterPort: number,
  { sentinelPassword: password, tls: both }: SentinelOptions,
): Promise<Sentinel> {
  const tls = both?.sentinels
  const port = await freePort()
  const file = join(directory, `sentinel-${index}.conf`)
  const lines = [
    ...(tls
      ? [
          ...['port 0', `tls-port ${port}`, 'tls-replication yes'],
          ...[`tls-ca-cert-file ${tls.ca}`, `tls-cert-file ${tls.cert}`, `tls-key-file ${tls.key}`],
        ]
      : [`port ${port}`]),
    'bind 127.0.0.1',
    `dir ${directory}`,
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${MASTER_NAME} 1000`,
    `sentinel failover-timeout ${MASTER_NAME} 5000`,
    ...(password ? [`requirepass ${password}`, `sentinel sentinel-pass ${password}`] : []),
  ]
  await writeFile(file, lines.join('\n'))
  const child = spawn(serverProgram(tls), [file, '--sentinel'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  adopt(child)
  await untilReady(child, '+monitor')
  let client: Promise<Redis> | undefined
  return {
    port,
    child,
    client: () => (client ??= connected(port, password, tls)),
    async stop() {
      ;(await client)?.disconnect()
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    },
  }
}

async function connected(port: number, password: string | undefined, tls: ServerTls | undefined): Promise<Redis> {
  const client = new Redis({
    port,
    ...(password ? { password } : {}),
    ...(tls ? { tls: clientTls(tls) } : {}),
    protocol: 2,
    lazyConnect: true,
    enableReadyCheck: false,
  })
  client.on('error', () => {})
  await client.connect()
  return client
}
