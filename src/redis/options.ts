/** How to reach Redis: the options of the bridge, and what ioredis makes of them. */
import type { RedisOptions as ClientOptions } from 'ioredis'
import { nodeText, parseRedisUrl, type RedisNode } from '../config.ts'
import { readSettingFile } from '../setting-file.ts'
import { identityOptions } from './server-identity.ts'

/** The `redis` section of the configuration; times in milliseconds. */
export interface RedisOptions {
  /** One of `url`, `sentinels` and `cluster` says where Redis is. */
  readonly url?: string | undefined
  readonly sentinels?: readonly string[] | undefined
  readonly masterName?: string | undefined
  readonly sentinelUsername?: string | undefined
  readonly sentinelPassword?: string | undefined
  readonly sentinelTls?: boolean | undefined
  readonly cluster?: readonly string[] | undefined
  readonly shardedPubSub?: boolean | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly db?: number | undefined
  readonly tls: {
    readonly enabled: boolean
    readonly rejectUnauthorized: boolean
    readonly caFile?: string | undefined
    readonly certFile?: string | undefined
    readonly keyFile?: string | undefined
    readonly serverName?: string | undefined
  }
  /** Put before every channel and pattern. */
  readonly keyPrefix: string
  readonly connectTimeoutMs: number
  /** How long a command waits, and nothing comes, before the connection counts as dead. */
  readonly commandTimeoutMs: number
  readonly probeIntervalMs: number
  readonly reconnectMaxDelayMs: number
  /** Finds the server before each attempt to connect; undefined where `url` says it. */
  readonly locate?: Locate | undefined
  /** The one of several servers that `url` is about; undefined where there is one for all. */
  readonly node?: RedisNode | undefined
}

/** Resolves to where to connect now. Rejects with what is to be said when that is not known. */
export type Locate = () => Promise<RedisNode>

/** Returns the options for one server, with the same user and TLS. */
export function optionsFor(options: RedisOptions, node: RedisNode): RedisOptions {
  return { ...options, url: `redis://${nodeText(node)}`, sentinels: [], cluster: [], locate: undefined, node }
}

const FIRST_DELAY_MS = 50

/** Returns what ioredis is made with; it never sees the URL. Errors: throws if the URL is not understood or a TLS file cannot be read. */
export function clientOptions(options: RedisOptions): Omit<ClientOptions, 'replyMapping' | 'retryStrategy'> {
  const { locate, url = '' } = options
  const { host, port, path, family, isTls, ...fromUrl } = parseRedisUrl(locate ? 'redis://' : url)
  const username = options.username ?? fromUrl.username
  const password = options.password ?? fromUrl.password
  const db = options.db ?? fromUrl.db
  return {
    ...(path === undefined ? { host: host!, port, ...(family === undefined ? {} : { family }) } : { path }),
    lazyConnect: true,
    // Nothing waits in memory for Redis to come back: the sender is told, and decides.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // It asks INFO, which many a Redis does not let us; Pub/Sub works while Redis is loading, and what does not says so.
    enableReadyCheck: false,
    // What was unanswered when a connection ended is rejected then. With null ioredis 6 never settles it.
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    connectTimeout: options.connectTimeoutMs,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(db === undefined ? {} : { db }),
    ...(isTls || options.tls.enabled ? { tls: tlsOptions(options.tls, options.node) } : {}),
  }
}

/** Returns the same for the one of several servers that was found. */
export function foundOptions(given: ClientOptions, { tls }: RedisOptions, node: RedisNode): Partial<ClientOptions> {
  const { host, port } = node
  return { host, port, ...(given.tls ? { tls: { ...given.tls, ...identityOptions(namesOf(tls, node)) } } : {}) }
}

function tlsOptions(tls: RedisOptions['tls'], node: RedisNode | undefined): NonNullable<ClientOptions['tls']> {
  const { rejectUnauthorized, serverName } = tls
  const read = (name: TlsFile): Buffer | undefined => readTlsFile(tls, name)
  return {
    rejectUnauthorized,
    ...(node ? identityOptions(namesOf(tls, node)) : serverName === undefined ? {} : { servername: serverName }),
    ca: read('caFile'),
    cert: read('certFile'),
    key: read('keyFile'),
  }
}

const TLS_FILES = ['caFile', 'certFile', 'keyFile'] as const
type TlsFile = (typeof TLS_FILES)[number]

/** Errors: throws one line with the setting if it cannot be read. */
function readTlsFile(tls: RedisOptions['tls'], name: TlsFile): Buffer | undefined {
  const file = tls[name]
  return file === undefined ? undefined : readSettingFile(file, `redis.tls.${name}`)
}

/** Reads the files that are used, for `check-config`. Returns what is wrong with them, one line each. */
export function checkTlsFiles({ url, sentinelTls = false, tls }: RedisOptions): string[] {
  const isUsed = tls.enabled || sentinelTls || (url !== undefined && parseRedisUrl(url).isTls)
  if (!isUsed) return []
  return TLS_FILES.flatMap((name) => {
    try {
      readTlsFile(tls, name)
      return []
    } catch (error) {
      return [(error as Error).message]
    }
  })
}

/** The certificates of all have one name, or each has its own, which is its host or what it says that it is called. */
function namesOf({ serverName }: RedisOptions['tls'], { host, hostname }: RedisNode): string[] {
  return [serverName, hostname, host].filter((name) => name !== undefined)
}

/** Doubling from 50 ms, with jitter so that many bridges do not come back at once. */
export function growingDelay(attempt: number, maxMs: number): number {
  const delay = Math.min(maxMs, FIRST_DELAY_MS * 2 ** Math.min(attempt - 1, 16))
  return Math.round(delay * (0.75 + Math.random() * 0.25))
}
