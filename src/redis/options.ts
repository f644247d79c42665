/** How to reach Redis: the options of the bridge, and what ioredis makes of them. */
import { readFileSync } from 'node:fs'
import type { RedisOptions as ClientOptions } from 'ioredis'
import { parseRedisUrl } from '../config.ts'

/** The `redis` section of the configuration; times in milliseconds. */
export interface RedisOptions {
  readonly url: string
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
  /** How long an answer may take before the connection counts as dead. */
  readonly commandTimeoutMs: number
  readonly probeIntervalMs: number
  readonly reconnectMaxDelayMs: number
}

const FIRST_DELAY_MS = 50

/** Returns what ioredis is made with; it never sees the URL. Errors: throws if the URL is not understood or a TLS file cannot be read. */
export function clientOptions(options: RedisOptions): Omit<ClientOptions, 'replyMapping' | 'retryStrategy'> {
  const { host, port, path, family, isTls, ...fromUrl } = parseRedisUrl(options.url)
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
    // The probe makes traffic; a connection without any for this long is dead.
    socketTimeout: options.probeIntervalMs + options.commandTimeoutMs,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(db === undefined ? {} : { db }),
    ...(isTls || options.tls.enabled ? { tls: tlsOptions(options.tls) } : {}),
  }
}

function tlsOptions({ rejectUnauthorized, serverName, caFile, certFile, keyFile }: RedisOptions['tls']) {
  const read = (file: string | undefined): Buffer | undefined => (file === undefined ? undefined : readFileSync(file))
  return {
    rejectUnauthorized,
    ...(serverName === undefined ? {} : { servername: serverName }),
    ca: read(caFile),
    cert: read(certFile),
    key: read(keyFile),
  }
}

/** Doubling from 50 ms, with jitter so that many bridges do not come back at once. */
export function growingDelay(attempt: number, maxMs: number): number {
  const delay = Math.min(maxMs, FIRST_DELAY_MS * 2 ** Math.min(attempt - 1, 16))
  return Math.round(delay * (0.75 + Math.random() * 0.25))
}
